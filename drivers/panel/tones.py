"""The buzzer: patterns of beeps, in the event loop's time."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gpiozero import Buzzer, PWMOutputDevice

from drivers.errors import PortGone
from drivers.panel.board import BuzzerPin
from drivers.panel.pins import Header

HALF_DUTY = 0.5  # a square wave: the loudest a piezo gets


@dataclass(frozen=True, slots=True)
class Tone:
    """One sound, and the silence after it."""

    frequency_hz: int
    length_s: float
    pause_s: float


class Beeper:
    """Plays one pattern at a time; a new one cuts the old one short."""

    def __init__(self, wiring: BuzzerPin, header: Header) -> None:
        self._playing: asyncio.Task[None] | None = None
        self._header = header
        self._device: Buzzer | PWMOutputDevice
        self._start: Callable[[int], None]
        with header.guard():
            if wiring.kind == "active":
                self._device = active = Buzzer(wiring.pin, pin_factory=header.factory)
                self._start = lambda _hz: active.on()
            else:
                self._device = tonal = PWMOutputDevice(wiring.pin, pin_factory=header.factory)
                self._start = lambda hz: _sound(tonal, hz)

    def play(self, tones: Iterable[Tone]) -> None:
        """Start a pattern and return at once. Raises `PortGone`."""
        self.stop()
        self._playing = asyncio.get_running_loop().create_task(self._run(tuple(tones)))

    def stop(self) -> None:
        """Be silent. Raises `PortGone`."""
        if self._playing is not None:
            self._playing.cancel()
        with self._header.guard():
            self._device.off()

    def close(self) -> None:
        """Be silent and free the pin."""
        with contextlib.suppress(PortGone):
            self.stop()
        self._header.release(self._device.close)

    async def _run(self, tones: tuple[Tone, ...]) -> None:
        with contextlib.suppress(PortGone):  # the header remembers
            for tone in tones:
                with self._header.guard():
                    self._start(tone.frequency_hz)
                await asyncio.sleep(tone.length_s)
                with self._header.guard():
                    self._device.off()
                await asyncio.sleep(tone.pause_s)


def _sound(device: PWMOutputDevice, frequency_hz: int) -> None:
    device.frequency = frequency_hz
    device.value = HALF_DUTY
