from random import Random

import pytest

from runtime.backoff import Backoff


def test_delays_double_up_to_the_limit_and_no_further() -> None:
    backoff = Backoff(0.5, 10.0, Random(1))
    ceilings_s = [0.5, 1, 2, 4, 8, 10, 10, 10]
    delays_s = [backoff.next_s() for _ in ceilings_s]
    assert all(c / 2 <= d <= c for c, d in zip(ceilings_s, delays_s, strict=True))


def test_reset_starts_again() -> None:
    backoff = Backoff(0.5, 10.0, Random(1))
    for _ in range(9):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.5


def test_two_terminals_do_not_wait_in_step() -> None:
    first, second = Backoff(0.5, 10.0, Random(1)), Backoff(0.5, 10.0, Random(2))
    assert [first.next_s() for _ in range(5)] != [second.next_s() for _ in range(5)]


@pytest.mark.parametrize(("first_s", "limit_s"), [(0, 1), (-1, 1), (2, 1)])
def test_a_range_that_does_not_rise_is_refused(first_s: float, limit_s: float) -> None:
    with pytest.raises(ValueError, match="rising"):
        Backoff(first_s, limit_s, Random(1))
