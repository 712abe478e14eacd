"""The replay window against a set that remembers everything."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.replay import CLEAR_BITS, WINDOW, ReplayWindow

near = st.integers(0, 3 * WINDOW)


@given(st.lists(near | st.integers(0, 2**48 - 1), max_size=80))
def test_the_window_takes_each_counter_once(counters: list[int]) -> None:
    window = ReplayWindow()
    taken: set[int] = set()
    for counter in counters:
        highest = max(taken, default=0)
        expected = counter not in taken and counter > highest - WINDOW
        assert window.is_fresh(counter) == expected
        if expected:
            taken.add(counter)
            window = window.after(counter)
            assert window.highest == max(taken)
            assert window.taken < 2**WINDOW


@given(st.integers(0, 2**48 - 1), st.integers(-(2**23) + 1, 2**23 - 1))
def test_a_counter_is_made_whole_again(highest: int, distance: int) -> None:
    counter = min(max(0, highest + distance), 2**48 - 1)
    assert ReplayWindow(highest, 1).whole(counter % 2**CLEAR_BITS) == counter
