"""A simulated EByte modem's M0, M1 and AUX on the header of a Pi.

Written from hw/e22.md 2. M0 and M1 are what the header drives them to; undriven they are as its
pulls hold them. Not modelled: what a modem does whose M0 and M1 float while power comes.
"""

from dataclasses import dataclass

from sim.devices.e22 import SimE22
from sim.devices.header import SimHeader


@dataclass(frozen=True, slots=True)
class ModemWiring:
    """By BCM number. M0 and M1 as on Waveshare's HAT (hw/e22.md 1); AUX is free to choose."""

    m0: int = 22
    m1: int = 27
    aux: int = 17


class WiredModem:
    """Solders `modem` to `header`."""

    def __init__(self, modem: SimE22, header: SimHeader, wiring: ModemWiring) -> None:
        self._modem, self._header, self._wiring = modem, header, wiring
        header.watch(self._pin_changed)
        modem.aux_moved = self._aux_moved
        self._aux_moved(modem.aux_is_high)

    def _aux_moved(self, is_high: bool) -> None:
        self._header.push(self._wiring.aux, int(is_high))

    def _pin_changed(self, pin: int) -> None:
        its = self._wiring
        if pin in (its.m0, its.m1):
            self._modem.set_pins(self._header.level(its.m1) << 1 | self._header.level(its.m0))
