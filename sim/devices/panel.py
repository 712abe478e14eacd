"""Simulated panel on a header: lights, buzzer, buttons and a tamper loop that a tester can move.

Written from hw/panel.md. Modelled: contacts that bounce, seeded; an active buzzer, which has a
pitch of its own, and a tonal one. Not modelled: the brightness of a light between on and off.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from sim.devices.header import SimHeader

BOUNCE_PAIRS = range(1, 4)
BOUNCE_S = 0.005  # hw/panel.md 3: how long a new push button takes to come to rest
TAP_S = 0.15  # a short press by a finger
HOLD_S = 1.5  # a long one
SOUNDS_KEPT = 8
OWN_PITCH_HZ = 2300  # hw/panel.md 2: what small active buzzers are tuned to


@dataclass(frozen=True, slots=True)
class Sound:
    """One tone; `length_ms` is None while it sounds."""

    number: int
    frequency_hz: int
    length_ms: int | None


@dataclass(frozen=True, slots=True)
class PanelView:
    """What somebody in front of the panel sees and hears."""

    lit: frozenset[str]
    sound_hz: int | None
    sounds: tuple[Sound, ...]
    """The latest, oldest first."""
    pressed: frozenset[str]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which pin is what; names are those of a board profile."""

    lights: Mapping[str, int]
    buzzer: int
    is_tonal: bool
    buttons: Mapping[str, int] = field(default_factory=dict)
    tamper: int | None = None


class SimPanel:
    """The panel. Its methods are the tester's hands; `changed` is called when the view differs."""

    def __init__(self, wiring: Wiring, header: SimHeader, *, seed: int = 0) -> None:
        self._wiring, self._header = wiring, header
        self._loop = asyncio.get_running_loop()
        self._random = Random(seed)
        self._pressed: set[str] = set()
        self._is_open = False
        self._sounds: list[Sound] = []
        self._sounding_since_s = 0.0
        self._moving: dict[int, list[asyncio.TimerHandle]] = {}
        self.changed: Callable[[], None] = lambda: None
        if wiring.tamper is not None:
            header.ground(wiring.tamper, is_grounded=True)
        header.watch(self._pin_changed)

    @property
    def view(self) -> PanelView:
        """The panel now."""
        return PanelView(
            lit=frozenset(name for name, pin in self._wiring.lights.items() if self._is_high(pin)),
            sound_hz=self._sound_hz(),
            sounds=tuple(self._sounds),
            pressed=frozenset(self._pressed),
            is_open=self._is_open,
        )

    def press(self, button: str) -> None:
        """Push a button and keep it down. Raises `KeyError` for a button that is not there."""
        self._move(self._wiring.buttons[button], is_grounded=True)
        self._pressed.add(button)
        self.changed()

    def release(self, button: str) -> None:
        """Let a button go. Raises `KeyError` for a button that is not there."""
        self._move(self._wiring.buttons[button], is_grounded=False)
        self._pressed.discard(button)
        self.changed()

    def push(self, button: str, for_s: float) -> None:
        """Push a button and let it go after so long."""
        self.press(button)
        self._loop.call_later(for_s, self.release, button)

    def open(self, is_open: bool) -> None:
        """Open or shut the enclosure. Raises `KeyError` when there is no loop."""
        if self._wiring.tamper is None:
            raise KeyError("tamper")
        self._is_open = is_open
        self._move(self._wiring.tamper, is_grounded=not is_open)
        self.changed()

    def _pin_changed(self, pin: int) -> None:
        if pin == self._wiring.buzzer:
            self._listen()
        if pin == self._wiring.buzzer or pin in self._wiring.lights.values():
            self.changed()

    def _is_high(self, pin: int) -> bool:
        return bool(self._header.level(pin))

    def _sound_hz(self) -> int | None:
        if self._wiring.is_tonal:
            wave = self._header.wave(self._wiring.buzzer)
            return None if wave is None else wave.frequency_hz
        return OWN_PITCH_HZ if self._is_high(self._wiring.buzzer) else None

    def _listen(self) -> None:
        hz, now_s = self._sound_hz(), self._loop.time()
        last = self._sounds[-1] if self._sounds else None
        if last is not None and last.length_ms is None:
            if hz == last.frequency_hz:
                return
            length_ms = round((now_s - self._sounding_since_s) * 1000)
            self._sounds[-1] = Sound(last.number, last.frequency_hz, length_ms)
        if hz is not None:
            self._sounding_since_s = now_s
            self._sounds.append(Sound(last.number + 1 if last else 1, hz, None))
            del self._sounds[:-SOUNDS_KEPT]

    def _move(self, pin: int, *, is_grounded: bool) -> None:
        """A contact closes or opens, and bounces before it comes to rest."""
        for timer in self._moving.pop(pin, []):
            timer.cancel()
        times_s = sorted(
            self._random.uniform(0, BOUNCE_S) for _ in range(2 * self._random.choice(BOUNCE_PAIRS))
        )
        self._header.ground(pin, is_grounded)
        self._moving[pin] = [
            self._loop.call_later(
                after_s, self._header.ground, pin, is_grounded if number % 2 else not is_grounded
            )
            for number, after_s in enumerate(times_s)
        ]
