"""Notices, ended activations and issued bulletins in the gateway's database."""

import contextlib
import sqlite3
from pathlib import Path

from gateway.store.base import StoreError
from protocol.bulletin import MAX_NOTICES, Notice
from runtime.database import open_database

_LATEST = "SELECT number, issued_ms, content FROM bulletin ORDER BY number DESC LIMIT 1"


class BulletinStore:
    """What the county has to say to everybody. Others write while a gateway reads."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path, "gateway")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def notices(self) -> tuple[Notice, ...]:
        """The latest ones, newest first, as many as a bulletin holds."""
        rows = self._db.execute(
            "SELECT at_ms, text FROM notice ORDER BY id DESC LIMIT ?", (MAX_NOTICES,)
        )
        return tuple(Notice(at_ms, text) for at_ms, text in rows)

    def add_notice(self, notice: Notice) -> None:
        """Keep a notice; a running gateway sends it out. Raises `StoreError`."""
        try:
            self._db.execute(
                "INSERT INTO notice (at_ms, text) VALUES (?, ?)", (notice.at_ms, notice.text)
            )
        except sqlite3.Error as error:
            raise StoreError(f"the notice cannot be stored: {error}") from error

    def end_activation(self, now_ms: int) -> int | None:
        """End the running activation; returns its number, None if there is none that runs.

        Raises `StoreError`.
        """
        try:
            row = self._db.execute(
                "UPDATE activation SET ended_ms = max(?, started_ms)"
                " WHERE number = (SELECT max(number) FROM activation) AND ended_ms = 0"
                " RETURNING number",
                (now_ms,),
            ).fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"the end of the muster cannot be stored: {error}") from error
        return int(row[0]) if row else None

    def ended_ms(self, activation: int) -> int:
        """When an activation was ended, 0 while it runs."""
        row = self._db.execute(
            "SELECT ended_ms FROM activation WHERE number = ?", (activation,)
        ).fetchone()
        return int(row[0]) if row else 0

    def issue(self, content: bytes, now_ms: int) -> tuple[int, int]:
        """(number, issued_ms) of the bulletin that says this: the latest one or a new one.

        It is issued no earlier than the one before, whatever the clock says: terminals go by that.
        Raises `StoreError`.
        """
        latest = self._db.execute(_LATEST).fetchone()
        if latest is not None and latest[2] == content:
            return int(latest[0]), int(latest[1])
        issued_ms = max(now_ms, latest[1] if latest else 0)
        with contextlib.closing(self._db.cursor()) as cursor:
            try:
                cursor.execute(
                    "INSERT INTO bulletin (issued_ms, content) VALUES (?, ?)", (issued_ms, content)
                )
            except sqlite3.Error as error:
                raise StoreError(f"the bulletin cannot be stored: {error}") from error
            number = cursor.lastrowid
        return number or 0, issued_ms
