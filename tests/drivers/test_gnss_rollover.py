"""Dates that an old receiver sends 1024 weeks too early."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gnss.rollover import NEAR_BUILD, ROLLOVER, correct_rollover

BUILT = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("said", "true"),
    [
        (date(2007, 4, 9), date(2026, 11, 23)),  # one rollover
        (date(1987, 8, 24), date(2026, 11, 23)),  # two
        (date(2008, 4, 8), date(2027, 11, 23)),  # a year after the build: the last day
        (date(2008, 4, 9), date(2008, 4, 9)),  # a day later nobody can know
        (date(2006, 4, 9), date(2025, 11, 23)),  # a year before it: the first day
        (date(2006, 4, 8), date(2006, 4, 8)),
        (date(2026, 11, 23), date(2026, 11, 23)),
        (date(2025, 11, 23), date(2025, 11, 23)),
        (date(2045, 1, 1), date(2045, 1, 1)),
        (date(1, 1, 1), date(1, 1, 1)),
    ],
)
def test_table(said: date, true: date) -> None:
    assert correct_rollover(said, BUILT) == true


@given(st.dates(date(1980, 1, 6)))
def test_a_date_is_moved_by_whole_rollovers_into_the_year_around_the_build_or_not_at_all(
    said: date,
) -> None:
    moved = correct_rollover(said, BUILT)
    if moved != said:
        assert (moved - said) % ROLLOVER == timedelta()
        assert abs(moved - BUILT) <= NEAR_BUILD


@given(st.dates())
def test_without_a_build_day_nothing_is_moved(said: date) -> None:
    assert correct_rollover(said, None) == said
