"""Whether a receiver's position and time are believed (hw/gnss-nmea.md, 7).

A receiver may be sure of itself and wrong: spoofed, jammed, or old. What it says counts as long as
no rule speaks against it. When one does, the last good position is kept and grows stale, and no
clock is set. Trust comes back by itself, `HOLD_S` after the last rule has fallen silent.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from drivers.gnss.base import Antenna, Fix, GnssEvent, SatelliteView
from drivers.gnss.place import Place
from drivers.gnss.rules import (
    ABOUT_TIME_ONLY,
    MAX_SPEED_MPS,
    ClockFacts,
    Rule,
    TimeMark,
    climbed_too_far,
    equally_strong,
    off_site,
    says_jammed,
    strength_jumped,
    systems_disagree,
    too_fast,
    wrong_time,
)

HOLD_S = 60.0
"""A spoofer that is heard now and then is not believed in between."""
WAYPOINT_S = 10.0
"""Between the places that speeds are measured from: over a second, noise hides half of it."""
STALE_AFTER_S = 10.0
"""Ten epochs missed: the receiver has lost the sky, or us."""


class Trust(Enum):
    """How far something is believed, best first."""

    TRUSTED = "measured just now, and nothing speaks against it"
    STALE = "was trusted; nothing new has come since"
    SUSPECT = "a rule speaks against what the receiver says; the last good one is kept"
    UNKNOWN = "never had a good one"


@dataclass(frozen=True, slots=True)
class GnssQuality:
    """How far the receiver is believed at one moment."""

    position: Trust
    time: Trust
    rules: tuple[Rule, ...]
    """What has spoken against it within `HOLD_S`, in the order of `Rule`."""
    antenna: Antenna | None
    """What the receiver says of its antenna. A fact, no rule: some antennas always look open."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of one event."""

    position: Fix | None
    """The position to go by from now on; None: keep the one there is."""
    time: TimeMark | None
    """A time to set clocks by, or None."""
    raised: tuple[Rule, ...]
    """Rules that speak and did not before: each is worth a line in the log."""
    settled: tuple[Rule, ...]
    """Rules that were standing and have been silent for `HOLD_S`."""


class GnssTrust:
    """Events in, judgements out. No I/O; time is what the events say and an argument.

    `site` is the surveyed place of a point that never moves.
    """

    def __init__(self, *, max_speed_mps: float = MAX_SPEED_MPS, site: Place | None = None) -> None:
        self._max_speed_mps, self._site = max_speed_mps, site
        self._position: Fix | None = None
        self._waypoint: Fix | None = None  # a good position, up to `WAYPOINT_S` before the last
        self._time: TimeMark | None = None
        self._view: SatelliteView | None = None
        self._quietest: int | None = None
        self._antenna: Antenna | None = None
        self._standing: dict[Rule, float] = {}  # rule -> when it last spoke

    def take(self, event: GnssEvent, clock: ClockFacts) -> Judgement:
        """Judge an event. To be called with each, in order."""
        now_mono_s = event.received_mono_s
        settled = self._settle(now_mono_s)
        spoke = self._about_signals(event)
        if isinstance(event, Fix):
            spoke |= self._about_place(event) | self._about_time(event, clock)
        raised = spoke - self._standing.keys()
        self._standing |= dict.fromkeys(spoke, now_mono_s)
        position = event if isinstance(event, Fix) and not self._against_position() else None
        time = _time_mark(event) if isinstance(event, Fix) and not self._standing else None
        if position is not None:
            self._keep(position)
        self._time = time or self._time
        return Judgement(position, time, _ordered(raised), settled)

    def quality(self, now_mono_s: float) -> GnssQuality:
        """How things stand now."""
        place_mono_s = None if self._position is None else self._position.received_mono_s
        time_mono_s = None if self._time is None else self._time.mono_s
        standing = [rule for rule, at in self._standing.items() if now_mono_s - at < HOLD_S]
        return GnssQuality(
            position=_trust(place_mono_s, now_mono_s, suspect=bool({*standing} - ABOUT_TIME_ONLY)),
            time=_trust(time_mono_s, now_mono_s, suspect=bool(standing)),
            rules=_ordered(standing),
            antenna=self._antenna,
        )

    def _keep(self, position: Fix) -> None:
        """Go by this position from now on."""
        waypoint = self._waypoint
        if waypoint is None or position.received_mono_s - waypoint.received_mono_s > WAYPOINT_S:
            self._waypoint = self._position or position
        self._position = position

    def _settle(self, now_mono_s: float) -> tuple[Rule, ...]:
        silent = {rule for rule, at in self._standing.items() if now_mono_s - at >= HOLD_S}
        for rule in silent:
            del self._standing[rule]
        return _ordered(silent)

    def _against_position(self) -> bool:
        return bool(self._standing.keys() - ABOUT_TIME_ONLY)

    def _about_signals(self, event: GnssEvent) -> set[Rule]:
        spoke: set[Rule] = set()
        view, report = event.view, event.report
        if view is not None:
            if equally_strong(view):
                spoke.add(Rule.SAME_STRENGTH)
            if self._view is not None and strength_jumped(self._view, view):
                spoke.add(Rule.STRENGTH_JUMP)
        self._view = view
        if report is None:
            return spoke
        self._antenna = report.antenna
        if report.spoofed:
            spoke.add(Rule.SPOOFED)
        if says_jammed(report, self._quietest):
            spoke.add(Rule.JAMMED)
        levels = [level for level in (report.jam_indicator, self._quietest) if level is not None]
        self._quietest = min(levels, default=None)
        return spoke

    def _about_place(self, fix: Fix) -> set[Rule]:
        last = self._position
        known = [place for place in (last, self._waypoint) if place is not None]
        found = {
            Rule.SYSTEMS: systems_disagree(fix),
            Rule.SITE: self._site is not None and off_site(self._site, fix),
            Rule.SPEED: any(too_fast(place, fix, self._max_speed_mps) for place in known),
            Rule.ALTITUDE: last is not None and climbed_too_far(last, fix),
        }
        return {rule for rule, is_so in found.items() if is_so}

    def _about_time(self, fix: Fix, clock: ClockFacts) -> set[Rule]:
        if fix.utc is None:
            return set()
        rule = wrong_time(fix.utc, fix.received_mono_s, self._time, clock)
        return set() if rule is None else {rule}


def _time_mark(fix: Fix) -> TimeMark | None:
    return None if fix.utc is None else TimeMark(fix.utc, fix.received_mono_s)


def _trust(good_mono_s: float | None, now_mono_s: float, *, suspect: bool) -> Trust:
    if suspect:
        return Trust.SUSPECT
    if good_mono_s is None:
        return Trust.UNKNOWN
    return Trust.STALE if now_mono_s - good_mono_s > STALE_AFTER_S else Trust.TRUSTED


def _ordered(rules: Collection[Rule]) -> tuple[Rule, ...]:
    return tuple(rule for rule in Rule if rule in rules)
