"""How long a modem was on the air within the last hour: booked on the disk before it is sent.

The law counts within any hour, across restarts too. So the ledger has a time of its own that never
runs ahead of the true one: within a boot it is the monotonic clock's, and a boot goes on where the
one before it stopped, as if no time had passed. No setting of a clock frees anything by itself.
Only when satellites or a time server vouched for the time of an old booking and vouch for the time
now, and the two are more than an hour apart, what was booked by then is forgotten: a drill last
month does not silence the first hour of a flood.
"""

import math
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.radios.law import HOUR_S, Budget
from runtime.clock import Clock, ClockSource, Reading
from runtime.database import open_database

LEDGER_FILE = "airtime.db"
"""Where a node has it, in the folder of its data."""
LATEST_S = 30.0
"""A frame given to a modem begins by then or never: what its driver waits for adds up to less."""
_OVER_S = 2 * LATEST_S  # by then it has ended, too
_VOUCHED: Final = (ClockSource.GNSS, ClockSource.NTP)


@dataclass(frozen=True, slots=True, eq=False)
class Booking:
    """Airtime of a frame that may be under way."""

    airtime_s: float
    booked_s: float
    """The ledger's time."""
    until_s: int
    """The ledger's time by which it has ended whatever happens."""
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Mark:
    """A moment of the ledger whose true time is known."""

    session: int
    ledger_s: float
    wall_ms: int
    error_ms: int

    @property
    def over_by_s(self) -> float:
        """What was booked until then in this session or an earlier one ended at most `_OVER_S`
        after the mark.
        """
        return self.ledger_s + _OVER_S

    def is_long_ago(self, now: Reading) -> bool:
        """Whether all that was over by then has left every window."""
        if now.source not in _VOUCHED:
            return False
        passed_ms = now.wall_ms - now.error_ms - self.wall_ms - self.error_ms
        return passed_ms >= (HOUR_S + _OVER_S) * 1000


class AirtimeLedger:
    """The airtime of one modem. `save` may run on another thread, everything else on one.

    Times given out are those of `clock.monotonic_s`, which is the event loop's.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._db, self._clock = connection, clock
        self._session, self._offset_s = self._resumed()
        mark = connection.execute(
            "SELECT session, ledger_s, wall_ms, error_ms FROM vouched"
        ).fetchone()
        self._mark = None if mark is None else _Mark(*mark)
        self._spent: dict[int, float] = {}
        self._before_mark: dict[int, float] = {}
        for session, until_s, airtime_s in connection.execute("SELECT * FROM spent"):
            part = self._before_mark if self._is_before_mark(session, until_s) else self._spent
            part[until_s] = part.get(until_s, 0.0) + airtime_s
        self._under_way: list[Booking] = []

    def book(self, airtime_s: float) -> Booking:
        """Count a frame that is about to be sent; `save` it before it is."""
        self._forget()
        now_s = self._now_s()
        until_s = math.ceil(now_s + LATEST_S + airtime_s)
        booking = Booking(airtime_s, now_s, until_s, self._clock.read())
        self._under_way.append(booking)
        return booking

    def save(self, booking: Booking) -> None:
        """Make a booking durable. Raises `sqlite3.Error`: then nothing may be sent."""
        reading, now_s = booking.reading, booking.booked_s
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            self._db.execute("DELETE FROM spent WHERE until_s <= ?", (now_s - HOUR_S,))
            if self._mark is not None and self._mark.is_long_ago(reading):
                self._db.execute(
                    "DELETE FROM spent WHERE session <= ? AND until_s <= ?",
                    (self._mark.session, self._mark.over_by_s),
                )
            self._db.execute(
                "INSERT INTO spent VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET airtime_s = airtime_s + excluded.airtime_s",
                (self._session, booking.until_s, booking.airtime_s),
            )
            self._db.execute(
                "INSERT OR REPLACE INTO last VALUES (1, ?, ?, ?, ?)",
                (self._session, now_s, reading.boot, now_s - self._offset_s),
            )
            if reading.source in _VOUCHED:
                self._db.execute(
                    "INSERT OR REPLACE INTO vouched VALUES (1, ?, ?, ?, ?)",
                    (self._session, now_s, reading.wall_ms, reading.error_ms),
                )

    def ended(self, booking: Booking, *, surely: bool) -> None:
        """The frame has left the air; not `surely`: it may still, until its time is over."""
        self._under_way.remove(booking)
        until_s = math.ceil(self._now_s()) if surely else booking.until_s
        self._spent[until_s] = self._spent.get(until_s, 0.0) + booking.airtime_s

    def spent_s(self, window_s: float = HOUR_S) -> float:
        """The airtime that counts within the window that ends now."""
        return sum(airtime_s for _, airtime_s in self._counted(window_s))

    def free_at_s(self, budget: Budget, airtime_s: float) -> float:
        """When a frame of that airtime may be sent, by `clock.monotonic_s`; never: infinity."""
        if airtime_s > budget.airtime_s:
            return math.inf
        counted = sorted(self._counted(budget.window_s))
        excess_s = sum(spent_s for _, spent_s in counted) + airtime_s - budget.airtime_s
        free_at_s = self._clock.monotonic_s()
        for until_s, spent_s in counted:
            if excess_s <= 0:
                break
            excess_s -= spent_s
            free_at_s = until_s + budget.window_s - self._offset_s
        return free_at_s

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _counted(self, window_s: float) -> list[tuple[int, float]]:
        """(until, airtime) of all that counts in the window that ends now."""
        if self._before_mark and self._mark and self._mark.is_long_ago(self._clock.read()):
            self._before_mark.clear()
        since_s = self._now_s() - window_s
        return [
            (until_s, airtime_s)
            for part in (self._spent, self._before_mark)
            for until_s, airtime_s in part.items()
            if until_s > since_s
        ] + [(booking.until_s, booking.airtime_s) for booking in self._under_way]

    def _forget(self) -> None:
        since_s = self._now_s() - HOUR_S
        for part in (self._spent, self._before_mark):
            for until_s in [until_s for until_s in part if until_s <= since_s]:
                del part[until_s]

    def _is_before_mark(self, session: int, until_s: int) -> bool:
        mark = self._mark
        return mark is not None and session <= mark.session and until_s <= mark.over_by_s

    def _now_s(self) -> float:
        return self._clock.monotonic_s() + self._offset_s

    def _resumed(self) -> tuple[int, float]:
        """The session, and what the ledger's time is ahead of the monotonic clock's."""
        now_s = self._clock.monotonic_s()
        last = self._db.execute("SELECT session, ledger_s, boot, monotonic_s FROM last").fetchone()
        if last is None:
            return 0, -now_s
        session, ledger_s, boot, monotonic_s = last
        if boot == self._clock.read().boot and monotonic_s <= now_s:
            return session, ledger_s - monotonic_s
        return session + 1, ledger_s - now_s


def open_ledger(path: Path, clock: Clock) -> AirtimeLedger:
    """Open or create the ledger of one modem. Raises `DatabaseError` for a damaged one."""
    return AirtimeLedger(open_database(path, __package__), clock)
