"""Lanes that hear each other: who is *already here*, whatever was lost on the way."""

import pytest

from protocol.frames import MAX_FRAME_BYTES, parse_header
from protocol.radio_keys import Direction
from protocol.roster import Person
from protocol.verdict import Reason, Verdict
from terminal.neighbours import BEAT_S, HURRY_S, LAN_LOST_S, RADIO_LOST_S, Way
from terminal.told import LATEST, RADIO_BATCH_S, RADIO_REPEAT_S, RADIO_WITHIN_S
from tests.lanes import LaneRig, PointClock, go_on, tell
from tests.musters import ACTIVATION, NUMBERS, STRANGER, person, roster
from tests.parties import NOW_MS


@pytest.fixture
def clock() -> PointClock:
    return PointClock()


@pytest.fixture
def pair(clock: PointClock) -> tuple[LaneRig, LaneRig]:
    lanes = LaneRig(clock, 1), LaneRig(clock, 2)
    go_on(clock, 1, *lanes)
    return lanes


def verdict(lane: LaneRig, number: int | str = 1) -> tuple[Verdict, Reason]:
    record = lane.scan(number)[0].record
    return record.verdict, record.reason


Pair = tuple[LaneRig, LaneRig]


def test_a_person_seen_at_lane_2_is_already_here_at_lane_1(clock: PointClock, pair: Pair) -> None:
    first, second = pair
    assert verdict(second) == (Verdict.ACCEPTED, Reason.EXPECTED_HERE)
    tell(*pair)
    clock.now_s += 90
    decision, _ = first.scan()
    assert (decision.record.verdict, decision.record.reason) == (
        Verdict.ALREADY,
        Reason.SEEN_BEFORE,
    )
    assert decision.seen_elsewhere is not None
    assert decision.seen_elsewhere.lane == 2
    assert decision.record.at.mono_ms - decision.seen_elsewhere.mono_ms == pytest.approx(90_000)
    assert decision.newly_seen is not None  # by this lane


def test_our_own_word_comes_first_and_is_told_all_the_same(pair: Pair) -> None:
    first, second = pair
    second.scan()
    tell(*pair)
    first.scan()
    again, _ = first.scan()
    assert again.seen_elsewhere is None
    assert again.seen_before is not None
    tell(*pair)
    assert second.elsewhere() == 1


def test_a_race_gives_two_records_and_no_quarrel(pair: Pair) -> None:
    assert [verdict(lane) for lane in pair] == [(Verdict.ACCEPTED, Reason.EXPECTED_HERE)] * 2
    tell(*pair)
    assert [lane.elsewhere() for lane in pair] == [2, 1]


def test_an_undo_is_told_too(pair: Pair) -> None:
    first, second = pair
    scan = second.scan()
    tell(*pair)
    assert first.elsewhere() == 2
    second.undo(scan)
    tell(*pair)
    assert first.elsewhere() is None
    assert verdict(first) == (Verdict.ACCEPTED, Reason.EXPECTED_HERE)


def test_taking_back_a_second_scan_takes_nothing_away(pair: Pair) -> None:
    first, second = pair
    second.scan()
    second.undo(second.scan())
    tell(*pair)
    assert first.elsewhere() == 2


def test_seen_taken_back_and_seen_again(pair: Pair) -> None:
    first, second = pair
    second.undo(second.scan())
    second.scan()
    tell(*pair)
    assert first.elsewhere() == 2


def test_the_later_word_counts_whatever_arrives_last(pair: Pair) -> None:
    first, second = pair
    scan = second.scan()
    early = second.neighbours.frames_for_lan()
    second.undo(scan)
    late = second.neighbours.frames_for_lan()
    for frame in (*late, *early):
        assert first.neighbours.take(frame, Way.LAN)
    assert first.elsewhere() is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (3, (Verdict.LOOK, Reason.OTHER_POINT)),
        (4, (Verdict.STOP, Reason.CARD_LOST)),
        (STRANGER, (Verdict.LOOK, Reason.NOT_ON_ROSTER)),
    ],
)
def test_a_neighbours_word_takes_no_look_and_no_stop_away(
    pair: Pair, number: int | str, expected: tuple[Verdict, Reason]
) -> None:
    first, second = pair
    second.scan(number)
    tell(*pair)
    assert verdict(first, number) == expected


def test_a_stopped_card_is_not_told(pair: Pair) -> None:
    first, second = pair
    second.scan(4)
    tell(*pair)
    assert first.elsewhere(4) is None


