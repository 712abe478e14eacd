"""What an EByte modem is set to, in units; `e22_frames` and `e32_frames` turn it into registers."""

from dataclasses import dataclass

from drivers.radios.airtime import MeasuredAirtime


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
