"""Hostile neighbours: whatever arrives is bounded, and worth an *already here* at most."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import FrameSealer
from protocol.neighbours import Sighting, Told, pack_told, point_mark
from protocol.radio_keys import Direction, link_key
from protocol.verdict import Verdict
from terminal.ear import BURST_FRAMES, MAX_FRAMES_PER_S, MAX_SENDERS, Ear
from terminal.neighbours import HURRY_S, Way
from terminal.overheard import MAX_WORDS, Overheard
from tests.lanes import GROUP_KEY, POINT, LaneRig, PointClock, go_on, tell
from tests.musters import ACTIVATION, person, roster

NOW_S = 1000.0
ADDRESS = 1


def told(*sightings: Sighting, lane: int = 2, activation: int = ACTIVATION.number) -> Told:
    return Told(point_mark(POINT), lane, bytes(3), activation, sightings)


def sealed(
    content: Told | bytes, *, address: int = 2, epoch: int = 77, counter: int = 0, kind: int = 0
) -> bytes:
    """A frame of somebody who holds the group's key."""
    if isinstance(content, Told):
        content, _ = pack_told(content, limit_bytes=237)
    sealer = FrameSealer(link_key(GROUP_KEY, Direction.PEER, address, epoch))
    return sealer.seal(kind, counter, content, names_epoch=True)


@pytest.fixture
def ear() -> Ear:
    return Ear(GROUP_KEY, ADDRESS, POINT)


@given(st.binary(max_size=300))
def test_any_bytes_are_nobody(data: bytes) -> None:
    assert Ear(GROUP_KEY, ADDRESS, POINT).take(data, NOW_S) is None


def test_a_frame_is_taken_once(ear: Ear) -> None:
    frame = sealed(told(), counter=5)
    assert ear.take(frame, NOW_S) is not None
    assert ear.take(frame, NOW_S) is None
    assert ear.take(sealed(told(), counter=4), NOW_S) is not None  # late, and new
    assert ear.take(sealed(told(), counter=100), NOW_S) is not None
    assert ear.take(sealed(told(), counter=5, epoch=78), NOW_S) is not None
    assert ear.take(frame, NOW_S) is None


@pytest.mark.parametrize(
    "frame",
    [
        sealed(told(), address=ADDRESS),
        sealed(told(), kind=1),
        sealed(b"no such content"),
        sealed(Told(point_mark("shiqiao"), 2, bytes(3), 7)),
        FrameSealer(link_key(GROUP_KEY, Direction.PEER, 2, 77)).seal(0, 1, b""),
        FrameSealer(link_key(GROUP_KEY, Direction.ALL, 2, 77)).seal(0, 1, b"", names_epoch=True),
        bytes([sealed(told())[0]]) + bytes(60),
    ],
    ids=["our own", "a later kind", "content", "point", "no epoch", "direction", "forged"],
)
def test_what_is_no_word_of_a_neighbour_is_left_alone(ear: Ear, frame: bytes) -> None:
    assert ear.take(frame, NOW_S) is None


@pytest.mark.parametrize("counter", [0, 2**24 - 1, 2**24, 3 * 2**24 + 5, 2**26 - 1])
def test_a_lane_that_has_spoken_for_years_is_understood_at_once(ear: Ear, counter: int) -> None:
    assert ear.take(sealed(told(), counter=counter), NOW_S) is not None
    assert ear.take(sealed(told(), counter=counter + 1), NOW_S) is not None


def test_a_flood_costs_a_bounded_number_of_attempts(ear: Ear) -> None:
    frames = [sealed(told(), counter=counter) for counter in range(BURST_FRAMES + 50)]
    taken = [ear.take(frame, NOW_S) is not None for frame in frames]
    assert sum(taken) == BURST_FRAMES
    rest = [frame for frame, was in zip(frames, taken, strict=True) if not was]
    assert ear.take(rest[0], NOW_S + 2 / MAX_FRAMES_PER_S) is not None
    garbage = bytes([sealed(told())[0]]) + bytes(60)
    for _ in range(1000):
        ear.take(garbage, NOW_S + 10)
    assert ear.take(rest[1], NOW_S + 10) is None
    assert ear.take(rest[1], NOW_S + 11) is not None  # what was dropped is told again


