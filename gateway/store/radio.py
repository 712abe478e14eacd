"""The radio's part of the gateway's database: windows and keys of others, counters of its own."""

import secrets
import sqlite3
from pathlib import Path

import msgspec

from gateway.store.base import KeyRow, RadioState, StoreError, WindowRow
from protocol.envelope import WrappedKey
from protocol.ids import MAX_EPOCH
from protocol.radio_keys import Direction
from protocol.replay import WINDOW, ReplayWindow
from runtime.database import open_database

COUNTERS_PER_BLOCK = 256  # one commit for so many frames; a restart skips as many at most
KEPT_KEYS = 4096  # a terminal uses a few a day, and only what is sealed goes by them
_TAKEN_BYTES = WINDOW // 8


class RadioStore:
    """The gateway's own epoch and counters. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path, "gateway")
        self._db.execute(
            "INSERT OR IGNORE INTO radio_sender (id, epoch, next_counter) VALUES (1, ?, 0)",
            (secrets.randbelow(MAX_EPOCH) + 1,),
        )
        (self.epoch,) = self._db.execute("SELECT epoch FROM radio_sender").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def reserve(self) -> range:
        """The next block of counters; returns once that is on the disk. Raises `StoreError`."""
        try:
            (after,) = self._db.execute(
                "UPDATE radio_sender SET next_counter = next_counter + ? RETURNING next_counter",
                (COUNTERS_PER_BLOCK,),
            ).fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"radio counters cannot be reserved: {error}") from error
        return range(after - COUNTERS_PER_BLOCK, after)


def load_radio_state(connection: sqlite3.Connection) -> RadioState:
    """See `LedgerStore.radio_state`."""
    windows = connection.execute(
        "SELECT node, epoch, direction, highest, taken FROM radio_window ORDER BY heard_ms"
    )
    keys = connection.execute("SELECT node, epoch, key FROM radio_key ORDER BY id")
    return RadioState(
        [
            WindowRow(
                node,
                epoch,
                Direction(direction),
                ReplayWindow(highest, int.from_bytes(taken, "big")),
            )
            for node, epoch, direction, highest, taken in windows
        ],
        [
            KeyRow(node, epoch, msgspec.msgpack.decode(key, type=WrappedKey))
            for node, epoch, key in keys
        ],
    )


def put_radio_state(connection: sqlite3.Connection, state: RadioState, at_ms: int) -> None:
    """Store it inside the transaction that is open."""
    connection.executemany(
        "INSERT OR REPLACE INTO radio_window (node, epoch, direction, highest, taken, heard_ms)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                row.node,
                row.epoch,
                row.direction,
                row.window.highest,
                row.window.taken.to_bytes(_TAKEN_BYTES, "big"),
                at_ms,
            )
            for row in state.windows
        ],
    )
    if not state.keys:
        return
    connection.executemany(
        "INSERT OR IGNORE INTO radio_key (node, epoch, key) VALUES (?, ?, ?)",
        [(row.node, row.epoch, msgspec.msgpack.encode(row.key)) for row in state.keys],
    )
    connection.execute(
        "DELETE FROM radio_key WHERE id <= (SELECT max(id) FROM radio_key) - ?", (KEPT_KEYS,)
    )