def test_a_lane_without_a_roster_is_understood(clock: PointClock) -> None:
    first, second = LaneRig(clock, 1), LaneRig(clock, 2)
    second.station.roster = None
    assert verdict(second) == (Verdict.LOOK, Reason.NO_ROSTER)
    tell(first, second)
    assert first.elsewhere() == 2


def test_a_roster_that_comes_later_explains_what_was_heard(clock: PointClock) -> None:
    first, second = LaneRig(clock, 1), LaneRig(clock, 2)
    first.station.roster = None
    second.scan()
    tell(first, second)
    assert first.elsewhere() is None
    first.station.roster = roster()
    assert first.elsewhere() == 2


def test_lanes_with_other_rosters_go_by_digests(clock: PointClock) -> None:
    """Person 2 is in another place of the first lane's roster."""
    first = LaneRig(clock, 1, known=roster(2, person(3), person(2), person(1)))
    second = LaneRig(clock, 2)
    go_on(clock, 2 * BEAT_S, first, second)
    second.scan(2)
    tell(first, second)
    assert [first.elsewhere(number) for number in (1, 2, 3)] == [None, 2, None]


def test_lanes_with_one_roster_go_by_places_which_are_shorter(clock: PointClock) -> None:
    sizes = []
    for known in (roster(), roster(2)):
        lanes = LaneRig(clock, 1), LaneRig(clock, 2, known=known)
        go_on(clock, 2 * BEAT_S, *lanes)
        lanes[0].scan()
        (frame,) = lanes[0].neighbours.frames_for_lan()
        assert lanes[1].neighbours.take(frame, Way.LAN)
        assert lanes[1].elsewhere() == 1
        sizes.append(len(frame))
    assert sizes[1] - sizes[0] == 4  # a mark and its flags, for a place below 32


def test_places_in_a_roster_we_have_not_mean_nobody(pair: Pair) -> None:
    first, second = pair
    second.scan(2)
    (frame,) = second.neighbours.frames_for_lan()
    first.station.roster = roster(2, person(3), person(2))
    assert first.neighbours.take(frame, Way.LAN)
    assert [first.elsewhere(number) for number in (1, 2, 3)] == [None] * 3


def test_two_people_with_one_mark_are_neither(clock: PointClock) -> None:
    twin = Person(9, person(1).digest[:4] + bytes(12), "同", "一排", "qingshan")
    first = LaneRig(clock, 1, known=roster(2, person(1), twin))
    second = LaneRig(clock, 2)
    second.scan(1)
    tell(first, second)
    assert (first.elsewhere(1), first.elsewhere(9)) == (None, None)


def test_another_activation_starts_from_nothing(pair: Pair) -> None:
    first, second = pair
    second.scan()
    tell(*pair)
    first.station.activation = ACTIVATION.__class__(8, "", "", ACTIVATION.mode, NOW_MS, 90, 60)
    assert first.elsewhere() is None
    go_on(first.clock, 3 * BEAT_S, *pair)
    assert first.elsewhere() is None  # what lane 2 tells is about the old one still
    second.station.activation = first.station.activation
    second.scan()
    tell(*pair)
    assert first.elsewhere() == 2


def test_another_point_or_county_is_not_listened_to(clock: PointClock, pair: Pair) -> None:
    first, _ = pair
    for other in (
        LaneRig(clock, 3, point="shiqiao"),
        LaneRig(clock, 3, group_key=bytes(32)),
    ):
        other.scan(3)
        (frame, _) = other.neighbours.frames_for_lan()
        assert not first.neighbours.take(frame, Way.LAN)
    assert first.neighbours.lanes() == (2,)


def test_a_lane_that_was_off_for_a_minute_has_it_all_within_a_beat_and_a_lap(
    clock: PointClock, pair: Pair
) -> None:
    first, second = pair
    scan = second.scan(2)
    tell(*pair)
    cut = {"passes": lambda sender, hearer: sender is hearer}
    second.undo(scan)
    second.scan(1)
    go_on(clock, 60, *pair, **cut)
    assert first.neighbours.lanes() == ()
    assert (first.elsewhere(1), first.elsewhere(2)) == (None, 2)
    go_on(clock, BEAT_S + 3 * HURRY_S, *pair)
    assert (first.elsewhere(1), first.elsewhere(2)) == (2, None)
    assert first.neighbours.lanes() == (2,)


