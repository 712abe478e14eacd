"""Debounce, hold and tamper logic: pure, in virtual time, under every kind of bouncing."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.panel.board import Button
from drivers.panel.buttons import HOLD_S, SETTLE_S, press
from drivers.panel.debounce import ContactLogic, Debouncer, Press
from drivers.panel.tamper import OPENS_AFTER_S, SHUTS_AFTER_S, loop

Change = tuple[float, bool]  # at this time the raw level becomes this
bounces = st.lists(st.floats(0.0005, SETTLE_S * 0.9), max_size=8)
gaps = st.floats(SETTLE_S * 1.5, 5)


def play(logic: ContactLogic, changes: Sequence[Change], *, until_s: float) -> list[float]:
    """When something happened, each timer being kept."""
    happened = []
    for at_s, is_closed in [*changes, (until_s, None)]:
        while (due_s := logic.due_s) is not None and due_s < at_s:
            if logic.poll(due_s):
                happened.append(due_s)
        if is_closed is not None and logic.feed(is_closed, at_s):
            happened.append(at_s)
    return happened


def bouncing(at_s: float, is_closed: bool, gaps_s: list[float]) -> tuple[list[Change], float]:
    """A contact that comes to rest at the level, and when it does."""
    changes = [(at_s, is_closed)]
    for gap_s in gaps_s[: len(gaps_s) // 2 * 2]:
        at_s += gap_s
        changes.append((at_s, not changes[-1][1]))
    return changes, at_s


@given(st.lists(st.tuples(bounces, gaps, bounces, gaps), max_size=5))
def test_every_press_acts_once_however_it_bounces(
    presses: list[tuple[list[float], float, list[float], float]],
) -> None:
    changes: list[Change] = []
    now_s = 0.0
    expected = []
    for closing, down_s, opening, up_s in presses:
        more, rest_s = bouncing(now_s, True, closing)
        changes += more
        expected.append(rest_s + SETTLE_S)
        more, rest_s = bouncing(rest_s + down_s, False, opening)
        changes += more
        now_s = rest_s + up_s
    acted = play(press(Button.CONFIRM, False), changes, until_s=now_s + 10)
    assert acted == pytest.approx(expected)


@given(bounces, st.floats(0.05, 3))
def test_a_held_button_acts_while_it_is_down_and_not_before(
    closing: list[float], down_s: float
) -> None:
    changes, rest_s = bouncing(0.0, True, closing)
    changes.append((rest_s + SETTLE_S + down_s, False))
    acted = play(press(Button.UNDO, False), changes, until_s=20)
    if down_s > HOLD_S:
        assert acted == pytest.approx([rest_s + SETTLE_S + HOLD_S])
    elif down_s < HOLD_S - SETTLE_S:
        assert acted == []


@given(st.lists(st.floats(0.001, SETTLE_S * 0.9), min_size=1, max_size=50))
def test_noise_shorter_than_settling_is_nothing(gaps_s: list[float]) -> None:
    changes, rest_s = bouncing(0.0, True, gaps_s)
    changes.append((rest_s + SETTLE_S * 0.5, False))
    for button in Button:
        assert play(press(button, False), changes, until_s=10) == []


@pytest.mark.parametrize("button", Button)
def test_a_button_that_is_down_at_the_start_acts_only_after_it_was_up(button: Button) -> None:
    logic = press(button, True)
    assert play(logic, [(5.0, False), (6.0, True)], until_s=9) == [
        pytest.approx(6 + SETTLE_S + (0 if button is Button.CONFIRM else HOLD_S))
    ]


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=20), st.lists(st.floats(0, 70)))
def test_asking_more_often_changes_nothing(steps: list[Change], asked_s: list[float]) -> None:
    changes, now_s = [], 0.0
    for gap_s, is_closed in steps:
        now_s += gap_s
        changes.append((now_s, is_closed))
    for make in (lambda: Press(False, settle_s=0.02, hold_s=1.0), lambda: loop(True)):
        plain = play(make(), changes, until_s=100)
        logic, happened, times = make(), [], sorted(asked_s)
        for at_s, level in [*changes, (100.0, None)]:
            while True:
                due_s = logic.due_s
                nearest = min([*times[:1], *([] if due_s is None else [due_s])], default=at_s)
                if nearest >= at_s:
                    break
                if times[:1] == [nearest]:
                    times.pop(0)
                if logic.poll(nearest):
                    happened.append(nearest)
            if level is not None and logic.feed(level, at_s):
                happened.append(at_s)
        assert happened == plain


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=20))
def test_late_timers_lose_no_press(steps: list[Change]) -> None:
    """A busy loop polls late; what happened before the next edge still counts."""
    changes, now_s = [], 0.0
    for gap_s, is_closed in steps:
        now_s += gap_s
        changes.append((now_s, is_closed))
    in_time = play(press(Button.CONFIRM, False), changes, until_s=100)
    late = press(Button.CONFIRM, False)
    count = sum(late.feed(is_closed, at_s) for at_s, is_closed in changes) + late.poll(100)
    assert count == len(in_time)


def test_a_loop_that_opens_is_told_at_once_and_shutting_must_last() -> None:
    logic = loop(True)
    assert play(logic, [(10.0, False)], until_s=20) == [pytest.approx(10 + OPENS_AFTER_S)]
    assert not logic.is_closed
    wiggle = [(20 + i, i % 2 == 0) for i in range(7)]
    assert play(logic, wiggle, until_s=40) == [pytest.approx(26 + SHUTS_AFTER_S)]
    assert logic.is_closed


def test_a_lid_that_is_lifted_for_a_moment_is_told() -> None:
    logic = loop(True)
    happened = play(logic, [(1.0, False), (1.0 + 2 * OPENS_AFTER_S, True)], until_s=10)
    assert happened == pytest.approx([1 + OPENS_AFTER_S, 1 + 2 * OPENS_AFTER_S + SHUTS_AFTER_S])


def test_an_open_loop_at_the_start_is_open() -> None:
    logic = loop(False)
    assert logic.is_closed is False
    assert logic.due_s is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30))
def test_a_debouncer_ends_at_the_level_that_lasts(steps: list[Change]) -> None:
    logic = Debouncer(False, closing_s=0.1, opening_s=0.3)
    now_s = 0.0
    for gap_s, is_closed in steps:
        now_s += gap_s
        logic.feed(is_closed, now_s)
    logic.poll(now_s + 1)
    assert logic.is_closed == (steps[-1][1] if steps else False)
