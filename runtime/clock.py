"""Time: monotonic for intervals, wall for records, and how far the wall clock is to be believed.

A Pi without a battery clock wakes up in the past. A persisted floor (the latest time that was
certainly reached) bounds how wrong it can be; a satellite fix replaces the system clock altogether.
"""

import ctypes
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from runtime.files import write_atomic
from runtime.release import RELEASED, SERVICE_LIFE

log = logging.getLogger(__name__)

UNKNOWN_ERROR_MS = 2**32 - 1
DRIFT_PPM = 50  # a Pi's crystal over its temperature range; hw/gnss-nmea.md
JUMP_MS = 2000  # a step larger than this is an event, not slewing
FLOOR_STEP_MS = 60_000  # how far the floor must rise to be worth a write to the card
RTC_ERROR_MS = 5_000  # a DS3231 drifts at most 2 ppm: five seconds in a month
_RELEASED_MS = int(RELEASED.timestamp() * 1000)
CEILING_MS = int((RELEASED + SERVICE_LIFE).timestamp() * 1000)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_RTC = Path("/sys/class/rtc/rtc0")


class _NtpTime(ctypes.Structure):
    """`struct ntptimeval` of ntp_gettime(3)."""

    _fields_ = (
        ("seconds", ctypes.c_long),
        ("microseconds", ctypes.c_long),
        ("maxerror_us", ctypes.c_long),
        ("esterror_us", ctypes.c_long),
        ("tai", ctypes.c_long),
        ("reserved", ctypes.c_long * 4),
    )


_TIME_ERROR = 5  # <sys/timex.h>: the clock is not synchronised
_libc = ctypes.CDLL(None)


def _ntp_error_ms() -> int | None:
    """The kernel's bound on the clock error, or `None` while it is not synchronised."""
    now = _NtpTime()
    if _libc.ntp_gettime(ctypes.byref(now)) in {-1, _TIME_ERROR}:
        return None
    return int(now.maxerror_us) // 1000


def _boot_number() -> int:
    try:
        return int(_BOOT_ID.read_text()[:8], 16)
    except FileNotFoundError:  # not Linux: one process is one boot
        return time.monotonic_ns() & 0xFFFFFFFF


class ClockSource(IntEnum):
    """What backs the wall-clock time."""

    UNSET = 0
    RTC = 1
    NTP = 2
    GNSS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock."""

    wall_ms: int
    mono_ms: int
    boot: int
    source: ClockSource
    error_ms: int


class Clock(Protocol):
    """Where time comes from; tests pass their own."""

    def monotonic_s(self) -> float:
        """Seconds of a clock that never jumps."""

    def read(self) -> Reading:
        """The time now, with its source and error bound."""


class TimeFloor:
    """The latest time that has certainly been reached; survives power cuts, never falls.

    Nothing lifts it beyond the ceiling: one absurd time believed once would never be undone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.at_ms = max(_RELEASED_MS, self._load())

    def raise_to(self, at_ms: int) -> bool:
        """Note that `at_ms` is past; done, and written, only when it is worth the wear."""
        if not self.at_ms + FLOOR_STEP_MS <= at_ms <= CEILING_MS:
            return False
        self.at_ms = at_ms
        try:
            write_atomic(self._path, str(at_ms).encode())
        except OSError as error:  # a full disk must not stop the clock; the next minute tries again
            log.warning("time floor not saved: %s", error.strerror)
        return True

    def _load(self) -> int:
        try:
            at_ms = int(self._path.read_bytes())
        except FileNotFoundError:
            return 0
        except ValueError:
            at_ms = CEILING_MS + 1
        if at_ms > CEILING_MS:
            log.warning("time floor file is unusable; starting again from the release date")
            return 0
        return at_ms


@dataclass(frozen=True, slots=True)
class _Reference:
    wall_ms: int
    mono_ms: int
    error_ms: int


class SystemClock:
    """The machine's clock, corrected by the floor and by satellites."""

    def __init__(
        self,
        floor: TimeFloor,
        *,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        mono_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
        ntp_error_ms: Callable[[], int | None] = _ntp_error_ms,
        has_rtc: Callable[[], bool] = _RTC.exists,
    ) -> None:
        self._floor = floor
        self._wall_ms, self._mono_ms = wall_ms, mono_ms
        self._ntp_error_ms, self._has_rtc = ntp_error_ms, has_rtc
        self._boot = _boot_number()
        self._floor_mono_ms = mono_ms()  # when the floor was last known to be the time
        self._offset_ms = wall_ms() - self._floor_mono_ms
        self._reference: _Reference | None = None
        self.jumps = 0

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        return self._mono_ms() / 1000

    def read(self) -> Reading:
        """See `Clock.read`."""
        mono, wall = self._mono_ms(), self._wall_ms()
        self._watch_for_jump(wall - mono)
        if self._reference is not None:
            age = mono - self._reference.mono_ms
            error = self._reference.error_ms + age * DRIFT_PPM // 1_000_000
            at = self._reference.wall_ms + age
            return Reading(at, mono, self._boot, ClockSource.GNSS, error)
        if wall < self._floor.at_ms:
            at = self._floor.at_ms + mono - self._floor_mono_ms
            return Reading(at, mono, self._boot, ClockSource.UNSET, UNKNOWN_ERROR_MS)
        ntp_error_ms = self._ntp_error_ms()
        if ntp_error_ms is not None:
            return Reading(wall, mono, self._boot, ClockSource.NTP, ntp_error_ms)
        if self._has_rtc():
            return Reading(wall, mono, self._boot, ClockSource.RTC, RTC_ERROR_MS)
        return Reading(wall, mono, self._boot, ClockSource.UNSET, UNKNOWN_ERROR_MS)

    def discipline(self, utc_ms: int, received_mono_ms: int, error_ms: int) -> bool:
        """Take a satellite time as the truth.

        Refused (False) if it lies before the floor or beyond the ceiling.
        """
        earliest_ms, latest_ms = self.possible_ms
        if not earliest_ms <= utc_ms <= latest_ms:
            return False
        self._reference = _Reference(utc_ms, received_mono_ms, error_ms)
        self.raise_floor(utc_ms)
        return True

    def is_behind_floor(self) -> bool:
        """Whether the machine's own clock is certainly wrong."""
        return self._wall_ms() < self._floor.at_ms

    @property
    def possible_ms(self) -> tuple[int, int]:
        """What the time lies between, whatever anybody says."""
        return self._floor.at_ms - FLOOR_STEP_MS, CEILING_MS

    @property
    def floor_ms(self) -> int:
        """The latest time that has certainly been reached."""
        return self._floor.at_ms

    def raise_floor(self, at_ms: int) -> None:
        """Note a time vouched for by somebody else, such as a gateway's signature."""
        if self._floor.raise_to(at_ms):
            self._floor_mono_ms = self._mono_ms()

    def _watch_for_jump(self, offset_ms: int) -> None:
        if abs(offset_ms - self._offset_ms) > JUMP_MS:
            self.jumps += 1
            log.warning("system clock jumped by %d ms", offset_ms - self._offset_ms)
        self._offset_ms = offset_ms
