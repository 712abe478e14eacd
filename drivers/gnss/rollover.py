"""Puts right a date that an old receiver sends 1024 weeks too early (hw/gnss-nmea.md, 3)."""

from datetime import date, timedelta

ROLLOVER = timedelta(weeks=1024)  # the satellites' week number has ten bits
NEAR_BUILD = timedelta(days=365)


def correct_rollover(day: date, built: date | None) -> date:
    """Return `day` moved on by rollovers if that lands within a year of `built`, else `day` itself.

    A date that no whole number of rollovers explains is not ours to guess at. Without `built`
    nothing is moved.
    """
    if built is None:
        return day
    moved = day
    while moved < built - NEAR_BUILD:
        moved += ROLLOVER
    return moved if moved <= built + NEAR_BUILD else day
