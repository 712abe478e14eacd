"""A simulated EByte modem with everything around it: antenna, pins across a socket, commands."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sim.control import ControlError, Verb, no_words, one_word
from sim.devices.e22 import CONFIG_BAUD, MODEL_E22, MODEL_E32, MODEL_E220, Model, SimE22
from sim.devices.header import SimHeader
from sim.devices.line import DeviceLine
from sim.devices.modem_pins import ModemWiring, WiredModem
from sim.devices.pigpiod import SimPigpiod
from sim.e22_antenna import E22Antenna

MODELS: Mapping[str, Model] = MappingProxyType(
    {"e22": MODEL_E22, "e220": MODEL_E220, "e32": MODEL_E32}
)
"""By the driver's name for it."""
UART_BAUD = CONFIG_BAUD
"""Of a modem as delivered, and of any in configuration mode."""

_ENABLE_SWITCH = bytes.fromhex("C0 04 01 10")  # hw/e22.md 3 and 4: REG1 bit 4, kept
_WIRING = ModemWiring()


class ModemRig:
    """A modem of this `kind` on `line`. `antenna` wants an air, `modem` wants to run."""

    def __init__(
        self,
        kind: str,
        line: DeviceLine,
        on_baud: Callable[[int], None] = lambda _: None,
        *,
        aux_covers_air: bool = False,
    ) -> None:
        self.antenna = E22Antenna()
        self.modem = SimE22(
            line,
            self.antenna,
            model=MODELS[kind],
            aux_covers_air=aux_covers_air,
            on_baud=on_baud,
        )
        self.antenna.hear = self.modem.hear
        self.pins: SimPigpiod | None = None

    def allow_switch_by_software(self) -> None:
        """Do what the vendor's tool does once to an E22 that will have no pins."""
        self.modem.memory.take(bytearray(_ENABLE_SWITCH))

    def wire(self, port: int = 0) -> SimPigpiod:
        """Wire M0, M1 and AUX to a Pi's header, `pins`, to be entered. Needs a running loop."""
        header = SimHeader()
        WiredModem(self.modem, header, _WIRING)
        self.pins = SimPigpiod(header, port)
        return self.pins

    @property
    def pins_url(self) -> str | None:
        """What a driver is told to reach them; None: it switches by software."""
        if self.pins is None:
            return None
        return f"{self.pins.url}?m0={_WIRING.m0}&m1={_WIRING.m1}&aux={_WIRING.aux}"

    def verbs(self) -> Mapping[str, Verb]:
        """What a control socket may say."""
        modem = self.modem
        return {
            "pins": one_word(self._set_pins),
            "aux": no_words(lambda: _level(modem.aux_is_high)),
            "stick": no_words(lambda: modem.stick_aux(True)),
            "loosen": no_words(lambda: modem.stick_aux(False)),
            "power": no_words(modem.lose_power),
            "forget": no_words(modem.forget),
            "die": no_words(modem.die),
            "state": no_words(self._said),
        }

    def _set_pins(self, levels: str) -> None:
        if levels not in {"00", "01", "10", "11"}:
            raise ControlError(f"{levels!r}: expected the levels of M1 and M0, such as 10")
        self.modem.set_pins(int(levels, 2))

    def _said(self) -> str:
        modem, facts = self.modem, self.modem.memory.facts
        mode = modem.mode.name.lower().replace("_", " ")
        rate = f"SF{facts.spreading_factor}/{facts.bandwidth_hz // 1000} kHz"
        return (
            f"{mode}, AUX {_level(modem.aux_is_high)}, {facts.frequency_hz / 1e6:.3f} MHz, "
            f"{rate}, {facts.power_dbm} dBm"
        )


def _level(is_high: bool) -> str:
    return "high" if is_high else "low"
