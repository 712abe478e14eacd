"""What an EByte modem is set to, in units; `e22_frames` and `e32_frames` turn it into registers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drivers.radios.airtime import MeasuredAirtime, lora_airtime_s
from drivers.radios.e22_packets import LENGTH_BYTES

ASSUMED_LORA: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        300: (12, 125_000),
        1200: (10, 125_000),
        2400: (9, 125_000),
        4800: (9, 250_000),
        9600: (9, 500_000),
        19200: (7, 500_000),
        38400: (6, 500_000),
        62500: (5, 500_000),
    }
)
"""Air rate -> spreading factor and bandwidth in Hz, assumed until it is measured: hw/e22.md 8."""
_MODULE_HEAD_BYTES = 6  # the same


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """One site's radio: all modems of a site share everything but the power.

    `frequency_hz` is a channel's middle and `air_bps` the name of an air rate (hw/e22.md 4);
    `module_dbm` is the most the model can send with, `power_dbm` what it shall. `key` separates
    sites, it keeps nothing secret. `measured` replaces the computed airtime. `aux_covers_air`
    says that AUX was seen to stay low until the air is free: the manual does not promise it, and
    without it every frame is waited for a whole airtime longer.
    """

    frequency_hz: int
    air_bps: int = 2400
    power_dbm: int = 17
    module_dbm: int = 22
    network: int = 0
    address: int = 0
    key: int = 0
    listens_first: bool = True
    aux_covers_air: bool = False
    measured: MeasuredAirtime | None = None

    def airtime_s(self, frame_bytes: int) -> float:
        """How long a frame is on the air: as measured, else as assumed and rather too long."""
        if self.measured is not None:
            return self.measured.airtime_s(frame_bytes)
        payload_bytes = frame_bytes + LENGTH_BYTES + _MODULE_HEAD_BYTES
        return lora_airtime_s(payload_bytes, *ASSUMED_LORA[self.air_bps])
