"""Lanes of one point under a test's control: their clock, and what each hears of the others."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import count

from protocol.radio_keys import group_radio_key
from protocol.roster import Roster
from runtime.clock import ClockSource, Reading
from terminal.neighbours import HURRY_S, Neighbours, Way
from terminal.station import Decision, Seen, Station
from tests.badges import credentials
from tests.musters import ACTIVATION, card, roster, stamp
from tests.parties import COUNTY, NOW_MS

GROUP_KEY = group_radio_key(bytes(range(32)), COUNTY)
POINT = "qingshan"


class PointClock:
    """One time for all lanes; stands still until it is told to go."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic_s(self) -> float:
        return self.now_s

    def read(self) -> Reading:
        now_ms = int(self.now_s * 1000)
        return Reading(NOW_MS + now_ms, now_ms, 1, ClockSource.NTP, 20)


class LoopClock(PointClock):
    """The running event loop's time."""

    def monotonic_s(self) -> float:
        self.now_s = asyncio.get_running_loop().time()
        return self.now_s

    def read(self) -> Reading:
        self.monotonic_s()
        return super().read()


class LaneRig:
    """One lane; `start` again is a restart that remembers `before`."""

    def __init__(
        self,
        clock: PointClock,
        lane: int,
        *,
        address: int | None = None,
        epoch: int = 77,
        point: str = POINT,
        group_key: bytes = GROUP_KEY,
        known: Roster | None = None,
        first_counter: int = 0,
        before: Iterable[Seen] = (),
    ) -> None:
        self.clock = clock
        self.address = lane if address is None else address
        self.station = Station(point, lane, credentials())
        self.station.roster, self.station.activation = known or roster(), ACTIVATION
        self.station.remember(before)
        self.counters = count(first_counter)
        self.has_counters = True
        self.neighbours = Neighbours(
            self.station,
            clock,
            group_radio_key=group_key,
            address=self.address,
            epoch=epoch,
            next_counter=self._next_counter,
        )
        self.station.neighbourhood = self.neighbours
        self._seqs = count(1)

    def scan(self, number: int | str = 1) -> tuple[Decision, int]:
        """A card is presented and its record durable; what was decided, and its number."""
        now_ms = int(self.clock.now_s * 1000)
        at = stamp(NOW_MS + now_ms)
        decision = self.station.judge(
            card(number), type(at)(at.wall_ms, now_ms, at.boot, at.source, at.error_ms)
        )
        assert decision is not None
        self.station.confirm(decision)
        seq = next(self._seqs)
        self.neighbours.seen(decision, seq)
        return decision, seq

    def undo(self, scan: tuple[Decision, int]) -> None:
        """The undo of a scan is durable."""
        decision, seq = scan
        if decision.newly_seen is not None:
            self.station.forget(decision.newly_seen)
        self.neighbours.taken_back(seq)

    def elsewhere(self, person: int = 1) -> int | None:
        """Which other lane has seen a person, as far as this one knows."""
        seen = self.neighbours.first_seen(person)
        return seen.lane if seen is not None else None

    def _next_counter(self) -> int | None:
        return next(self.counters) if self.has_counters else None


Passes = Callable[[LaneRig, LaneRig], bool]


def tell(*lanes: LaneRig, passes: Passes = lambda _sender, _hearer: True) -> int:
    """Send what is due now to whoever hears it; returns how many frames that were."""
    frames = [(lane, frame) for lane in lanes for frame in lane.neighbours.frames_for_lan()]
    for sender, frame in frames:
        for hearer in lanes:  # a sender hears itself: its frames come back
            if passes(sender, hearer):
                hearer.neighbours.take(frame, Way.LAN)
    return len(frames)


def go_on(
    clock: PointClock,
    for_s: float,
    *lanes: LaneRig,
    passes: Passes = lambda _sender, _hearer: True,
) -> int:
    """Let time pass; returns how many frames were sent."""
    frames = 0
    for _ in range(int(for_s / HURRY_S)):
        frames += tell(*lanes, passes=passes)
        clock.now_s += HURRY_S
    return frames
