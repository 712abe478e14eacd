"""The gateway's end of the radio: who is spoken to, and that nothing is promised too early."""

import math
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest

from gateway.links.lora_engine import (
    ASK_FIRST_S,
    HASTY_MISSES,
    UNHEARD_LIMIT_S,
    LoraEngine,
    NoNews,
)
from gateway.links.lora_news import NewsRounds
from gateway.links.lora_nodes import TRIED_EPOCHS, RadioNodes
from gateway.links.lora_pace import Pace
from gateway.links.lora_plan import RECEIPT_WAIT_S
from gateway.radio import UpFrame
from gateway.store.base import Stream, WindowRow
from protocol.frames import FrameSealer, open_frame
from protocol.radio_keys import (
    Direction,
    group_radio_key,
    link_key,
    node_radio_key,
    receipt_key,
)
from protocol.radio_schedule import MAX_GRANT, AllKind, Flags, HeardTurn, unpack_schedule
from protocol.radio_up import Fare, Progress, Status, UpKind
from protocol.replay import ReplayWindow
from protocol.sequences import Range, SeqSet
from tests.parties import COUNTY, RADIO_KEY

GATEWAY_EPOCH = 9
EPOCH = 0xE0C4
POLL = Pace(lambda size_bytes: 0.05 + size_bytes * 0.004, 197, 1, answer_s=0.3, gap_s=0.05)
BEACON = Pace(POLL.airtime_s, 197, 8, answer_s=0.3, gap_s=0.05)
GROUP_KEY = group_radio_key(RADIO_KEY, COUNTY)
TIME_S = 1_790_000_000
STATUS = Status(0, 0, Fare.READER_READY, None, 1, 0, 0).pack()


class Speaker:
    """A terminal that seals whatever it is told to."""

    def __init__(self, address: int, epoch: int = EPOCH) -> None:
        self.name, self.address, self.epoch = f"t{address}", address, epoch
        self._key = node_radio_key(RADIO_KEY, COUNTY, self.name)
        self._counters = count(1)
        self.receipt_key = receipt_key(self._key, epoch)
        self._sealer = FrameSealer(link_key(self._key, Direction.UP, address, epoch))

    def frame(
        self,
        kind: UpKind = UpKind.PACKED,
        *,
        left: int = 0,
        backlog: int = 0,
        content: bytes = b"content",
        names_epoch: bool = True,
    ) -> bytes:
        said = Progress(left, backlog).pack() + content
        return self._sealer.seal(kind, next(self._counters), said, names_epoch=names_epoch)

    def status(self) -> bytes:
        return self.frame(UpKind.STATUS, content=STATUS)

    def skip(self, frames: int) -> None:
        """So many are lost on the way."""
        for _ in range(frames):
            next(self._counters)

    def stream(self, *held: Range) -> Stream:
        return Stream(self.address, self.name, self.epoch, SeqSet(held))


