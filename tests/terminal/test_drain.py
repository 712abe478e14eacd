"""How long the rest takes, by what the county received in the last minutes."""

import pytest

from terminal.drain import WINDOW_S, Drain


def test_nothing_is_said_before_anything_was_received() -> None:
    drain = Drain()
    assert drain.left_s(0.0, 5) is None
    drain.take(0.0, 40)
    assert drain.left_s(60.0, 5) is None


def test_the_rest_goes_as_fast_as_what_went() -> None:
    drain = Drain()
    drain.take(0.0, 40)
    drain.take(30.0, 50)
    drain.take(60.0, 60)
    assert drain.left_s(60.0, 100) == pytest.approx(300.0)
    assert drain.left_s(60.0, 0) == 0.0


def test_what_was_received_long_ago_says_nothing() -> None:
    drain = Drain()
    drain.take(0.0, 0)
    drain.take(10.0, 1000)
    for at_s in range(20, int(WINDOW_S) + 100, 10):
        drain.take(float(at_s), 1000)
    assert drain.left_s(WINDOW_S + 90, 5) is None


def test_silence_makes_it_longer() -> None:
    drain = Drain()
    drain.take(0.0, 0)
    drain.take(10.0, 10)
    soon, later = drain.left_s(10.0, 10), drain.left_s(100.0, 10)
    assert soon is not None
    assert later is not None
    assert soon < later


def test_another_link_begins_anew() -> None:
    drain = Drain()
    drain.take(0.0, 0)
    drain.take(1.0, 900)
    drain.forget()
    drain.take(2.0, 900)
    assert drain.left_s(3.0, 9) is None
