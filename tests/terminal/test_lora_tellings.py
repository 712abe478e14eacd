"""What lanes tell each other by radio: on an idle channel, within the airtime, records first."""

from dataclasses import replace
from random import Random

import pytest

from protocol.frames import parse_header
from protocol.radio_keys import Direction
from protocol.radio_schedule import Turn
from protocol.radio_up import Status
from terminal.links.lora_access import BATCH_S, IDLE_GAP_S, SLOT_S, SLOTS
from terminal.links.lora_counters import Counters
from terminal.links.lora_engine import (
    TELL_AGAIN_S,
    TELL_BELOW_PERCENT,
    LoraEngine,
    RadioKeys,
)
from terminal.told import RADIO_BATCH_S, RADIO_REPEAT_S
from tests.lanes import GROUP_KEY, LaneRig, PointClock
from tests.lora_terminals import MemoryStore, PlainGateway, airtime_s, check_in, status_of

MAX_FRAME_BYTES = 197
EDGE_S = 1e-6


class RadioLane:
    """A lane whose only way to the others is its radio."""

    def __init__(self, clock: PointClock, lane: int) -> None:
        self.rig = LaneRig(clock, lane)
        self.store = MemoryStore()
        self.airtime_percent = 0
        counters = Counters()
        counters.add(self.store.reserve_counters())
        self.engine = LoraEngine(
            self.store,
            counters,
            RadioKeys(lane, bytes(32), GROUP_KEY),
            self._status,
            max_frame_bytes=MAX_FRAME_BYTES,
            airtime_s=airtime_s,
            random=Random(lane),
            tellings=self.rig.neighbours,
        )

    def _status(self) -> Status:
        return replace(status_of(self.store), airtime_percent=self.airtime_percent)


@pytest.fixture
def clock() -> PointClock:
    return PointClock()


def speak(clock: PointClock, lane: RadioLane) -> bytes:
    """Let time pass until it says something."""
    for _ in range(50):
        frame = lane.engine.next_transmission(clock.now_s)
        if frame is not None:
            return frame
        wake_s = lane.engine.wake_at_s()
        assert wake_s is not None
        assert wake_s > clock.now_s, "it would ask again for ever"
        clock.now_s = wake_s
    raise AssertionError("it wakes and never speaks")


def test_a_person_seen_at_one_lane_is_known_at_the_other_without_any_gateway(
    clock: PointClock,
) -> None:
    first, second = RadioLane(clock, 1), RadioLane(clock, 2)
    began_s = clock.now_s
    first.rig.scan(1)
    for after_s in (RADIO_BATCH_S, RADIO_BATCH_S + RADIO_REPEAT_S):
        frame = speak(clock, first)
        assert parse_header(frame).direction is Direction.PEER
        assert clock.now_s >= began_s + after_s
        first.engine.sent(clock.now_s)
        second.engine.heard(frame, clock.now_s)
        assert second.rig.elsewhere(1) == 1
    assert first.engine.next_transmission(clock.now_s + 100) is None


def test_it_waits_for_an_idle_channel(clock: PointClock) -> None:
    first, second = RadioLane(clock, 1), RadioLane(clock, 2)
    for lane in (first, second):
        lane.rig.scan(1)
    clock.now_s += RADIO_BATCH_S + SLOTS * SLOT_S
    frame = first.engine.next_transmission(clock.now_s)
    assert frame is not None
    second.engine.heard(frame, clock.now_s)
    assert second.engine.next_transmission(clock.now_s + EDGE_S) is None
    began_s = clock.now_s
    speak(clock, second)
    assert clock.now_s >= began_s + airtime_s(MAX_FRAME_BYTES) + IDLE_GAP_S


def test_records_go_first(clock: PointClock) -> None:
    lane = RadioLane(clock, 1)
    lane.store.append(check_in())
    lane.engine.begin(clock.now_s)
    clock.now_s += BATCH_S + SLOTS * SLOT_S
    lane.rig.scan(1)
    clock.now_s += RADIO_BATCH_S
    assert parse_header(speak(clock, lane)).direction is Direction.UP
    lane.engine.sent(clock.now_s)
    assert parse_header(speak(clock, lane)).direction is Direction.PEER
    lane.engine.sent(clock.now_s)


def test_a_turn_is_not_spent_on_neighbours(clock: PointClock) -> None:
    lane, gateway = RadioLane(clock, 1), PlainGateway()
    lane.rig.scan(1)
    clock.now_s += RADIO_BATCH_S + SLOTS * SLOT_S
    other, ours = Turn(9, 5), Turn(1, 2)
    lane.engine.heard(gateway.say([other, ours]), clock.now_s)
    wake_s = lane.engine.wake_at_s()
    assert wake_s is not None
    assert wake_s > clock.now_s
    assert lane.engine.next_transmission(clock.now_s) is None


def test_dear_airtime_is_kept_for_records(clock: PointClock) -> None:
    lane = RadioLane(clock, 1)
    lane.rig.scan(1)
    lane.airtime_percent = TELL_BELOW_PERCENT
    clock.now_s += RADIO_BATCH_S + SLOTS * SLOT_S
    assert lane.engine.next_transmission(clock.now_s) is None
    assert lane.engine.wake_at_s() == clock.now_s + TELL_AGAIN_S
    lane.airtime_percent = 0
    clock.now_s += TELL_AGAIN_S
    assert lane.engine.next_transmission(clock.now_s) is not None


def test_a_frame_that_was_not_sent_is_made_good_by_the_repetition(clock: PointClock) -> None:
    lane = RadioLane(clock, 1)
    lane.rig.scan(1)
    speak(clock, lane)
    lane.engine.not_sent(clock.now_s + 5)
    before_s = clock.now_s
    speak(clock, lane)
    assert clock.now_s == pytest.approx(before_s + RADIO_REPEAT_S, abs=SLOTS * SLOT_S)