@dataclass
class Air:
    """The engine, its clock and what it said."""

    pace: Pace = POLL
    nodes: RadioNodes = field(default_factory=lambda: RadioNodes(RADIO_KEY, COUNTY, ()))
    news: NewsRounds | NoNews = field(default_factory=NoNews)
    now_s: float = 100.0

    def __post_init__(self) -> None:
        key = link_key(GROUP_KEY, Direction.ALL, 0, GATEWAY_EPOCH)
        counters = count(1)
        self.engine = LoraEngine(
            self.nodes, key, lambda: next(counters), lambda: TIME_S, self.pace, self.news
        )

    def enrol(self, *speakers: Speaker, settled: bool = True) -> None:
        """Know them; `settled`: they said a moment ago that they have nothing."""
        for each in speakers:
            self.nodes.enrol(each.name, each.address)
            if settled:
                self.engine.committed([self.hear(each.status())], [], self.now_s)
        if settled:
            assert self.quiet()

    def hear(self, frame: bytes) -> UpFrame:
        up = self.engine.heard(frame, self.now_s)
        assert up is not None
        return up

    def say(self) -> list[HeardTurn]:
        """The turns of what the engine sends now; none if it is silent."""
        frame = self.engine.next_transmission(self.now_s)
        return [] if frame is None else turns_of(frame)

    def quiet(self) -> bool:
        return self.engine.next_transmission(self.now_s) is None

    def pass_s(self, span_s: float) -> "Air":
        self.now_s += span_s
        return self

    def sent(self, frame_bytes: int = 60) -> None:
        """What was said has left the antenna."""
        self.now_s += self.pace.airtime_s(frame_bytes)
        assert self.quiet(), "it listens now"

    def wait_for_turns(self, limit_s: float = 4000.0) -> list[HeardTurn]:
        """What it says next, at the time it asked to be woken."""
        until_s = self.now_s + limit_s
        for _ in range(100):
            frame = self.engine.next_transmission(self.now_s)
            if frame is not None:
                if turns := turns_of(frame):
                    return turns
                self.now_s += self.pace.airtime_s(len(frame))  # it says that the channel is free
                continue
            wake_s = self.engine.wake_at_s()
            if wake_s is None or wake_s > until_s:
                return []
            self.now_s = max(self.now_s, wake_s)
        raise AssertionError("it wakes again and again and says nothing")


def turns_of(frame: bytes) -> list[HeardTurn]:
    key = link_key(GROUP_KEY, Direction.ALL, 0, GATEWAY_EPOCH)
    opened = open_frame(key, frame, ReplayWindow())
    assert opened.kind == AllKind.SCHEDULE
    head, turns = unpack_schedule(opened.content)
    assert head.time_s in {0, TIME_S}
    return list(turns)


def grants(turns: list[HeardTurn]) -> dict[int, int]:
    return {each.turn.address: each.turn.grant for each in turns}


@pytest.fixture
def air() -> Air:
    return Air()


@pytest.fixture
def t1() -> Speaker:
    return Speaker(1)


def test_with_nobody_enrolled_it_is_silent_for_ever(air: Air) -> None:
    assert air.quiet()
    assert air.engine.wake_at_s() is None


def test_one_that_was_never_heard_is_asked_and_then_left_alone_ever_longer(
    air: Air, t1: Speaker
) -> None:
    air.enrol(t1, settled=False)
    asked_at_s = []
    for _ in range(14):
        (turn,) = air.wait_for_turns()
        assert (turn.turn.address, turn.turn.grant) == (1, MAX_GRANT)
        asked_at_s.append(air.now_s)
        air.sent()
    pauses = [after - before for before, after in pairwise(asked_at_s)]
    assert pauses[0] < POLL.answer_s + 3 * POLL.slot_s
    assert [round(pause) for pause in pauses] == sorted(round(pause) for pause in pauses)
    assert UNHEARD_LIMIT_S <= pauses[-1] < UNHEARD_LIMIT_S + 10


def test_one_that_falls_silent_is_asked_hastily_for_a_while(air: Air, t1: Speaker) -> None:
    air.enrol(t1)
    air.engine.committed([air.hear(t1.frame(backlog=5))], [t1.stream((1, 1))], air.now_s)
    for misses in range(1, HASTY_MISSES + 1):
        assert grants(air.wait_for_turns()) == {1: MAX_GRANT}, misses
        before_s = air.now_s
        air.sent()
    assert air.wait_for_turns()
    assert air.now_s - before_s < ASK_FIRST_S + 2 * POLL.slot_s


def test_no_receipt_before_the_commit_and_one_after_it(air: Air, t1: Speaker) -> None:
    air.enrol(t1)
    up = air.hear(t1.frame())
    assert air.pass_s(60).quiet(), "the store has not taken it"
    air.engine.committed([up], [t1.stream((1, 3))], air.now_s)
    (turn,) = air.wait_for_turns()
    assert turn.is_genuine(t1.receipt_key)
    assert list(turn.turn.stored()) == [(1, 3)]
    assert turn.turn.grant == 0
    air.sent()
    assert air.pass_s(60).quiet(), "once is enough"