def test_senders_are_bounded_and_garbage_makes_none(ear: Ear) -> None:
    for number in range(MAX_SENDERS + 20):
        assert ear.take(sealed(told(), address=2 + number), NOW_S + number) is not None
    for number in range(50):
        header = sealed(told(), address=40_000 + number)[:10]
        ear.take(header + bytes(20), NOW_S + 1000)
    assert len(ear._senders) == MAX_SENDERS


def test_words_are_bounded_and_the_oldest_go_first() -> None:
    heard = Ear(GROUP_KEY, ADDRESS, POINT)
    memory = Overheard()
    dice = random.Random(1)
    marks = [dice.randbytes(4) for _ in range(MAX_WORDS + 300)]
    for start in range(0, len(marks), 30):
        word = told(*(Sighting(mark, 0) for mark in marks[start : start + 30]))
        frame = heard.take(sealed(word, counter=start), NOW_S + start)
        assert frame is not None
        memory.take(frame, NOW_S)
    assert len(memory._words) == MAX_WORDS
    assert (marks[0], 2) not in memory._words
    assert (marks[-1], 2) in memory._words


def test_addresses_are_bounded() -> None:
    heard = Ear(GROUP_KEY, ADDRESS, POINT)
    memory = Overheard()
    for number in range(MAX_SENDERS + 20):
        frame = heard.take(sealed(told(), address=2 + number), NOW_S + number)
        assert frame is not None
        memory.take(frame, NOW_S)
    assert len(memory._addresses) == MAX_SENDERS


def test_a_captured_terminal_can_say_already_here_and_no_more() -> None:
    clock = PointClock()
    honest = LaneRig(clock, 1)
    everybody = (Sighting(person(number).digest[:4], 0) for number in (1, 2, 3, 4))
    honest.neighbours.take(sealed(told(*everybody)), Way.LAN)
    verdicts = [honest.scan(number)[0].record.verdict for number in (1, 2, 3, 4)]
    assert verdicts == [Verdict.ALREADY, Verdict.ALREADY, Verdict.LOOK, Verdict.STOP]
    assert honest.station.present() == 2  # those who stood there are here by their own records


def test_what_a_captured_terminal_says_as_another_is_put_right_by_that_one() -> None:
    clock = PointClock()
    first, second = LaneRig(clock, 1), LaneRig(clock, 2)
    second.scan(1)
    tell(first, second)
    lie = sealed(told(Sighting(person(1).digest[:4], 0, is_taken_back=True)), counter=9)
    first.neighbours.take(lie, Way.LAN)
    assert first.elsewhere(1) is None
    go_on(clock, 60, first, second)
    assert first.elsewhere(1) == 2


def test_a_lane_that_is_silenced_by_another_costs_an_already_here_and_no_record() -> None:
    clock = PointClock()
    first, second = LaneRig(clock, 1), LaneRig(clock, 2)
    first.neighbours.take(sealed(told(), counter=2**25), Way.LAN)  # in lane 2's name
    second.scan(1)
    go_on(clock, 60, first, second)
    assert first.scan(1)[0].record.verdict is Verdict.ACCEPTED
    renewed = LaneRig(clock, 2, epoch=78, before=second.station.seen_here())
    go_on(clock, 10, first, renewed)
    assert first.elsewhere(1) == 2


def test_newcomers_without_end_do_not_make_us_speak_faster() -> None:
    clock = PointClock()
    honest = LaneRig(clock, 1, known=roster())
    sent = 0
    for number in range(500):
        honest.neighbours.take(sealed(told(), address=2 + number), Way.LAN)
        sent += len(honest.neighbours.frames_for_lan())
        clock.now_s += 0.02
    assert sent <= 500 * 0.02 / HURRY_S + 1
