"""The three wires beside an EByte modem's serial line: M0, M1 and AUX (hw/e22.md 2).

    lgpio?m0=22&m1=27&aux=17                        this board's header
    pigpio://127.0.0.1:8888?m0=22&m1=27&aux=17      that of a pigpiod, or of a simulated modem

Before the `?` is what a panel's pins are called; numbers are GPIO numbers, AUX may be left out.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from gpiozero import DigitalInputDevice, DigitalOutputDevice

from drivers.errors import DriverConfigError
from drivers.panel.pins import Header, open_pins

HEADER_PINS = range(28)  # GPIO0 to GPIO27 are on the header of every Pi


@dataclass(frozen=True, slots=True)
class Aux:
    """What AUX says, and how often it has fallen: a short pulse is not missed."""

    is_busy: bool
    falls: int


class ModePins(Protocol):
    """The wires as the driver sees them."""

    def set(self, levels: int) -> None:
        """Drive M1 and M0 as a number of two bits, M1 the higher. Raises `PortGone`."""

    @property
    def aux(self) -> Aux | None:
        """AUX now; None: it is not wired. Raises `PortGone`."""


class GpioModePins:
    """`ModePins` on the header of the board; pins by their GPIO numbers, AUX None if not wired."""

    def __init__(self, header: Header, *, m0: int, m1: int, aux: int | None = None) -> None:
        self._header = header
        self._falls = 0
        with header.guard():
            self._m0 = DigitalOutputDevice(m0, pin_factory=header.factory)
            self._m1 = DigitalOutputDevice(m1, pin_factory=header.factory)
            self._aux = None
            if aux is not None:
                # Active is low: pulled up, a broken wire reads as idle, which the next frame shows.
                self._aux = DigitalInputDevice(aux, pull_up=True, pin_factory=header.factory)
                self._aux.when_activated = self._on_fall

    def set(self, levels: int) -> None:
        """See `ModePins.set`."""
        with self._header.guard():
            self._m0.value = levels & 1
            self._m1.value = levels >> 1

    @property
    def aux(self) -> Aux | None:
        """See `ModePins.aux`."""
        if self._aux is None:
            return None
        with self._header.guard():
            return Aux(is_busy=self._aux.is_active, falls=self._falls)

    def close(self) -> None:
        """Free the three pins."""
        for device in (self._m0, self._m1, self._aux):
            if device is not None:
                self._header.release(device.close)

    def _on_fall(self) -> None:
        """Called on the pin library's own thread; nobody else writes this number."""
        self._falls += 1


@asynccontextmanager
async def open_mode_pins(url: str) -> AsyncIterator[GpioModePins]:
    """The pins `url` names, freed at the end.

    Raises `DriverConfigError` for what is no such URL, and what `drivers.panel.pins.open_pins`
    raises.
    """
    where, numbers = parse_mode_pins(url)
    header = await open_pins(where)
    try:
        yield GpioModePins(header, **numbers)
    finally:
        await header.close()


def parse_mode_pins(url: str) -> tuple[str, dict[str, int]]:
    """Where the pins are, and the number of each by its name. Raises `DriverConfigError`."""
    where, _, query = url.partition("?")
    said = parse_qs(query, keep_blank_values=True)
    if not where or not {"m0", "m1"} <= set(said) <= {"m0", "m1", "aux"}:
        raise DriverConfigError(f"pins {url!r}: expected such as lgpio?m0=22&m1=27&aux=17")
    texts = [text for values in said.values() for text in values]
    numbers = [int(text) for text in texts if text.isascii() and text.isdigit()]
    pins = {number for number in numbers if number in HEADER_PINS}
    if len(pins) < len(texts) or len(texts) > len(said):
        raise DriverConfigError(f"pins {url!r}: m0, m1 and aux are different GPIO numbers up to 27")
    return where, dict(zip(said, numbers, strict=True))
