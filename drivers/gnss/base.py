"""What every satellite receiver owes its callers: position, time, or the reason there is none."""

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Protocol


class FixQuality(enum.Enum):
    """How a position was found; the values are those of GGA. Anything else is no position."""

    SPS = 1  # satellites alone
    DGPS = 2
    PPS = 3
    RTK = 4
    FLOAT = 5


class NoFixReason(enum.Enum):
    """Why a position was not accepted, in the order in which the reasons are looked for."""

    NO_SATELLITES = "the receiver itself says that it has no position"
    QUALITY = "dead reckoning, typed in by hand or simulated: not measured from satellites"
    STALE = "the receiver repeats an old time of day, or the position was read too late"
    NO_POSITION = "the receiver claims a fix, but its position is empty, impossible or 0,0"
    FEW_SATELLITES = "fewer than four satellites used"
    HDOP = "the satellites stand too close together"
    UNCONFIRMED = "first good position after none; the next one confirms it"


@dataclass(frozen=True, slots=True)
class SatelliteView:
    """What the antenna hears: for choosing its place, and for noticing a jammer or a spoofer."""

    in_view: int
    cn0_dbhz: tuple[int, ...]
    """Strength of each satellite that is heard at all, on its strongest signal."""

    @property
    def mean_cn0_dbhz(self) -> float | None:
        """Mean strength, or None while nothing is heard."""
        return fmean(self.cn0_dbhz) if self.cn0_dbhz else None


class Antenna(enum.Enum):
    """What the receiver measures at its antenna connector."""

    OK = "connected"
    OPEN = "no current: a broken cable, or an antenna that needs none"
    SHORT = "too much current: a crushed or wet cable"


@dataclass(frozen=True, slots=True)
class SelfReport:
    """What the receiver itself says of its signals. None means "not said"."""

    spoofed: bool | None = None
    jammed: bool | None = None
    jam_indicator: int | None = None
    """0 to 255. Only a rise over the same receiver's quiet value means something."""
    antenna: Antenna | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """One accepted position, WGS-84 (CGCS2000 is the same within centimetres; never GCJ-02).

    `utc` is what the receiver says, a lost week rollover put right; whether it can be believed is
    for the one who knows other clocks. It is None while the receiver sends no date. `altitude_m`
    is above mean sea level and None unless it was measured. None means "not said".
    """

    utc: datetime | None
    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None
    satellites: int | None
    hdop: float | None
    quality: FixQuality
    is_3d: bool | None
    speed_mps: float | None
    received_mono_s: float
    """Monotonic time at which the first sentence of this epoch was read."""
    view: SatelliteView | None = None
    report: SelfReport | None = None
    systems_apart_m: float | None = None
    """How far apart GPS alone, BeiDou alone ... say we are, from a receiver that says so."""


@dataclass(frozen=True, slots=True)
class NoFix:
    """The receiver talks, and has no position we accept."""

    reason: NoFixReason
    received_mono_s: float
    view: SatelliteView | None = None
    report: SelfReport | None = None


GnssEvent = Fix | NoFix


class GnssReceiver(Protocol):
    """A satellite receiver behind an open port. The port belongs to the caller.

    Implementations must: report at most one event per second of the receiver's own time; report
    a `Fix` only when the one before it was good too; count what they cannot read and go on. They
    may report nothing for a second in which the receiver said nothing whole.
    """

    def events(self) -> AsyncIterator[GnssEvent]:
        """Yield events for ever.

        Raises `PortGone` when the port ends, `DeviceSilent` when no valid sentence has come for
        5 s. After either, make a new receiver.
        """
