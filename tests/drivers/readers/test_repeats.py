import pytest

from drivers.readers.repeats import HELD_S, Repeats

A, B = b"a", b"b"


def test_the_same_is_new_once_and_again_when_it_was_away() -> None:
    repeats = Repeats()
    assert repeats.is_new(A, 0.0)
    assert not repeats.is_new(A, HELD_S - 0.1)
    assert not repeats.is_new(A, 2 * HELD_S - 0.2)  # counted from the last time, not the first
    assert repeats.is_new(A, 3 * HELD_S)


def test_a_different_one_is_new_at_once() -> None:
    repeats = Repeats()
    assert [repeats.is_new(thing, 0.0) for thing in (A, B)] == [True, True]


def test_two_that_take_turns_are_two_presentations() -> None:
    repeats = Repeats()
    seen = [repeats.is_new((A, B)[turn % 2], turn * 0.5) for turn in range(100)]
    assert seen == [True, True] + [False] * 98


@pytest.mark.parametrize("count", [1, 1000])
def test_what_is_long_gone_takes_no_room(count: int) -> None:
    repeats = Repeats()
    for turn in range(count):
        assert repeats.is_new(str(turn).encode(), turn * HELD_S)
    assert len(repeats._last_s) == 1
