"""What a RAK3172 is set to, in units, and the parameters of its commands. hw/rak3172.md 3."""

from dataclasses import dataclass
from typing import Final

from drivers.errors import DriverConfigError
from drivers.radios.airtime import PREAMBLE_SYMBOLS, lora_airtime_s

FREQUENCIES_HZ: Final = range(150_000_000, 960_000_001)
SPREADING_FACTORS: Final = range(5, 13)
BANDWIDTHS_HZ: Final = (125_000, 250_000, 500_000)
"""Their places are the modem's codes."""
POWERS_DBM: Final = range(5, 23)
SPREADING_FACTOR, BANDWIDTH_HZ = 9, 125_000  # unless said otherwise
_CODING_RATE_4_5 = 0
_KHZ = 1000


@dataclass(frozen=True, slots=True)
class RakSettings:
    """One site's radio: all modems of a site share everything but the power.

    Raises `DriverConfigError` for what no RAK3172 can be set to.
    """

    frequency_hz: int
    spreading_factor: int = SPREADING_FACTOR
    bandwidth_hz: int = BANDWIDTH_HZ
    power_dbm: int = 17
    listens_first: bool = True

    def __post_init__(self) -> None:
        if self.frequency_hz not in FREQUENCIES_HZ:
            raise DriverConfigError(f"{self.frequency_hz} Hz: a RAK3172 has 150 to 960 MHz")
        if self.spreading_factor not in SPREADING_FACTORS:
            raise DriverConfigError(f"spreading factor {self.spreading_factor}: 5 to 12")
        if self.bandwidth_hz not in BANDWIDTHS_HZ:
            raise DriverConfigError(f"a bandwidth of {self.bandwidth_hz} Hz: {BANDWIDTHS_HZ}")
        if self.power_dbm not in POWERS_DBM:
            raise DriverConfigError(f"{self.power_dbm} dBm: a RAK3172 has 5 to 22")

    def airtime_s(self, frame_bytes: int) -> float:
        """How long a frame is on the air."""
        return lora_airtime_s(frame_bytes, self.spreading_factor, self.bandwidth_hz)

    @property
    def p2p(self) -> str:
        """The parameters of `AT+P2P`."""
        return ":".join(
            str(value)
            for value in (
                self.frequency_hz,
                self.spreading_factor,
                BANDWIDTHS_HZ.index(self.bandwidth_hz),
                _CODING_RATE_4_5,
                PREAMBLE_SYMBOLS,
                self.power_dbm,
            )
        )

    def is_p2p(self, said: str) -> bool:
        """Whether the modem says these parameters; older firmware tells the bandwidth in kHz."""
        words = self.p2p.split(":")
        in_khz = [*words[:2], str(self.bandwidth_hz // _KHZ), *words[3:]]
        return said.split(":") in (words, in_khz)
