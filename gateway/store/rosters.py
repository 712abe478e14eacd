"""Rosters and activations in the gateway's database."""

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store.base import StoreError
from protocol.limits import DIGEST_BYTES
from protocol.roster import Person, PersonStatus, Point, Roster
from runtime.database import open_database


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person as imported; `phone` stays at the county."""

    digest: bytes = field(repr=False)
    name: str = field(repr=False)
    unit: str
    point: str
    post: str
    phone: str = field(repr=False)
    status: PersonStatus
    other_digests: tuple[bytes, ...] = field(default=(), repr=False)
    """Of tags and codes that stand in for the document."""


class RosterStore:
    """Versions of the roster, and the activations this gateway has run."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path, "gateway")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def version(self) -> int:
        """The newest version, 0 before the first import."""
        (version,) = self._db.execute("SELECT coalesce(max(version), 0) FROM roster").fetchone()
        return int(version)

    def add(self, rows: Sequence[RosterRow], issued_ms: int) -> int:
        """Store a new version; a card keeps the number it had. Returns the version.

        It is issued no earlier than the one before, whatever the clock says: terminals go by that.

        Raises `StoreError`; then there is no new version.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")  # first: two may import at once
            version = self._add(rows, issued_ms)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")  # fails too when there is nothing to undo
            raise StoreError(f"the roster cannot be stored: {error}") from error
        return version

    def load(self, points: Sequence[Point], version: int | None = None) -> Roster:
        """A version of the roster; None: the newest."""
        version = self.version() if version is None else version
        row = self._db.execute(
            "SELECT issued_ms FROM roster WHERE version = ?", (version,)
        ).fetchone()
        people = self._db.execute(
            "SELECT number, digest, name, unit, point, post, status, others FROM person"
            " WHERE version = ? ORDER BY number",
            (version,),
        )
        return Roster(
            version,
            row[0] if row else 0,
            points,
            [
                Person(number, digest, name, unit, point, post, PersonStatus(status), _cut(others))
                for number, digest, name, unit, point, post, status, others in people
            ],
        )

    def activation(self, definition: bytes, now_ms: int) -> tuple[int, int]:
        """(number, started_ms) of the running activation; another definition starts a new one.

        It starts no earlier than the one before, whatever the clock says: terminals go by that.
        """
        latest = "SELECT number, definition, started_ms FROM activation ORDER BY number DESC"
        row = self._db.execute(latest).fetchone()
        if row is None or row[1] != definition:
            self._db.execute(
                "INSERT INTO activation (definition, started_ms) VALUES (?, ?)",
                (definition, max(now_ms, row[2] if row else 0)),
            )
            row = self._db.execute(latest).fetchone()
        return int(row[0]), int(row[2])

    def running_activation(self, definition: bytes) -> tuple[int, int] | None:
        """(number, started_ms) of the latest activation; `None` if it is another, or there is none.

        Changes nothing.
        """
        row = self._db.execute(
            "SELECT number, started_ms, definition FROM activation ORDER BY number DESC"
        ).fetchone()
        return None if row is None or row[2] != definition else (int(row[0]), int(row[1]))

    def _add(self, rows: Sequence[RosterRow], issued_ms: int) -> int:
        version = self.version() + 1
        known: dict[bytes, int] = dict(
            self._db.execute("SELECT digest, max(number) FROM person GROUP BY digest").fetchall()
        )
        next_number = max(known.values(), default=0) + 1
        people = []
        for row in rows:
            number = known.get(row.digest)
            if number is None:
                number, next_number = next_number, next_number + 1
            texts = (row.name, row.unit, row.point, row.post, row.phone)
            others = b"".join(row.other_digests)
            people.append((version, number, row.digest, *texts, int(row.status), others))
        (latest_ms,) = self._db.execute("SELECT coalesce(max(issued_ms), 0) FROM roster").fetchone()
        self._db.execute("INSERT INTO roster VALUES (?, ?)", (version, max(latest_ms, issued_ms)))
        self._db.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", people)
        return version


def _cut(digests: bytes) -> tuple[bytes, ...]:
    return tuple(
        digests[start : start + DIGEST_BYTES] for start in range(0, len(digests), DIGEST_BYTES)
    )
