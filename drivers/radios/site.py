"""What an operator sets of a node's radio: the `[radio]` of terminal.toml and gateway.toml.

All nodes of a county share everything but port, pins, power and antenna. What may be set so by law
is for `law`, what a modem can do for its driver; `opening` makes the one of the other.
"""

from pathlib import Path
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

RegionName = Literal["CN470", "EU868", "EU433", "US915"]
REGION_NAMES: tuple[RegionName, ...] = get_args(RegionName)
DIPOLE_DBI = 2.15  # e.r.p. is counted against a half-wave dipole, which has this over a point
EBYTE_KINDS = ("e22", "e220", "e32")
LORA_KINDS = ("rak3172",)
"""Modems whose spreading factor and bandwidth can be chosen."""
MESH_KINDS = ("meshtastic",)
"""Nodes of a mesh, which are set by their owner and only looked at."""
PresetName = Literal[
    "LONG_FAST",
    "MEDIUM_SLOW",
    "MEDIUM_FAST",
    "SHORT_SLOW",
    "SHORT_FAST",
    "LONG_MODERATE",
    "SHORT_TURBO",
    "LONG_TURBO",
    "MEDIUM_TURBO",
]
AirRate = Literal[300, 1200, 2400, 4800, 9600, 19200, 38400, 62500]
PINS = (
    r"\A(lgpio|mock|pigpio://[^:/@?]+:[0-9]{1,5})\?m0=[0-9]{1,2}&m1=[0-9]{1,2}(&aux=[0-9]{1,2})?\Z"
)

Megahertz = Annotated[float, Meta(ge=100, le=1000)]
Decibels = Annotated[float, Meta(ge=-20, le=30)]
PinsUrl = Annotated[str, Meta(pattern=PINS)]


class RadioSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The modem: a driver of `drivers.registry.RADIOS` on a port, and what it is set to."""

    kind: str
    port: str
    region: RegionName
    """Whose law holds."""
    frequency_mhz: Megahertz
    """The channel's middle."""
    power_dbm: Annotated[int, Meta(ge=-20, le=36)]
    """What the modem shall send with; with the antenna's gain it makes the e.r.p."""
    antenna_dbi: Decibels = DIPOLE_DBI
    """The antenna's gain less what its cable loses."""
    air_bps: AirRate | None = None
    """EByte only: the air rate's name; None: 2400."""
    module_dbm: int | None = None
    """E22 and E220 only: the most this model can send with; None: 22."""
    pins: PinsUrl | None = None
    """EByte only: M0, M1 and perhaps AUX, such as `lgpio?m0=22&m1=27&aux=4`.

    The pins are those of `drivers.panel.PINS`, by their GPIO numbers. None: none are wired, and
    the mode is switched by software.
    """
    measured: Path | None = None
    """EByte only: the airtimes `muster radio calibrate` found; None: they are computed."""
    spreading_factor: Annotated[int, Meta(ge=5, le=12)] | None = None
    """LoRa modems only; None: 9."""
    bandwidth_khz: Literal[125, 250, 500] | None = None
    """LoRa modems only; None: 125."""
    preset: PresetName | None = None
    """Meshtastic only: what its owner has set it to; None: MEDIUM_FAST."""

    def __post_init__(self) -> None:
        """Refuse what means nothing to the kind of modem."""
        for kinds, names in (
            (EBYTE_KINDS, ("air_bps", "module_dbm", "pins", "measured")),
            (LORA_KINDS, ("spreading_factor", "bandwidth_khz")),
            (MESH_KINDS, ("preset",)),
        ):
            for name in names:
                if getattr(self, name) is not None and self.kind not in kinds:
                    raise ValueError(f"{name} means nothing to a modem of kind {self.kind!r}")

    @property
    def frequency_hz(self) -> int:
        """The channel's middle."""
        return round(self.frequency_mhz * 1_000_000)

    @property
    def erp_dbm(self) -> float:
        """The power it is heard with, counted against a dipole."""
        return round(self.power_dbm + self.antenna_dbi - DIPOLE_DBI, 2)
