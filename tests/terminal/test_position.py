"""Where the terminal is: the last good fix while it is fresh, and its word on the time."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.gnss.base import Fix, FixQuality, NoFix, NoFixReason
from runtime.clock import ClockSource, SystemClock, TimeFloor
from runtime.release import RELEASED
from terminal.position import NMEA_TIME_ERROR_MS, STALE_AFTER_S, Position

NOW = RELEASED + timedelta(days=30)
NOW_MS = int(NOW.timestamp() * 1000)


class Rig:
    def __init__(self, folder: Path) -> None:
        self.mono_ms = 1_000_000
        self.clock = SystemClock(
            TimeFloor(folder / "floor"),
            wall_ms=lambda: 0,
            mono_ms=lambda: self.mono_ms,
            ntp_error_ms=lambda: None,
            has_rtc=lambda: False,
        )
        self.clock.raise_floor(NOW_MS - 10**9)
        self.position = Position(self.clock)

    def fix(self, utc: datetime | None = NOW, latitude_deg: float = 30.0512345) -> Fix:
        return Fix(
            utc, latitude_deg, -103.5, None, 8, 1.0, FixQuality.SPS, True, 0.0, self.mono_ms / 1000
        )


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_nothing_is_known_at_first(rig: Rig) -> None:
    assert rig.position.microdegrees() is None


def test_a_fix_gives_place_and_time(rig: Rig) -> None:
    rig.position.take(rig.fix())
    assert rig.position.microdegrees() == (30_051_234, -103_500_000)
    reading = rig.clock.read()
    assert (reading.wall_ms, reading.source) == (NOW_MS, ClockSource.GNSS)
    assert reading.error_ms == NMEA_TIME_ERROR_MS


def test_the_place_goes_stale_and_the_time_runs_on(rig: Rig) -> None:
    rig.position.take(rig.fix())
    rig.mono_ms += int(STALE_AFTER_S * 1000)
    assert rig.position.microdegrees() is not None
    rig.mono_ms += 1
    assert rig.position.microdegrees() is None
    assert rig.clock.read().wall_ms == NOW_MS + int(STALE_AFTER_S * 1000) + 1


def test_a_second_without_a_fix_takes_nothing_away(rig: Rig) -> None:
    rig.position.take(rig.fix())
    rig.position.take(NoFix(NoFixReason.HDOP, rig.mono_ms / 1000))
    assert rig.position.microdegrees() is not None


def test_a_fix_without_a_date_says_nothing_about_time(rig: Rig) -> None:
    rig.position.take(rig.fix(utc=None))
    assert rig.position.microdegrees() is not None
    assert rig.clock.read().source is ClockSource.UNSET


def test_a_time_before_one_that_was_reached_is_refused(rig: Rig) -> None:
    rig.position.take(rig.fix(utc=NOW - timedelta(weeks=1024)))
    assert rig.clock.read().source is ClockSource.UNSET
