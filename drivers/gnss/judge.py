"""Whether what a receiver said about one epoch is a position we accept (hw/gnss-nmea.md, 3)."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import combinations

from drivers.gnss.base import Fix, FixQuality, NoFixReason, SatelliteView, SelfReport
from drivers.gnss.facts import Gga, Gsa, Rmc, Zda
from drivers.gnss.place import Position, metres_between
from drivers.gnss.rollover import correct_rollover

MIN_SATELLITES = 4
MAX_HDOP = 5.0
FRESH_S = 3.0
"""No position is older than this, and no two that confirm each other are further apart."""

_QUALITY_OF_MODE = {
    "A": FixQuality.SPS,
    "D": FixQuality.DGPS,
    "F": FixQuality.FLOAT,
    "P": FixQuality.PPS,
    "R": FixQuality.RTK,
}
_QUALITY_OF_GGA = {quality.value: quality for quality in FixQuality}
_NOT_MEASURED_MODES = {"E", "M", "S"}  # estimated, manual, simulator
_NO_GGA_FIX = 0
_NO_GSA_FIX = 1
_3D = 3
_COMBINED = "GN"  # the talker of a position from several systems


@dataclass(slots=True)
class Epoch:
    """What has been said so far about one time of day."""

    time_of_day: time | None
    started_mono_s: float
    clock_stopped: bool = False
    """The epoch before had the same time of day."""
    rmc: Rmc | None = None
    gga: Gga | None = None
    zda: Zda | None = None
    gsa: Gsa | None = None
    places: dict[str, Position] = field(default_factory=dict)
    """What each talker says by itself."""

    def add(self, fact: Rmc | Gga | Zda | Gsa) -> None:
        """Take what a sentence states. The combined talker counts, without one the first."""
        match fact:
            case Rmc():
                if self.rmc is None or fact.talker in {_COMBINED, self.rmc.talker}:
                    self.rmc = fact
                self._place(fact.talker, fact.position if fact.active else None)
            case Gga():
                if self.gga is None or fact.talker in {_COMBINED, self.gga.talker}:
                    self.gga = fact
                measured = fact.quality in _QUALITY_OF_GGA
                self._place(fact.talker, fact.position if measured else None)
            case Zda():
                self.zda = fact
            case Gsa():
                self.gsa = fact

    def _place(self, talker: str, position: Position | None) -> None:
        if position is not None:
            self.places[talker] = position

    @property
    def systems_apart_m(self) -> float | None:
        """The largest distance between single systems' positions; None unless two gave one."""
        alone = [place for talker, place in self.places.items() if talker != _COMBINED]
        return max((metres_between(a, b) for a, b in combinations(alone, 2)), default=None)

    @property
    def position(self) -> Position | None:
        """The position, if each sentence that should hold one does."""
        positions = [part.position for part in (self.rmc, self.gga) if part is not None]
        return positions[0] if positions and None not in positions else None

    @property
    def quality(self) -> FixQuality | None:
        """GGA's word, RMC's without it."""
        if self.gga is not None:
            return _QUALITY_OF_GGA.get(self.gga.quality)
        if self.rmc is not None and self.rmc.mode is not None:
            return _QUALITY_OF_MODE.get(self.rmc.mode)
        return None


def refusal(epoch: Epoch, now_mono_s: float) -> NoFixReason | None:
    """Return the first reason against the epoch, or None when it is good by itself."""
    return _receiver_refuses(epoch) or _we_refuse(epoch, now_mono_s)


def _receiver_refuses(epoch: Epoch) -> NoFixReason | None:
    """Any one of its sentences is enough."""
    rmc, gga, gsa = epoch.rmc, epoch.gga, epoch.gsa
    if rmc is not None and not rmc.active and rmc.mode not in _NOT_MEASURED_MODES:
        return NoFixReason.NO_SATELLITES
    if gga is not None and gga.quality == _NO_GGA_FIX:
        return NoFixReason.NO_SATELLITES
    if gsa is not None and gsa.dimensions == _NO_GSA_FIX:
        return NoFixReason.NO_SATELLITES
    if rmc is not None and rmc.mode is not None and rmc.mode not in _QUALITY_OF_MODE:
        return NoFixReason.QUALITY
    return None if epoch.quality is not None else NoFixReason.QUALITY


def _we_refuse(epoch: Epoch, now_mono_s: float) -> NoFixReason | None:
    gga = epoch.gga
    if epoch.clock_stopped or now_mono_s - epoch.started_mono_s >= FRESH_S:
        return NoFixReason.STALE
    if epoch.position is None:
        return NoFixReason.NO_POSITION
    if gga is not None and gga.satellites is not None and gga.satellites < MIN_SATELLITES:
        return NoFixReason.FEW_SATELLITES
    if gga is not None and gga.hdop is not None and gga.hdop > MAX_HDOP:
        return NoFixReason.HDOP
    return None


def accept(
    epoch: Epoch,
    *,
    dimensions: int | None,
    built: date | None,
    view: SatelliteView | None,
    report: SelfReport | None,
) -> Fix:
    """Make the `Fix` of an epoch that `refusal` has nothing against; `dimensions` as GSA says."""
    rmc, gga, position, quality = epoch.rmc, epoch.gga, epoch.position, epoch.quality
    if position is None or quality is None:
        raise ValueError("this epoch was refused")
    is_2d = dimensions is not None and dimensions < _3D
    return Fix(
        utc=_utc(epoch, built),
        latitude_deg=position.latitude_deg,
        longitude_deg=position.longitude_deg,
        altitude_m=None if gga is None or is_2d else gga.altitude_m,  # 2D: assumed, not measured
        satellites=None if gga is None else gga.satellites,
        hdop=None if gga is None else gga.hdop,
        quality=quality,
        is_3d=None if dimensions is None else not is_2d,
        speed_mps=None if rmc is None else rmc.speed_mps,
        received_mono_s=epoch.started_mono_s,
        view=view,
        report=report,
        systems_apart_m=epoch.systems_apart_m,
    )


def _utc(epoch: Epoch, built: date | None) -> datetime | None:
    if epoch.time_of_day is None:
        return None
    for part in (epoch.zda, epoch.rmc):  # ZDA first: its year has four digits
        if part is not None and part.day is not None:
            day = correct_rollover(part.day, built)
            return datetime.combine(day, epoch.time_of_day.replace(tzinfo=UTC))
    return None
