"""The steps of a falling battery."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.power.gauge import Charge
from drivers.power.ladder import (
    CONFIRMED_BY,
    OFF_PERCENT,
    RISE_PERCENT,
    SAVE_PERCENT,
    WARN_PERCENT,
    Ladder,
    Step,
)


def charge(percent: float, *, mains: bool | None = False) -> Charge:
    return Charge(percent, None, None, mains, "test")


def take(ladder: Ladder, *charges: Charge) -> Step:
    for each in charges:
        ladder.take(each)
    return ladder.step


def steady(percent: float, *, mains: bool | None = False) -> list[Charge]:
    return [charge(percent, mains=mains)] * CONFIRMED_BY


@pytest.mark.parametrize(
    ("percent", "step"),
    [
        (100, Step.NORMAL),
        (WARN_PERCENT, Step.NORMAL),
        (19.9, Step.WARN),
        (SAVE_PERCENT, Step.WARN),
        (9.9, Step.SAVE),
        (OFF_PERCENT, Step.SAVE),
        (4.9, Step.OFF),
        (0, Step.OFF),
    ],
)
def test_each_level_has_its_step(percent: float, step: Step) -> None:
    assert take(Ladder(), *steady(percent)) is step


@given(st.floats(0, 100), st.floats(0, 100))
def test_no_single_reading_takes_a_step(percent: float, other: float) -> None:
    ladder = Ladder()
    take(ladder, *steady(90))
    for _ in range(20):
        take(ladder, charge(percent), charge(percent), charge(90))
        assert ladder.step is Step.NORMAL
    take(ladder, charge(other))
    assert ladder.step is Step.NORMAL


def test_a_discharge_goes_down_the_ladder_step_by_step() -> None:
    ladder = Ladder()
    seen = [take(ladder, charge(tenths / 10)) for tenths in range(1000, -1, -1)]
    assert [step for step, _ in itertools.groupby(seen)] == list(Step)


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([None, False])), min_size=1))
def test_on_mains_nothing_is_saved_whatever_was_before(
    before: list[tuple[float, bool | None]],
) -> None:
    ladder = Ladder()
    take(ladder, *(charge(percent, mains=mains) for percent, mains in before))
    assert take(ladder, charge(0, mains=True)) is Step.NORMAL


def test_an_empty_battery_does_not_end_the_terminal_that_came_back_with_the_power() -> None:
    """Nobody knows of mains, the battery charges from 2 %: stay on."""
    ladder = Ladder()
    for percent in (2, 2, 2, 2.5, 3, 3.5, 4):
        assert take(ladder, charge(percent, mains=None)) is not Step.OFF


def test_without_knowing_of_mains_a_fall_ends_it() -> None:
    ladder = Ladder()
    assert take(ladder, *steady(6, mains=None)) is Step.SAVE
    assert take(ladder, *steady(4.5, mains=None)) is Step.OFF


def test_a_level_at_the_edge_does_not_flutter() -> None:
    ladder = Ladder()
    take(ladder, *steady(WARN_PERCENT - 0.5))
    for _ in range(20):
        take(ladder, *steady(WARN_PERCENT + RISE_PERCENT - 0.5))
        assert ladder.step is Step.WARN
    assert take(ladder, charge(WARN_PERCENT + RISE_PERCENT + 0.5)) is Step.NORMAL


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_off_is_only_ever_asked_below_its_level(levels: list[float]) -> None:
    ladder = Ladder()
    for percent in levels:
        if take(ladder, charge(percent)) is Step.OFF:
            assert percent < OFF_PERCENT + RISE_PERCENT