def test_one_receipt_for_a_whole_burst(air: Air, t1: Speaker) -> None:
    air.enrol(t1)
    ups = []
    for left in (2, 1, 0):
        ups.append(air.hear(t1.frame(left=left)))
        assert air.pass_s(POLL.slot_s).quiet()
    for stored, up in enumerate(ups[:-1], 1):
        air.engine.committed([up], [t1.stream((1, stored))], air.now_s)
        assert air.pass_s(RECEIPT_WAIT_S).quiet(), "the rest of it is on its way to the disk"
    air.engine.committed(ups[-1:], [t1.stream((1, 3))], air.now_s)
    (turn,) = air.wait_for_turns()
    assert list(turn.turn.stored()) == [(1, 3)]


def test_nobody_is_spoken_over_while_a_burst_goes_on(air: Air, t1: Speaker) -> None:
    air.enrol(t1)
    air.engine.committed([air.hear(t1.frame(left=4))], [t1.stream((1, 1))], air.now_s)
    air.pass_s(4 * POLL.slot_s)
    assert air.quiet()
    assert air.wait_for_turns()


def test_a_duplicate_is_not_admitted_and_gets_its_receipt_again(air: Air, t1: Speaker) -> None:
    air.enrol(t1)
    frame = t1.frame()
    air.engine.committed([air.hear(frame)], [t1.stream((1, 1))], air.now_s)
    assert air.wait_for_turns()
    air.sent()
    assert air.engine.heard(frame, air.pass_s(5).now_s) is None
    (turn,) = air.wait_for_turns()
    assert list(turn.turn.stored()) == [(1, 1)]
    assert air.nodes.counts.replayed == 1


@pytest.mark.parametrize("was_granted", [False, True])
def test_a_receipt_that_the_law_held_back_is_said_when_it_may_be(
    air: Air, t1: Speaker, was_granted: bool
) -> None:
    air.enrol(t1)
    backlog = 3 if was_granted else 0
    up = air.hear(t1.frame(backlog=backlog))
    air.engine.committed([up], [t1.stream((1, 1))], air.now_s)
    before = air.wait_for_turns()
    assert grants(before) == {1: MAX_GRANT if was_granted else 0}
    free_s = air.now_s + 600
    air.engine.held_back(free_s)
    assert air.quiet()
    assert air.engine.wake_at_s() == free_s
    air.pass_s(599)
    assert air.quiet()
    after = air.pass_s(1).say()
    assert grants(after) == grants(before)
    assert list(after[0].turn.stored()) == [(1, 1)]
    assert next(iter(air.nodes)).misses == 0, "nobody was asked"


def test_news_that_the_law_held_back_lack_no_piece() -> None:
    news = NewsRounds()
    air = Air(news=news)
    t1 = Speaker(1)
    air.enrol(t1)
    news.heard(t1.name, air.now_s)
    news.publish(3, bytes(400), air.now_s)
    key = link_key(GROUP_KEY, Direction.ALL, 0, GATEWAY_EPOCH)
    told: list[bytes] = []
    for held_back in (False, True, True, False, False):
        frame = air.engine.next_transmission(air.now_s)
        assert frame is not None
        opened = open_frame(key, frame, ReplayWindow())
        assert opened.kind == AllKind.NEWS
        if held_back:
            air.engine.held_back(air.pass_s(60).now_s)
        else:
            told.append(opened.content)
            air.pass_s(POLL.frame_s)
    assert len(set(told)) == 3
    assert b"".join(piece[4:] for piece in told) == bytes(400)
    assert air.quiet()


