"""What the radio must not forget, in the outbox's file: counters given out, and what was heard.

Raises `sqlite3.Error` as it comes; `terminal.outbox` decides what it means.
"""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from protocol.radio_keys import Direction
from protocol.replay import WINDOW, ReplayWindow

COUNTERS_PER_BLOCK = 256  # one commit for so many frames; a restart skips as many at most
MAX_SENDERS = 64  # whose windows are kept: gateways, and some epochs of before
_TAKEN_BYTES = WINDOW // 8


class Sender(NamedTuple):
    """Whose frames, in which direction, a window is about."""

    direction: Direction
    address: int
    epoch: int


Windows = Mapping[Sender, ReplayWindow]


def reserve_counters(connection: sqlite3.Connection) -> range:
    """Give out the next block; returns once that is on the disk."""
    (after,) = connection.execute(
        "INSERT INTO radio_counter (id, next) VALUES (1, :size)"
        " ON CONFLICT (id) DO UPDATE SET next = next + :size RETURNING next",
        {"size": COUNTERS_PER_BLOCK},
    ).fetchone()
    return range(after - COUNTERS_PER_BLOCK, after)


def load_windows(connection: sqlite3.Connection) -> dict[Sender, ReplayWindow]:
    """Every window there is."""
    rows = connection.execute("SELECT direction, address, epoch, highest, taken FROM radio_window")
    return {
        Sender(Direction(direction), address, epoch): ReplayWindow(
            highest, int.from_bytes(taken, "big")
        )
        for direction, address, epoch, highest, taken in rows
    }


def save_windows(connection: sqlite3.Connection, windows: Windows) -> None:
    """Keep these windows and no others, inside the transaction."""
    connection.execute("DELETE FROM radio_window")
    connection.executemany(
        "INSERT INTO radio_window (direction, address, epoch, highest, taken)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (*sender, window.highest, window.taken.to_bytes(_TAKEN_BYTES, "big"))
            for sender, window in windows.items()
        ],
    )
