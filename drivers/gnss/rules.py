"""What speaks against a receiver that is sure of itself (hw/gnss-nmea.md, 7).

A spoofer shows as a place, a time or signals that cannot be. Each rule looks at one of these and
needs no more hardware than the receiver. Pure: nothing here remembers anything.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from statistics import fmean, pstdev

from drivers.gnss.base import Fix, SatelliteView, SelfReport
from drivers.gnss.place import Place, metres_between

MAX_SPEED_MPS = 70.0
"""252 km/h: faster than anything an assembly point stands on."""
NOISE_M = 50.0
"""How far a receiver that regains the sky may settle at once; ten recordings stayed below 10."""
REPORTED_SPEED_FACTOR = 3.0
NEXT_S = 3.0
"""Positions further apart than this say nothing about the speed at either of them."""
SITE_RADIUS_M = 200.0
CLIMB_M = 300.0
CLIMB_MPS = 20.0
"""A long gap may hide a mountain road, or a helicopter."""
TIME_STEP_S = 2.0
DRIFT = 1e-4
"""100 ppm: twice what a Pi's crystal does over its temperature range."""
SAME_STRENGTH_DB = 1.0
SAME_STRENGTH_SATELLITES = 6
STRENGTH_JUMP_DB = 8.0
STRENGTH_JUMP_SATELLITES = 4
"""A mean of fewer follows single satellites."""
SYSTEMS_APART_M = 100.0
JAM_INDICATOR_RISE = 100
"""Of 255, over the quietest seen: the maker gives no number and says to compare."""


class Rule(Enum):
    """The rules; the order is the one in which an operator is told. R3 is three of them."""

    SPOOFED = "R7 the receiver says that its signals are false"
    JAMMED = "R7 the receiver says that it is jammed"
    SYSTEMS = "R6 GPS and BeiDou disagree about the place"
    SAME_STRENGTH = "R5 all satellites are equally strong"
    STRENGTH_JUMP = "R5 all satellites changed their strength at once"
    SITE = "R2 a fixed point is not where it was surveyed"
    SPEED = "R1 moved faster than anything can"
    ALTITUDE = "R4 rose or fell faster than anything can"
    TIME_STEP = "R3 time jumped"
    TIME_PAST = "R3 a time that is over already"
    TIME_FUTURE = "R3 a time in which this program is no longer in use"


ABOUT_TIME_ONLY = frozenset({Rule.TIME_PAST, Rule.TIME_FUTURE})
"""An old receiver's date may be wrong for good; its place is none the worse for it."""


@dataclass(frozen=True, slots=True)
class TimeMark:
    """A time that was believed, and when."""

    utc: datetime
    mono_s: float


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What is known about the time without satellites: it lies between these two."""

    earliest: datetime
    latest: datetime


def too_fast(last: Fix, fix: Fix, max_speed_mps: float) -> bool:
    """R1: no way from the last good position to this one."""
    took_s = max(0.0, fix.received_mono_s - last.received_mono_s)
    moved_m = metres_between(last, fix)
    if moved_m > max_speed_mps * took_s + NOISE_M:
        return True
    reported = [one.speed_mps for one in (last, fix) if one.speed_mps is not None]
    if not reported or took_s > NEXT_S:
        return False
    return moved_m > REPORTED_SPEED_FACTOR * max(reported) * took_s + NOISE_M


def off_site(site: Place, fix: Fix) -> bool:
    """R2: a fixed point has moved."""
    return metres_between(site, fix) > SITE_RADIUS_M


def systems_disagree(fix: Fix) -> bool:
    """R6: one system is spoofed and the other is not."""
    return fix.systems_apart_m is not None and fix.systems_apart_m > SYSTEMS_APART_M


def climbed_too_far(last: Fix, fix: Fix) -> bool:
    """R4: an altitude jump."""
    if last.altitude_m is None or fix.altitude_m is None:
        return False
    took_s = max(0.0, fix.received_mono_s - last.received_mono_s)
    return abs(fix.altitude_m - last.altitude_m) > CLIMB_M + CLIMB_MPS * took_s


def wrong_time(
    utc: datetime, received_mono_s: float, last: TimeMark | None, clock: ClockFacts
) -> Rule | None:
    """R3: the first of its rules that this time breaks."""
    if utc < clock.earliest:
        return Rule.TIME_PAST
    if utc > clock.latest:
        return Rule.TIME_FUTURE
    if last is None:
        return None
    took_s = received_mono_s - last.mono_s
    error_s = (utc - last.utc).total_seconds() - took_s
    return Rule.TIME_STEP if abs(error_s) > TIME_STEP_S + DRIFT * abs(took_s) else None


def equally_strong(view: SatelliteView) -> bool:
    """R5: one transmitter instead of a sky."""
    heard = view.cn0_dbhz
    return len(heard) >= SAME_STRENGTH_SATELLITES and pstdev(heard) < SAME_STRENGTH_DB


def strength_jumped(last: SatelliteView, view: SatelliteView) -> bool:
    """R5: something louder than the sky was switched on, or off."""
    if min(len(last.cn0_dbhz), len(view.cn0_dbhz)) < STRENGTH_JUMP_SATELLITES:
        return False
    return abs(fmean(view.cn0_dbhz) - fmean(last.cn0_dbhz)) > STRENGTH_JUMP_DB


def says_jammed(report: SelfReport, quietest: int | None) -> bool:
    """R7: by its own monitor, or far above the indicator's quietest value so far."""
    if report.jammed:
        return True
    if report.jam_indicator is None or quietest is None:
        return False
    return report.jam_indicator >= quietest + JAM_INDICATOR_RISE
