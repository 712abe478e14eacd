"""The outbox on disk: one SQLite file, its statements and nothing else.

Raises `sqlite3.Error` and `DatabaseError` as they come; `terminal.outbox` decides what they mean.
"""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from protocol.envelope import WrappedKey
from protocol.ids import MAX_EPOCH
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet
from runtime.database import open_database
from terminal.radio_memory import Sender, Windows, load_windows, reserve_counters, save_windows

CLAIM = "SELECT seq, key, sealed FROM waiting WHERE seq > ? ORDER BY seq LIMIT ?"
WRAPPED_KEY = "SELECT wrapped FROM record_key WHERE id = ?"
EXPORTED = "SELECT first, last FROM exported ORDER BY first"
_FORGET_EXPORTED = """DELETE FROM exported
    WHERE NOT EXISTS (SELECT 1 FROM waiting WHERE seq BETWEEN first AND last)
      AND NOT EXISTS (SELECT 1 FROM refused WHERE seq BETWEEN first AND last)"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A note for the terminal itself, stored in the same transaction as a record."""

    tag: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Erasure:
    """Takes the mark with this tag away, in the same transaction as a record."""

    tag: bytes


Note = Mark | Erasure


@dataclass(frozen=True, slots=True)
class Row:
    """One sealed record."""

    seq: int
    key: int
    made_ms: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the outbox is. Records captured = stored at the county + waiting + refused."""

    captured: int
    waiting: int
    refused: int
    oldest_made_ms: int | None


class OutboxFile:
    """An open outbox file. The writing half and `claim` may run on two threads at once.

    `depth` and `waiting` are replaced as a whole, so that whoever reads them on a third never sees
    half a change.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as cleanup:
            self._writer = open_database(path, "terminal")
            cleanup.callback(self._writer.close)
            self._reader = open_database(path, "terminal")
            cleanup.callback(self._reader.close)
            self._wrapped_keys: dict[int, WrappedKey] = {}
            self.epoch = self._take_up_epoch()
            self.depth = self._count()
            self.waiting = self._count_waiting()
            """The numbers that wait; never changed, only replaced."""
            cleanup.pop_all()

    def close(self) -> None:
        """Close both connections."""
        self._writer.close()
        self._reader.close()

    def begin(self) -> None:
        """Start a transaction."""
        self._writer.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End the transaction; returns once it is on the disk."""
        self._writer.execute("COMMIT")

    def roll_back(self) -> None:
        """Undo the open transaction, if there is one."""
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def add_key(self, wrapped: WrappedKey) -> int:
        """Store a wrapped record key inside the transaction; returns its number."""
        number: int = self._writer.execute(
            "INSERT INTO record_key (wrapped) VALUES (?) RETURNING id",
            (msgspec.msgpack.encode(wrapped),),
        ).fetchone()[0]
        return number

    def add_rows(self, rows: Sequence[Row], notes: Iterable[Note]) -> None:
        """Store sealed records and notes inside the transaction."""
        self._writer.executemany(
            "INSERT INTO waiting (seq, key, made_ms, sealed) VALUES (?, ?, ?, ?)",
            [(row.seq, row.key, row.made_ms, row.sealed) for row in rows],
        )
        for note in notes:
            if isinstance(note, Erasure):
                self._writer.execute("DELETE FROM seen WHERE tag = ?", (note.tag,))
            else:
                self._writer.execute(
                    "INSERT INTO seen (tag, sealed) VALUES (?, ?)"
                    " ON CONFLICT (tag) DO UPDATE SET sealed = excluded.sealed",
                    (note.tag, note.sealed),
                )

    def count_added(self, rows: Sequence[Row]) -> None:
        """Take committed rows into the counts."""
        before, oldest_ms = self.depth, self.depth.oldest_made_ms
        self.depth = Depth(
            rows[-1].seq,
            before.waiting + len(rows),
            before.refused,
            rows[0].made_ms if oldest_ms is None else oldest_ms,
        )
        self.waiting = SeqSet([*self.waiting, (rows[0].seq, rows[-1].seq)])

    def settle(self, stored: SeqSet, refused: SeqSet) -> int:
        """Delete what is stored, set aside what is refused, in one transaction of its own.

        Returns how many waiting records were deleted.
        """
        execute, before = self._writer.execute, self.depth
        settled = moved = accepted = 0
        self.begin()
        for span in stored:
            settled += execute("DELETE FROM waiting WHERE seq BETWEEN ? AND ?", span).rowcount
            if before.refused:  # refused once, admitted later
                accepted += execute("DELETE FROM refused WHERE seq BETWEEN ? AND ?", span).rowcount
            execute("UPDATE outbox SET settled = max(settled, ?)", (span[1],))
        for span in refused:
            moved += execute(
                "INSERT INTO refused SELECT * FROM waiting WHERE seq BETWEEN ? AND ?", span
            ).rowcount
            execute("DELETE FROM waiting WHERE seq BETWEEN ? AND ?", span)
        execute(_FORGET_EXPORTED)
        self.commit()
        self.depth = Depth(
            before.captured,
            before.waiting - settled - moved,
            before.refused + moved - accepted,
            self._oldest_made_ms(),
        )
        self.waiting = self.waiting.without([*stored, *refused])
        return settled

    def claim(self, after_seq: int, limit: int) -> list[tuple[int, int, bytes]]:
        """(seq, key number, sealed) of waiting records above `after_seq`, in order."""
        return self._reader.execute(CLAIM, (after_seq, limit)).fetchall()

    def exported(self) -> SeqSet:
        """What a courier was given, by whichever process."""
        return SeqSet(self._writer.execute(EXPORTED).fetchall())

    def wrapped_key(self, number: int) -> WrappedKey:
        """A wrapped record key by its number."""
        if number not in self._wrapped_keys:
            (data,) = self._reader.execute(WRAPPED_KEY, (number,)).fetchone()
            self._wrapped_keys[number] = msgspec.msgpack.decode(data, type=WrappedKey)
        return self._wrapped_keys[number]

    def reserve_counters(self) -> range:
        """Radio counters nobody has used, durably given out, in a transaction of its own."""
        return reserve_counters(self._writer)

    def windows(self) -> dict[Sender, ReplayWindow]:
        """What the radio has heard, as it was kept last."""
        return load_windows(self._reader)

    def keep_windows(self, windows: Windows) -> None:
        """Store what the radio has heard, in a transaction of its own."""
        self.begin()
        save_windows(self._writer, windows)
        self.commit()

    def marks(self) -> list[Mark]:
        """Every mark there is."""
        return [Mark(*row) for row in self._reader.execute("SELECT tag, sealed FROM seen")]

    def _take_up_epoch(self) -> int:
        execute = self._writer.execute
        execute(
            "INSERT INTO outbox (id, epoch) VALUES (1, ?) ON CONFLICT DO NOTHING",
            (secrets.randbelow(MAX_EPOCH) + 1,),
        )
        execute(
            "DELETE FROM record_key WHERE id NOT IN"
            " (SELECT key FROM waiting UNION SELECT key FROM refused)"
        )
        epoch: int = execute("SELECT epoch FROM outbox").fetchone()[0]
        return epoch

    def _count(self) -> Depth:
        execute = self._writer.execute
        (settled,) = execute("SELECT settled FROM outbox").fetchone()
        waiting, last_waiting = execute(
            "SELECT count(*), coalesce(max(seq), 0) FROM waiting"
        ).fetchone()
        refused, last_refused = execute(
            "SELECT count(*), coalesce(max(seq), 0) FROM refused"
        ).fetchone()
        captured = max(settled, last_waiting, last_refused)
        return Depth(captured, waiting, refused, self._oldest_made_ms())

    def _count_waiting(self) -> SeqSet:
        # Numbers in a row have the same distance to their place: one group, whatever its size.
        return SeqSet(
            self._writer.execute(
                "SELECT min(seq), max(seq) FROM"
                " (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM waiting)"
                " GROUP BY island"
            )
        )

    def _oldest_made_ms(self) -> int | None:
        oldest = self._writer.execute("SELECT made_ms FROM waiting ORDER BY seq LIMIT 1").fetchone()
        return oldest[0] if oldest else None
