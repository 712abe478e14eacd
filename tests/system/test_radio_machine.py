"""Whatever happens on the radio, no record is lost, doubled or forged.

Hypothesis makes up the story: check-ins, losses, repetitions, frames that come late, restarts of
either end, cards that are lost with their counters, another link that takes records too, and a
thief who holds a terminal's keys. After every step the ledger holds nothing but what was captured,
and terminals have let go of nothing but what it holds; in the end everything arrives.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from protocol.frames import FrameSealer
from protocol.ids import RecordId, parse_name
from protocol.radio_keys import Direction, link_key, receipt_key
from protocol.radio_schedule import AllKind, Flags, ScheduleHead, Turn, pack_schedule
from protocol.radio_up import Progress, UpKind
from protocol.same_record import is_same_record
from protocol.verdict import Verdict
from tests.lora_terminals import ROSTER, check_in
from tests.parties import NOW_MS
from tests.quick_disk import quick_disk
from tests.radio_world import World

NAMES = ("t1", "t2")
HOUR_S = 3600.0
which = st.sampled_from(range(len(NAMES)))
verdicts = st.sampled_from([Verdict.ACCEPTED] * 6 + [Verdict.LOOK, Verdict.STOP])


class RadioMachine(RuleBasedStateMachine):
    """A world that anything may happen to."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._stack.enter_context(quick_disk())
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._forged = 0

    @initialize(turns=st.sampled_from([1, 4]), has_roster=st.sampled_from([True, True, False]))
    def begin(self, turns: int, has_roster: bool) -> None:
        """Two terminals and a gateway that polls or sends beacons, and may lack the roster."""
        self.world = World(
            self._folder,
            ROSTER,
            NAMES,
            turns_per_schedule=turns,
            gateway_has_roster=has_roster,
        )
        self._stack.callback(self.world.close)

    @rule(terminal=which, people=st.lists(st.integers(1, 40), min_size=1, max_size=40), v=verdicts)
    def check_in(self, terminal: int, people: list[int], v: Verdict) -> None:
        for number in people:
            now_s = self.world.now_s
            record = check_in(number, at_s=int(now_s), verdict=v)
            self.world.terminals[terminal].append(record, now_s)

    @rule(
        span_s=st.floats(0.1, 300), loss=st.sampled_from([0, 0.1, 0.5, 0.9, 1]), seed=st.integers()
    )
    def time_passes(self, span_s: float, loss: float, seed: int) -> None:
        dice = Random(seed)
        self.world.pass_time(span_s, lambda: dice.random() < loss)

    @rule(data=st.data())
    def an_old_frame_arrives_once_more(self, data: st.DataObject) -> None:
        if self.world.frames:
            self.world.deliver(data.draw(st.sampled_from(self.world.frames[-200:])))

    @rule(data=st.data())
    def a_frame_arrives_altered(self, data: st.DataObject) -> None:
        if self.world.frames:
            frame = bytearray(data.draw(st.sampled_from(self.world.frames[-200:])))
            bit = data.draw(st.integers(0, 8 * len(frame) - 1))
            frame[bit // 8] ^= 1 << bit % 8
            self.world.deliver(bytes(frame))

    @rule(frame=st.binary(max_size=255))
    def noise_arrives(self, frame: bytes) -> None:
        self.world.deliver(frame)

    @rule(terminal=which)
    def a_terminal_restarts(self, terminal: int) -> None:
        self.world.terminals[terminal].restart(self.world.now_s)

    @rule(terminal=which)
    def a_card_is_lost(self, terminal: int) -> None:
        self.world.terminals[terminal].lose_card(self.world.now_s)

    @rule()
    def the_gateway_restarts(self) -> None:
        self.world.gateway.restart(self.world.now_s)

    @rule(terminal=which)
    def another_link_takes_records(self, terminal: int) -> None:
        self.world.gateway.take_envelope(self.world.terminals[terminal], self.world.now_s)

    @rule(upto=st.integers(1, 10_000), grant=st.integers(0, 15), flags=st.integers(0, 7))
    def a_thief_says_that_all_is_stored(self, upto: int, grant: int, flags: int) -> None:
        """It holds the second terminal: the group's key, and that terminal's own."""
        victim, stolen = self.world.terminals
        identity = stolen.identity
        own_key = receipt_key(identity.radio_key, victim.outbox.origin.epoch)
        content, _ = pack_schedule(
            ScheduleHead(NOW_MS // 1000, 1.0),
            [Turn(victim.identity.radio_address, grant, Flags(flags), upto)],
            lambda _: own_key,
            limit_bytes=150,
        )
        self._forge(Direction.ALL, 0, identity.group_radio_key, AllKind.SCHEDULE, content)

    @rule(kind=st.sampled_from(UpKind), content=st.binary(max_size=100))
    def a_thief_speaks_as_another(self, kind: UpKind, content: bytes) -> None:
        victim, stolen = self.world.terminals
        content = Progress(0, 0).pack() + content
        address = victim.identity.radio_address
        self._forge(Direction.UP, address, stolen.identity.radio_key, kind, content)

    @invariant()
    def the_ledger_holds_only_what_was_captured(self) -> None:
        entries = self.world.gateway.entries()
        captured = {
            record_id: body
            for terminal in self.world.terminals
            for record_id, body in terminal.appended.items()
        }
        ids = [RecordId(parse_name(each.node), each.epoch, each.seq) for each in entries]
        assert len(set(ids)) == len(ids), "a record is there twice"
        for record_id, entry in zip(ids, entries, strict=True):
            assert record_id in captured, "nobody captured that"
            assert is_same_record(entry.body, captured[record_id]), "it says something else"

    @invariant()
    def nothing_is_let_go_of_that_is_not_stored(self) -> None:
        held = self._held()
        for terminal in self.world.terminals:
            assert terminal.settled() <= held

    def teardown(self) -> None:
        """The weather clears: everything must arrive that is not on a lost card."""
        try:
            if hasattr(self, "world"):
                self.world.pass_time(24 * HOUR_S, lambda: False, until_empty=True)
                self.the_ledger_holds_only_what_was_captured()
                self.nothing_is_let_go_of_that_is_not_stored()
                assert self.world.is_empty, "something waits for ever"
                missing = {
                    record_id
                    for terminal in self.world.terminals
                    for record_id in terminal.appended.keys() - terminal.lost
                } - self._held()
                assert not missing, "something is lost"
        finally:
            self._stack.close()

    def _held(self) -> set[RecordId]:
        return {
            RecordId(parse_name(each.node), each.epoch, each.seq)
            for each in self.world.gateway.entries()
        }

    def _forge(
        self, direction: Direction, address: int, key: bytes, kind: int, content: bytes
    ) -> None:
        """A frame that nobody sent, under an epoch of its own, which it names."""
        self._forged += 1
        sealer = FrameSealer(link_key(key, direction, address, 0xF0_0000 + self._forged))
        self.world.deliver(sealer.seal(kind, 1, content, names_epoch=True))


TestRadioMachine = RadioMachine.TestCase
TestRadioMachine.settings = settings(
    deadline=None,
    max_examples=150,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
