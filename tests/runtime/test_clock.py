"""The clock: what it believes, and how far."""

import logging
from pathlib import Path

import pytest

from runtime.clock import (
    CEILING_MS,
    DRIFT_PPM,
    FLOOR_STEP_MS,
    RTC_ERROR_MS,
    UNKNOWN_ERROR_MS,
    ClockSource,
    SystemClock,
    TimeFloor,
)
from runtime.release import RELEASED

RELEASED_MS = int(RELEASED.timestamp() * 1000)
NOW_MS = RELEASED_MS + 30 * 86_400_000
HOUR_MS = 3_600_000


class Machine:
    """A fake machine whose clocks stand where the test puts them."""

    def __init__(self, folder: Path, wall_ms: int = NOW_MS) -> None:
        self.wall_ms, self.mono_ms = wall_ms, 5_000
        self.ntp_error_ms: int | None = None
        self.has_rtc = False
        self.floor = TimeFloor(folder / "floor")
        self.clock = SystemClock(
            self.floor,
            wall_ms=lambda: self.wall_ms,
            mono_ms=lambda: self.mono_ms,
            ntp_error_ms=lambda: self.ntp_error_ms,
            has_rtc=lambda: self.has_rtc,
        )

    def pass_ms(self, ms: int) -> None:
        self.wall_ms += ms
        self.mono_ms += ms


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_anything_the_time_is_unset(machine: Machine) -> None:
    reading = machine.clock.read()
    assert (reading.wall_ms, reading.mono_ms) == (NOW_MS, 5_000)
    assert (reading.source, reading.error_ms) == (ClockSource.UNSET, UNKNOWN_ERROR_MS)
    assert machine.clock.monotonic_s() == 5.0
    assert not machine.clock.is_behind_floor()


def test_ntp_goes_before_a_battery_clock(machine: Machine) -> None:
    machine.has_rtc = True
    assert machine.clock.read().source is ClockSource.RTC
    assert machine.clock.read().error_ms == RTC_ERROR_MS
    machine.ntp_error_ms = 12
    assert machine.clock.read().source is ClockSource.NTP
    assert machine.clock.read().error_ms == 12


def test_satellites_replace_the_clock_and_the_error_grows_with_drift(machine: Machine) -> None:
    machine.ntp_error_ms = 12
    assert machine.clock.discipline(NOW_MS + 700, machine.mono_ms, 20)
    assert machine.clock.read().source is ClockSource.GNSS
    assert (machine.clock.read().wall_ms, machine.clock.read().error_ms) == (NOW_MS + 700, 20)
    machine.pass_ms(HOUR_MS)
    reading = machine.clock.read()
    assert reading.wall_ms == NOW_MS + 700 + HOUR_MS
    assert reading.error_ms == 20 + HOUR_MS * DRIFT_PPM // 1_000_000


def test_a_step_of_the_machines_clock_leaves_satellite_time_alone(machine: Machine) -> None:
    machine.clock.discipline(NOW_MS, machine.mono_ms, 20)
    machine.wall_ms += HOUR_MS
    assert machine.clock.read().wall_ms == NOW_MS


@pytest.mark.parametrize("utc_ms", [RELEASED_MS - FLOOR_STEP_MS - 1, 0, CEILING_MS + 1, 2**62])
def test_satellites_of_another_age_are_refused(machine: Machine, utc_ms: int) -> None:
    """Before the floor: a receiver's week rollover. Beyond the ceiling: a spoofer or a fault."""
    assert not machine.clock.discipline(utc_ms, machine.mono_ms, 20)
    assert machine.clock.read().source is ClockSource.UNSET
    assert machine.clock.floor_ms == RELEASED_MS


def test_a_clock_behind_the_floor_runs_from_the_floor(tmp_path: Path) -> None:
    (tmp_path / "floor").write_text(str(NOW_MS))
    machine = Machine(tmp_path, wall_ms=1_000)
    machine.has_rtc = True
    assert machine.clock.is_behind_floor()
    machine.pass_ms(HOUR_MS)
    reading = machine.clock.read()
    assert (reading.wall_ms, reading.source) == (NOW_MS + HOUR_MS, ClockSource.UNSET)
    assert reading.error_ms == UNKNOWN_ERROR_MS


def test_a_floor_raised_later_counts_from_then_on(tmp_path: Path) -> None:
    machine = Machine(tmp_path, wall_ms=1_000)
    machine.pass_ms(10 * HOUR_MS)
    machine.clock.raise_floor(NOW_MS)
    assert machine.clock.read().wall_ms == NOW_MS
    machine.pass_ms(HOUR_MS)
    assert machine.clock.read().wall_ms == NOW_MS + HOUR_MS


def test_jumps_are_counted_and_slewing_is_not(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        machine.pass_ms(1_000)
        machine.wall_ms += 500
        machine.clock.read()
    assert machine.clock.jumps == 0
    machine.wall_ms -= HOUR_MS
    machine.clock.read()
    machine.clock.read()
    assert machine.clock.jumps == 1
    assert "jumped by -3600000 ms" in caplog.text


def test_the_floor_survives_and_never_falls(tmp_path: Path) -> None:
    floor = TimeFloor(tmp_path / "floor")
    assert floor.raise_to(NOW_MS)
    assert not floor.raise_to(NOW_MS - HOUR_MS)
    assert not floor.raise_to(NOW_MS + FLOOR_STEP_MS - 1)
    assert TimeFloor(tmp_path / "floor").at_ms == NOW_MS


def test_an_old_floor_gives_way_to_the_release_date(tmp_path: Path) -> None:
    (tmp_path / "floor").write_text("1000")
    assert TimeFloor(tmp_path / "floor").at_ms == RELEASED_MS


@pytest.mark.parametrize("content", [b"", b"soon", b"\xff\xfe", b"12 34", b"9" * 30, b"9" * 5000])
def test_a_damaged_floor_file_is_ignored(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "floor").write_bytes(content)
    assert TimeFloor(tmp_path / "floor").at_ms == RELEASED_MS
    assert "unusable" in caplog.text


def test_a_floor_that_cannot_be_saved_does_not_stop_the_clock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine(tmp_path / "missing")
    with caplog.at_level(logging.WARNING):
        assert machine.clock.discipline(NOW_MS, machine.mono_ms, 20)
    assert machine.clock.floor_ms == NOW_MS
    assert "not saved" in caplog.text


def test_the_real_machine_has_a_time(tmp_path: Path) -> None:
    clock = SystemClock(TimeFloor(tmp_path / "floor"))
    first, second = clock.read(), clock.read()
    assert 0 <= second.mono_ms - first.mono_ms < 60_000
    assert first.boot == second.boot
    assert 0 <= first.error_ms <= UNKNOWN_ERROR_MS
