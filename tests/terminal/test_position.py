"""Where the terminal is: the last good fix while it is trusted, and its word on the time."""

import socket
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.gnss.base import Fix, FixQuality, NoFix, NoFixReason
from drivers.gnss.chrony import SAMPLE
from drivers.gnss.rules import Rule
from drivers.gnss.trust import HOLD_S, STALE_AFTER_S, Trust
from runtime.clock import ClockSource, SystemClock, TimeFloor
from runtime.release import RELEASED
from terminal.position import NMEA_TIME_ERROR_MS, Position
from terminal.settings import GnssSettings

NOW = RELEASED + timedelta(days=30)
NOW_MS = int(NOW.timestamp() * 1000)


class Rig:
    def __init__(self, folder: Path, settings: GnssSettings | None = None) -> None:
        self.mono_ms = 1_000_000
        self.clock = SystemClock(
            TimeFloor(folder / "floor"),
            wall_ms=lambda: 0,
            mono_ms=lambda: self.mono_ms,
            ntp_error_ms=lambda: None,
            has_rtc=lambda: False,
        )
        self.clock.raise_floor(NOW_MS - 10**9)
        self.position = Position(self.clock, settings)

    def fix(self, utc: datetime | None = NOW, latitude_deg: float = 30.0512345) -> Fix:
        return Fix(
            utc, latitude_deg, -103.5, None, 8, 1.0, FixQuality.SPS, True, 0.0, self.mono_ms / 1000
        )


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_nothing_is_known_at_first(rig: Rig) -> None:
    assert rig.position.microdegrees() is None
    assert rig.position.quality.position is Trust.UNKNOWN


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
    assert rig.position.quality.position is Trust.STALE
    assert rig.position.last_good is not None
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
    assert rig.position.quality.rules == (Rule.TIME_PAST,)
    assert rig.position.microdegrees() is not None  # an old receiver's place is none the worse


def jump(rig: Rig, seconds: int, latitude_deg: float) -> None:
    """A position each second, from now on."""
    for _ in range(seconds):
        rig.mono_ms += 1000
        utc = NOW + timedelta(milliseconds=rig.mono_ms - 1_000_000)
        rig.position.take(rig.fix(utc, latitude_deg))


def test_a_suspect_position_replaces_nothing_and_sets_no_clock(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.position.take(rig.fix())
    disciplined = rig.clock.read().error_ms
    jump(rig, 20, latitude_deg=31.5)
    quality = rig.position.quality
    assert (quality.position, quality.time) == (Trust.SUSPECT, Trust.SUSPECT)
    assert quality.rules == (Rule.SPEED,)
    assert rig.position.microdegrees() is None
    assert rig.position.last_good is not None
    assert rig.position.last_good.latitude_deg == 30.0512345
    assert rig.clock.read().error_ms == disciplined + 20 * 1000 * 50 // 1_000_000  # it only drifts
    (line,) = [record for record in caplog.records if record.name == "terminal.position"]
    assert line.message == f"satellite receiver suspect: {Rule.SPEED.value}"
    assert "31.5" not in caplog.text


def test_it_is_said_when_all_is_quiet_again(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    rig.position.take(rig.fix())
    jump(rig, 1, latitude_deg=31.5)
    jump(rig, int(HOLD_S), latitude_deg=30.0512345)
    assert rig.position.quality.position is Trust.TRUSTED
    assert [line.levelname for line in caplog.records] == ["WARNING", "INFO"]


def test_settings_reach_the_rules(tmp_path: Path) -> None:
    settings = GnssSettings(kind="nmea", port="serial:///dev/x", fixed_site=(30.0, -103.5))
    fixed = Rig(tmp_path, settings)
    fixed.position.take(fixed.fix())
    assert fixed.position.quality.rules == (Rule.SITE,)
    settings = GnssSettings(kind="nmea", port="serial:///dev/x", max_speed_mps=1.0)
    slow = Rig(tmp_path, settings)
    slow.position.take(slow.fix())
    jump(slow, 1, latitude_deg=30.0517)
    assert slow.position.quality.rules == (Rule.SPEED,)


def test_chrony_is_given_trusted_time_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "chrony.sock"
    settings = GnssSettings(kind="nmea", port="serial:///dev/x", chrony_socket=path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as chrony:
        chrony.bind(str(path))
        chrony.settimeout(0.0)
        rig = Rig(tmp_path, settings)
        rig.position.take(rig.fix())
        seconds, microseconds, offset_s, *_ = SAMPLE.unpack(chrony.recv(100))
        assert seconds + microseconds / 1e6 + offset_s == pytest.approx(NOW.timestamp(), abs=1e-3)
        jump(rig, 5, latitude_deg=31.5)
        with pytest.raises(BlockingIOError):
            chrony.recv(100)
        rig.position.close()
