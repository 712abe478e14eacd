"""Sequence sets against the plainest model there is: a Python set of numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from protocol.sequences import Range, SeqSet

RANGES = st.tuples(st.integers(1, 60), st.integers(0, 15)).map(lambda pair: (pair[0], sum(pair)))
STEPS = st.lists(st.tuples(st.sampled_from(["add", "discard"]), RANGES), max_size=40)


def numbers(ranges: list[Range]) -> list[int]:
    return [seq for first, last in ranges for seq in range(first, last + 1)]


@given(STEPS)
def test_it_behaves_like_a_set_of_numbers(steps: list[tuple[str, Range]]) -> None:
    held, model = SeqSet(), set[int]()
    for verb, (first, last) in steps:
        touched = set(range(first, last + 1))
        if verb == "add":
            assert numbers(held.add(first, last)) == sorted(touched - model)
            model |= touched
        else:
            held.discard(first, last)
            model -= touched
        assert numbers(list(held)) == sorted(model)
    assert held.count == len(model)
    assert held.highest == max(model, default=0)
    assert numbers(held.gaps()) == sorted(set(range(1, held.highest)) - model)
    assert all((seq in held) == (seq in model) for seq in range(80))


@given(st.lists(RANGES, max_size=12), st.lists(RANGES, max_size=12))
def test_what_two_have_in_common(left: list[Range], right: list[Range]) -> None:
    both = SeqSet(left).common(SeqSet(right))
    assert numbers(list(both)) == sorted(set(numbers(left)) & set(numbers(right)))
    assert all(one[1] + 1 < next_one[0] for one, next_one in pairwise(both))


@given(st.lists(RANGES, max_size=40))
def test_ranges_never_touch(ranges: list[Range]) -> None:
    held = list(SeqSet(ranges))
    assert all(first <= last for first, last in held)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(held))


def test_the_same_range_again_is_nothing_new() -> None:
    held = SeqSet([(1, 5)])
    assert held.add(2, 4) == []
    assert list(held) == [(1, 5)]


def test_an_empty_set_has_no_gaps_and_no_highest() -> None:
    held = SeqSet()
    assert (held.count, held.highest, held.gaps(), 1 in held) == (0, 0, [], False)