def test_a_restart_forgets_and_hears_it_again_and_tells_again(
    clock: PointClock, pair: Pair
) -> None:
    first, second = pair
    first.scan(1)
    second.scan(2)
    go_on(clock, BEAT_S, *pair)
    before = first.station.seen_here()
    clock.now_s += 30
    reborn = LaneRig(clock, 1, before=before, first_counter=256)
    assert reborn.elsewhere(2) is None
    third = LaneRig(clock, 3)
    go_on(clock, 1, reborn, second, third)
    assert reborn.elsewhere(2) == 2
    assert third.elsewhere(1) == 1
    told = third.neighbours.first_seen(1)
    assert told is not None
    assert clock.now_s * 1000 - told.mono_ms == pytest.approx(36_000, abs=2000)


def test_a_new_outbox_is_the_same_lane(clock: PointClock, pair: Pair) -> None:
    first, second = pair
    second.scan(1)
    tell(*pair)
    renewed = LaneRig(clock, 2, epoch=78)
    renewed.scan(2)
    go_on(clock, 1, first, renewed)
    assert (first.elsewhere(1), first.elsewhere(2)) == (2, 2)


def test_a_thousand_people_are_told_to_a_newcomer_in_half_a_minute(clock: PointClock) -> None:
    people = [Person(n, n.to_bytes(4, "big") * 4, "某", "一排", "qingshan") for n in range(1, 1001)]
    known = roster(1, *people)
    old = LaneRig(clock, 1, known=known)
    for each in people:
        old.neighbours._catch_up()
        old.neighbours._own.seen(each.number, each.number, clock.now_s)
        clock.now_s += 1
    go_on(clock, 10, old)
    newcomer = LaneRig(clock, 2, known=known)
    sent = go_on(clock, 25, old, newcomer)
    assert all(newcomer.elsewhere(each.number) == 1 for each in people)
    assert sent < 25 / HURRY_S


def test_a_quiet_point_sends_a_frame_in_five_seconds(clock: PointClock, pair: Pair) -> None:
    go_on(clock, 20, *pair)
    assert go_on(clock, 60, *pair) == 2 * 60 / BEAT_S


def test_frames_are_for_peers_and_name_their_epoch(pair: Pair) -> None:
    pair[0].scan()
    for frame in pair[0].neighbours.frames_for_lan():
        header = parse_header(frame)
        assert (header.direction, header.epoch, header.address) == (Direction.PEER, 77, 1)
        assert len(frame) <= MAX_FRAME_BYTES


def test_without_a_counter_nothing_is_told_until_there_is_one(
    clock: PointClock, pair: Pair
) -> None:
    first, second = pair
    second.has_counters = False
    second.scan()
    assert second.neighbours.frames_for_lan() == []
    clock.now_s += RADIO_BATCH_S + LAN_LOST_S
    assert second.neighbours.frame_for_radio(100) is None
    assert second.neighbours.ask_for_radio_s() == clock.now_s + BEAT_S  # not at once, for ever
    second.has_counters = True
    assert tell(*pair) >= 2
    assert first.elsewhere() == 2


def test_a_lane_number_given_twice_is_noticed(clock: PointClock, pair: Pair) -> None:
    twin = LaneRig(clock, 1, address=9)
    go_on(clock, 1, *pair, twin)
    assert pair[0].neighbours.lanes() == (1, 2)
    assert pair[1].neighbours.lanes() == (1,)


def test_somebody_on_no_roster_of_the_sender_is_found_by_the_digest(clock: PointClock) -> None:
    first = LaneRig(clock, 1)
    second = LaneRig(clock, 2, known=roster(2, person(2)))
    second.scan(1)
    second.scan(NUMBERS[0])
    tell(first, second)
    assert first.elsewhere(1) == 2


def test_who_left_the_roster_does_not_hold_up_the_rest(clock: PointClock, pair: Pair) -> None:
    first, second = pair
    second.scan(1)
    second.scan(2)
    for lane in pair:
        lane.station.roster = roster(2, person(2))
    go_on(clock, 3 * BEAT_S, *pair)
    assert first.elsewhere(2) == 2


