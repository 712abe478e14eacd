"""Any story of scans, undos, losses, repetitions, disorder and restarts: in the end all agree."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol.roster import Person
from terminal.neighbours import BEAT_S, Way
from terminal.station import Decision
from tests.lanes import LaneRig, PointClock, go_on
from tests.musters import person, roster

LANES, PEOPLE = 3, (1, 2, 3)
HERE = roster(1, *(Person(n, person(n).digest, "某", "一排", "qingshan") for n in PEOPLE))
COUNTERS_A_RESTART_SKIPS = 256

lanes = st.integers(0, LANES - 1)


class Agreement(RuleBasedStateMachine):
    """Three lanes and a network that loses, doubles and reorders."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = PointClock()
        self.lanes = [LaneRig(self.clock, lane + 1, known=HERE) for lane in range(LANES)]
        self.undoable: dict[int, tuple[Decision, int]] = {}
        self.on_the_way: list[tuple[int, bytes]] = []
        self.unclear: set[tuple[int, int]] = set()
        """(Lane, person): taken back before a restart, of which a neighbour may not have heard."""
        self.taken_back: set[tuple[int, int]] = set()

    @rule(lane=lanes, number=st.sampled_from(PEOPLE))
    def scan(self, lane: int, number: int) -> None:
        self.undoable[lane] = scan = self.lanes[lane].scan(number)
        if scan[0].newly_seen is not None:
            self.taken_back.discard((lane, number))
            self.unclear.discard((lane, number))

    @precondition(lambda self: self.undoable)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from(sorted(self.undoable)))
        scan = self.undoable.pop(lane)
        self.lanes[lane].undo(scan)
        if scan[0].newly_seen is not None:
            self.taken_back.add((lane, scan[0].newly_seen.person))

    @rule(lane=lanes)
    def send(self, lane: int) -> None:
        frames = self.lanes[lane].neighbours.frames_for_lan()
        self.on_the_way += [(lane, frame) for frame in frames]
        del self.on_the_way[:-20]

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data(), hearer=lanes, is_last=st.booleans())
    def arrive(self, data: st.DataObject, hearer: int, *, is_last: bool) -> None:
        at = data.draw(st.integers(0, len(self.on_the_way) - 1))
        _, frame = self.on_the_way.pop(at) if is_last else self.on_the_way[at]
        self.lanes[hearer].neighbours.take(frame, Way.LAN)

    @precondition(lambda self: self.on_the_way)
    @rule()
    def lose_everything(self) -> None:
        self.on_the_way.clear()

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        self.clock.now_s += seconds

    @rule(lane=lanes)
    def restart(self, lane: int) -> None:
        old = self.lanes[lane]
        self.undoable.pop(lane, None)
        self.unclear |= {each for each in self.taken_back if each[0] == lane}
        self.lanes[lane] = LaneRig(
            self.clock,
            lane + 1,
            known=HERE,
            first_counter=next(old.counters) + COUNTERS_A_RESTART_SKIPS,
            before=old.station.seen_here(),
        )

    @invariant()
    def nobody_is_invented(self) -> None:
        for lane in self.lanes:
            assert lane.elsewhere(4) is None
            assert set(lane.neighbours.lanes()) <= {1, 2, 3} - {lane.station.lane}

    def teardown(self) -> None:
        go_on(self.clock, 2 * BEAT_S, *self.lanes)
        for _, frame in reversed(self.on_the_way):  # what is late changes nothing any more
            for hearer in self.lanes:
                hearer.neighbours.take(frame, Way.LAN)
        for hearer in self.lanes:
            words = hearer.neighbours._overheard._words
            for sender, lane in enumerate(self.lanes):
                if lane is hearer:
                    continue
                standing = {
                    who
                    for (who, address), word in words.items()
                    if address == lane.address and not word.is_taken_back
                }
                seen = {each.person for each in lane.station.seen_here()}
                unclear = {number for place, number in self.unclear if place == sender}
                assert standing - unclear == seen - unclear


Agreement.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAgreement = Agreement.TestCase