def test_frames_of_unknown_addresses_and_forged_ones_are_counted_and_nothing_else(
    air: Air, t1: Speaker
) -> None:
    air.enrol(t1)
    forged = bytearray(t1.frame())
    forged[-1] ^= 1
    for frame in (Speaker(2).frame(), bytes(forged), b"short", b""):
        assert air.engine.heard(frame, air.now_s) is None
    own = air.engine.next_transmission(air.pass_s(600).now_s)
    assert own is not None
    assert air.engine.heard(own, air.now_s) is None
    counts = air.nodes.counts
    assert (counts.cannot_open, counts.malformed, counts.others) == (2, 2, 1)
    assert air.engine.heard(Speaker(1, EPOCH + 1).frame(names_epoch=False), air.now_s) is None


def test_an_epoch_is_known_once_the_store_has_it(air: Air, t1: Speaker) -> None:
    air.enrol(t1, settled=False)
    (turn,) = air.wait_for_turns()
    assert Flags.EPOCH_KNOWN not in turn.turn.flags
    up = air.hear(t1.frame())
    air.engine.committed([up], [t1.stream((1, 1))], air.now_s)
    (turn,) = air.wait_for_turns()
    assert Flags.EPOCH_KNOWN in turn.turn.flags
    assert air.hear(t1.frame(names_epoch=False)).epoch == EPOCH


def test_a_new_outbox_gets_receipts_of_its_own(air: Air, t1: Speaker) -> None:
    """The card was replaced: same terminal, another epoch."""
    air.enrol(t1)
    air.engine.committed([air.hear(t1.frame())], [t1.stream((1, 9))], air.now_s)
    assert air.wait_for_turns()
    air.sent()
    renewed = Speaker(1, EPOCH + 1)
    up = air.hear(renewed.frame())
    air.engine.committed([up], [renewed.stream((1, 1))], air.now_s)
    (turn,) = air.wait_for_turns()
    assert turn.is_genuine(renewed.receipt_key)
    assert not turn.is_genuine(t1.receipt_key)
    assert list(turn.turn.stored()) == [(1, 1)]


def test_what_an_old_outbox_brought_by_mqtt_does_not_change_the_receipt(
    air: Air, t1: Speaker
) -> None:
    air.enrol(t1)
    air.engine.committed([], [Stream(2, t1.name, EPOCH - 1, SeqSet([(1, 50)]))], air.now_s)
    air.engine.committed([air.hear(t1.frame())], [t1.stream((1, 1))], air.now_s)
    (turn,) = air.wait_for_turns()
    assert turn.is_genuine(t1.receipt_key)


def test_after_a_restart_windows_and_epochs_are_as_stored(t1: Speaker) -> None:
    first = Air()
    first.enrol(t1)
    frame = t1.frame()
    up = first.hear(frame)
    row = WindowRow(up.node, up.epoch, Direction.UP, up.window)
    again = Air(nodes=RadioNodes(RADIO_KEY, COUNTY, [row]))
    again.nodes.enrol(t1.name, t1.address)
    assert again.engine.heard(frame, again.now_s) is None
    assert again.nodes.counts.replayed == 1
    t1.skip(3)
    assert again.hear(t1.frame(names_epoch=False)).skipped == 3


def test_after_a_restart_the_epoch_of_now_is_tried_among_many_old_ones(t1: Speaker) -> None:
    """Cards of before that only MQTT knew must not push out the one the radio knows."""
    row = WindowRow(t1.name, EPOCH, Direction.UP, ReplayWindow())
    air = Air(nodes=RadioNodes(RADIO_KEY, COUNTY, [row]))
    air.nodes.enrol(t1.name, t1.address)
    streams = [Stream(epoch, t1.name, epoch) for epoch in range(1, TRIED_EPOCHS + 1)]
    air.engine.committed([], [*streams, t1.stream((1, 2))], air.now_s)
    assert air.hear(t1.frame(names_epoch=False)).epoch == EPOCH