class TestRadio:
    """What goes out by radio, and when."""

    def test_words_wait_for_others_and_go_out_twice(self, clock: PointClock) -> None:
        first, second = LaneRig(clock, 1), LaneRig(clock, 2)
        first.scan(1)
        clock.now_s += RADIO_BATCH_S - 1
        first.scan(2)
        assert first.neighbours.frame_for_radio(100) is None
        clock.now_s += 1
        frame = first.neighbours.frame_for_radio(100)
        assert frame is not None
        assert second.neighbours.take(frame, Way.RADIO)
        assert [second.elsewhere(number) for number in (1, 2)] == [1, 1]
        assert first.neighbours.frame_for_radio(100) is None
        clock.now_s += RADIO_REPEAT_S
        assert first.neighbours.frame_for_radio(100) is not None
        clock.now_s += RADIO_REPEAT_S
        assert first.neighbours.frame_for_radio(100) is None

    def test_a_short_frame_leaves_the_rest_for_the_next(self, clock: PointClock) -> None:
        first, second = LaneRig(clock, 1), LaneRig(clock, 2)
        for number in (1, 2):
            first.scan(number)
        clock.now_s += RADIO_BATCH_S
        for _ in range(2):
            frame = first.neighbours.frame_for_radio(36)
            assert frame is not None
            assert len(frame) <= 36
            second.neighbours.take(frame, Way.RADIO)
        assert [second.elsewhere(number) for number in (1, 2)] == [1, 1]

    def test_nothing_goes_by_radio_to_whom_the_network_reaches(
        self, clock: PointClock, pair: Pair
    ) -> None:
        first, second = pair
        first.scan()
        go_on(clock, RADIO_BATCH_S, *pair)
        assert first.neighbours.frame_for_radio(100) is None
        cut = {"passes": lambda sender, hearer: sender is hearer}
        go_on(clock, LAN_LOST_S, *pair, **cut)
        frame = first.neighbours.frame_for_radio(100)
        assert frame is not None
        assert second.neighbours.take(frame, Way.RADIO)
        assert second.neighbours.lanes() == (1,)

    def test_a_lane_heard_by_radio_only_is_told_by_radio(
        self, clock: PointClock, pair: Pair
    ) -> None:
        far = LaneRig(clock, 3)
        far.scan(2)
        clock.now_s += RADIO_BATCH_S
        frame = far.neighbours.frame_for_radio(100)
        assert frame is not None
        assert pair[0].neighbours.take(frame, Way.RADIO)
        pair[0].scan(1)
        go_on(clock, RADIO_BATCH_S, *pair)
        assert pair[0].neighbours.frame_for_radio(100) is not None
        assert pair[1].neighbours.frame_for_radio(100) is None
        clock.now_s += RADIO_LOST_S
        assert 3 not in pair[0].neighbours.lanes()

    def test_the_radio_knows_when_to_ask(self, clock: PointClock, pair: Pair) -> None:
        lone, (near, _) = LaneRig(clock, 3, point="shiqiao"), pair
        assert lone.neighbours.ask_for_radio_s() is None
        for lane, number in ((lone, 3), (near, 1)):
            lane.scan(number)
        assert lone.neighbours.ask_for_radio_s() == clock.now_s + RADIO_BATCH_S
        clock.now_s += RADIO_BATCH_S
        assert near.neighbours.ask_for_radio_s() == clock.now_s + BEAT_S  # all hear it already
        assert lone.neighbours.ask_for_radio_s() == clock.now_s
        assert lone.neighbours.frame_for_radio(100) is not None
        assert lone.neighbours.ask_for_radio_s() == clock.now_s + RADIO_REPEAT_S
        clock.now_s += RADIO_REPEAT_S
        assert lone.neighbours.frame_for_radio(100) is not None
        assert lone.neighbours.ask_for_radio_s() is None

    def test_old_words_are_not_worth_airtime(self, clock: PointClock) -> None:
        first = LaneRig(clock, 1)
        first.scan(1)
        clock.now_s += RADIO_WITHIN_S + 1
        assert first.neighbours.frame_for_radio(100) is None


def test_the_latest_few_go_out_with_every_word(clock: PointClock, pair: Pair) -> None:
    """So that single losses do not even need a lap."""
    first, second = pair
    go_on(clock, 20, *pair)
    second.scan(1)
    second.neighbours.frames_for_lan()  # lost
    second.scan(2)
    frame = second.neighbours.frames_for_lan()[0]
    assert first.neighbours.take(frame, Way.LAN)
    assert [first.elsewhere(number) for number in (1, 2)] == [2, 2]
    assert LATEST > 1
