"""The three wires beside an EByte modem's serial line: M0, M1 and AUX (hw/e22.md 2)."""

from dataclasses import dataclass
from typing import Protocol

from gpiozero import DigitalInputDevice, DigitalOutputDevice

from drivers.panel.pins import Header


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