@pytest.mark.parametrize("kind", [UpKind.PACKED, UpKind.PART])
def test_whose_roster_is_not_here_is_told_until_a_batch_can_be_unpacked(
    air: Air, t1: Speaker, kind: UpKind
) -> None:
    air.enrol(t1)
    up = air.hear(t1.frame(kind))
    air.engine.committed([up], [], air.now_s, other_roster={t1.name})
    (turn,) = air.wait_for_turns()
    assert Flags.NO_SUCH_ROSTER in turn.turn.flags
    air.sent()
    up = air.hear(t1.frame(UpKind.SEALED))
    air.engine.committed([up], [t1.stream((1, 1))], air.now_s)
    (turn,) = air.wait_for_turns()
    assert Flags.NO_SUCH_ROSTER in turn.turn.flags, "nothing was packed"
    air.sent()
    up = air.hear(t1.frame(UpKind.PACKED))
    air.engine.committed([up], [t1.stream((1, 2))], air.now_s)
    (turn,) = air.wait_for_turns()
    assert Flags.NO_SUCH_ROSTER not in turn.turn.flags


def test_one_with_a_backlog_is_granted_until_it_says_that_nothing_is_left(
    air: Air, t1: Speaker
) -> None:
    air.enrol(t1)
    up = air.hear(t1.frame(backlog=12))
    air.engine.committed([up], [t1.stream((1, 1))], air.now_s)
    assert grants(air.wait_for_turns()) == {1: MAX_GRANT}
    air.sent()
    up = air.hear(t1.frame(left=0, backlog=0))
    air.engine.committed([up], [t1.stream((1, 2))], air.now_s)
    assert grants(air.wait_for_turns()) == {1: 0}
    air.sent()
    assert air.pass_s(60).quiet()


def test_a_gap_is_asked_for_and_one_it_would_not_fill_is_not_asked_for_again(
    air: Air, t1: Speaker
) -> None:
    air.enrol(t1)
    up = air.hear(t1.frame())
    air.engine.committed([up], [t1.stream((2, 2))], air.now_s)
    assert grants(air.wait_for_turns()) == {1: MAX_GRANT}
    air.sent()
    air.engine.committed([air.hear(t1.status())], [], air.now_s)
    assert air.pass_s(60).quiet(), "it was told of the gap, and has nothing"


def test_in_a_beacon_several_are_granted_in_slots_behind_each_other() -> None:
    air = Air(BEACON)
    speakers = [Speaker(address) for address in range(1, 5)]
    air.enrol(*speakers)
    for frames, each in enumerate(speakers):
        up = air.hear(each.frame(backlog=frames))
        air.engine.committed([up], [each.stream((1, frames + 1))], air.now_s)
    air.pass_s(RECEIPT_WAIT_S)
    turns = air.say()
    assert grants(turns) == {1: 0, 2: 1, 3: 2, 4: 3}
    ordered = sorted(turns, key=lambda turn: turn.turn.address)
    for turn, speaker in zip(ordered, speakers, strict=True):
        assert turn.is_genuine(speaker.receipt_key)
    air.sent()
    before_s = air.now_s
    assert air.wait_for_turns()
    assert air.now_s - before_s == pytest.approx(BEACON.answer_s + (1 + 2 + 2) * BEACON.slot_s)


def test_a_schedule_too_long_for_a_frame_keeps_the_rest_for_the_next() -> None:
    air = Air()
    speakers = [Speaker(address) for address in range(1, 31)]
    air.enrol(*speakers)
    for each in speakers:
        air.engine.committed([air.hear(each.frame())], [each.stream((1, 1))], air.now_s)
    told: list[int] = []
    for _ in range(3):
        turns = air.wait_for_turns(60)
        told += [turn.turn.address for turn in turns if not turn.turn.grant]
        air.pass_s(POLL.frame_s)
    assert sorted(told) == [each.address for each in speakers]


def test_when_nothing_is_wanted_it_asks_to_be_woken_for_a_status_only(
    air: Air, t1: Speaker
) -> None:
    air.enrol(t1)
    wake_s = air.engine.wake_at_s()
    assert wake_s is not None
    assert math.isfinite(wake_s)
    (turn,) = air.wait_for_turns()
    assert (turn.turn.grant, Flags.SAY_STATUS in turn.turn.flags) == (1, True)
    assert air.now_s == wake_s
