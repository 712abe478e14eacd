"""The outbox: every record sealed and durable before anyone is told about it.

Three verbs. `append` returns after COMMIT and fsync; `claim` reads what waits; `settle` lets go of
what a verified receipt covers, and of nothing else. Callers on many threads share one commit: one
of them leads and writes for all who wait, then hands the lead to the next.
"""

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.envelope import Origin, RecordSealer, WrappedKey
from protocol.keys import Peer
from protocol.limits import KEY_ID_BYTES
from protocol.receipts import Receipt
from protocol.replay import ReplayWindow
from protocol.sequences import Range, SeqSet
from runtime.database import DatabaseError
from terminal.errors import OutboxBroken, OutboxFull
from terminal.outbox_file import Depth, Mark, Note, OutboxFile, Row
from terminal.radio_memory import Sender, Windows

OUTBOX = "outbox.db"  # in the terminal's data folder
RECORDS_PER_KEY = 1000  # what a thief who reads a live terminal's memory can open at most
MAX_COMMIT = 512  # appends that share a commit; bounds the size of one transaction
FLOOR_BYTES = 8 * 1024 * 1024  # kept free so that settling, which must write, can always proceed


@dataclass(frozen=True, slots=True)
class Batch:
    """Waiting records with consecutive numbers from `first_seq`."""

    first_seq: int
    rows: Sequence[tuple[int, bytes]]
    """(index into `keys`, sealed record)."""
    keys: Sequence[WrappedKey]

    @property
    def last_seq(self) -> int:
        """Number of the last record."""
        return self.first_seq + len(self.rows) - 1


def batch_of(
    rows: Sequence[tuple[int, int, bytes]], wrapped_key: Callable[[int], WrappedKey]
) -> Batch | None:
    """The first consecutive ones of waiting rows (seq, key number, sealed), which ascend."""
    if not rows:
        return None
    first = rows[0][0]
    if rows[-1][0] != first + len(rows) - 1:
        rows = [row for place, row in enumerate(rows) if row[0] == first + place]
    places = {key: place for place, key in enumerate(dict.fromkeys(row[1] for row in rows))}
    keys = [wrapped_key(key) for key in places]
    return Batch(first, [(places[key], sealed) for _, key, sealed in rows], keys)


class _Append:
    """One caller's record on its way into the file."""

    __slots__ = ("body", "error", "made_ms", "note", "seq", "wake")

    def __init__(self, body: bytes, made_ms: int, note: Note | None) -> None:
        self.body, self.made_ms, self.note = body, made_ms, note
        self.seq = 0
        self.error: OutboxFull | OutboxBroken | None = None
        self.wake = threading.Lock()
        """Held while the caller sleeps; released when it is served or shall lead."""


class _Sealing:
    """The record key in use, and which numbers it may seal."""

    def __init__(self, sealer: RecordSealer, number: int, first_seq: int) -> None:
        self.sealer, self.number, self._first_seq = sealer, number, first_seq

    def is_spent(self, next_seq: int) -> bool:
        return next_seq - self._first_seq >= RECORDS_PER_KEY


class Outbox:
    """One SQLite file. All methods may be called from any thread.

    Raises `DatabaseError` if the file is damaged or will not be durable.
    """

    def __init__(
        self,
        path: Path,
        county: str,
        node: str,
        recipients: Iterable[Peer],
        *,
        free_bytes: Callable[[], int] | None = None,
    ) -> None:
        self._path, self._recipients = path, tuple(recipients)
        self._free_bytes = free_bytes or self._free_on_disk
        self._queue: list[_Append] = []
        self._queue_lock = threading.Lock()
        self._has_leader = False
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        try:
            self._file = OutboxFile(path)
        except sqlite3.Error as error:
            raise DatabaseError(f"{path}: {error}") from error
        self._is_open = True
        self._is_closed = False
        self._sealing: _Sealing | None = None
        self._bodies: dict[int, bytes] = {}
        """Of the newest waiting records this process has made, by ascending number."""
        self._first_in_memory = self._file.depth.captured + 1
        self.origin = Origin(county, node, self._file.epoch)

    def close(self) -> None:
        """Close the file for good. Everything appended stays; an append that comes later fails."""
        with self._write_lock:
            self._is_closed = True
            self._close_file()

    def append(self, body: bytes, made_ms: int, note: Note | None = None) -> int:
        """Seal and store one encoded record; returns its sequence number once it is durable.

        Raises `OutboxFull` or `OutboxBroken`; then nothing may be confirmed to anybody.
        """
        mine = _Append(body, made_ms, note)
        with self._queue_lock:
            self._queue.append(mine)
            must_wait = self._has_leader
            self._has_leader = True
            if must_wait:
                mine.wake.acquire()
        if must_wait:
            mine.wake.acquire()
        if not mine.seq and mine.error is None:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.seq

    def claim(self, after_seq: int, limit: int) -> Batch | None:
        """The first consecutive waiting records above `after_seq`, at most `limit`.

        Raises `OutboxBroken`; the file is opened anew by the next call, whichever it is.
        """
        try:
            if not self._is_open:
                with self._write_lock:
                    self._reopen_if_closed()
            with self._read_lock:
                return self._claim(after_seq, limit)
        except DatabaseError as error:
            raise OutboxBroken(str(error)) from error
        except sqlite3.Error as error:
            with self._write_lock:
                self._recover(error)
            raise OutboxBroken(f"reading failed: {error}") from error

    def settle(self, receipt: Receipt, sent: SeqSet) -> int:
        """Let go of what a *verified* receipt covers; returns how many records that were.

        Only of what was `sent` since this outbox was opened, or ever given to a courier: if the
        file was rolled back, an older receipt speaks of other records with the same numbers
        (docs/decisions/0010, 0014). Records the county could not open move aside, where they are
        kept. A receipt for another outbox changes nothing. Raises `OutboxBroken`.
        """
        if Origin(receipt.county, receipt.node, receipt.epoch) != self.origin:
            return 0
        return self._let_go(receipt.stored(), SeqSet(receipt.refused), sent)

    def settle_numbers(self, stored: SeqSet, sent: SeqSet) -> int:
        """The same for a *verified* receipt of the radio, which is for this outbox by its tag."""
        return self._let_go(stored, SeqSet(), sent)

    def waiting(self) -> SeqSet:
        """The numbers that wait; not to be changed."""
        return self._file.waiting

    def body(self, seq: int) -> bytes | None:
        """A waiting record as it was appended, unless this process did not make it.

        Kept of the newest `RECORDS_PER_KEY`, in memory and nowhere else.
        """
        return self._bodies.get(seq)

    def first_in_memory(self) -> int:
        """Of waiting records from this number on the body is known, of those below it is not."""
        return self._first_in_memory

    def reserve_counters(self) -> range:
        """Radio counters nobody has used; returns once that is durable. Raises `OutboxBroken`."""
        with self._writing("reserving counters") as file:
            return file.reserve_counters()

    def windows(self) -> dict[Sender, ReplayWindow]:
        """What the radio has heard, as it was kept last."""
        with self._read_lock:
            return self._file.windows()

    def keep_windows(self, windows: Windows) -> None:
        """Store what the radio has heard. Raises `OutboxBroken`."""
        with self._writing("storing what was heard") as file:
            file.keep_windows(windows)

    def marks(self) -> list[Mark]:
        """Every mark there is."""
        with self._read_lock:
            return self._file.marks()

    @property
    def depth(self) -> Depth:
        """Counts, kept in memory; never half-way through a change."""
        return self._file.depth

    @property
    def room_bytes(self) -> int:
        """Room left for records: free space above the reserve."""
        return self._free_bytes() - FLOOR_BYTES

    def _claim(self, after_seq: int, limit: int) -> Batch | None:
        return batch_of(self._file.claim(after_seq, limit), self._file.wrapped_key)

    def _let_go(self, stored: SeqSet, refused: SeqSet, sent: SeqSet) -> int:
        with self._writing("settling") as file:
            captured = file.depth.captured
            ours = SeqSet([(1, captured)] if captured else [])
            ours = ours.common(SeqSet([*sent, *file.exported()]))
            stored, refused = stored.common(ours), refused.common(ours)
            settled = file.settle(stored, refused)
            self._forget_bodies([*stored, *refused])
            return settled

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[OutboxFile]:
        with self._write_lock:
            try:
                self._reopen_if_closed()
                yield self._file
            except DatabaseError as error:
                raise OutboxBroken(str(error)) from error
            except sqlite3.Error as error:
                self._recover(error)
                raise OutboxBroken(f"{what} failed: {error}") from error

    def _remember_bodies(self, batch: Sequence[_Append]) -> None:
        self._bodies.update((item.seq, item.body) for item in batch)
        while len(self._bodies) > RECORDS_PER_KEY:
            oldest = next(iter(self._bodies))
            self._first_in_memory = oldest + 1
            del self._bodies[oldest]

    def _forget_bodies(self, ranges: Iterable[Range]) -> None:
        for first, last in ranges:
            for seq in [seq for seq in self._bodies if first <= seq <= last]:
                del self._bodies[seq]

    def _lead(self) -> None:
        """Write for everybody queued so far, then hand the lead to the first who came since.

        The leader itself is always the first of its batch; the others sleep.
        """
        with self._queue_lock:
            batch, self._queue = self._queue[:MAX_COMMIT], self._queue[MAX_COMMIT:]
        error: OutboxFull | OutboxBroken | None = OutboxBroken("the writer stopped half-way")
        try:
            with self._write_lock:
                error = self._store(batch)
        finally:  # nobody may sleep for ever, whatever stopped the leader
            self._wake_all(batch, error)

    def _wake_all(self, batch: Sequence[_Append], error: OutboxFull | OutboxBroken | None) -> None:
        for item in batch:
            item.error = error
        with self._queue_lock:
            successor = self._queue[0] if self._queue else None
            self._has_leader = successor is not None
        for item in batch[1:]:
            item.wake.release()
        if successor is not None:
            successor.wake.release()

    def _store(self, batch: Sequence[_Append]) -> OutboxFull | OutboxBroken | None:
        try:
            if self.room_bytes <= 0:
                return OutboxFull("the disk is full")
            self._reopen_if_closed()
            self._file.begin()
            rows = self._seal(batch)
            self._file.add_rows(rows, [item.note for item in batch if item.note is not None])
            self._file.commit()
        except OutboxBroken as error:
            return error
        except (DatabaseError, OSError) as error:
            return OutboxBroken(str(error))
        except sqlite3.Error as error:
            self._recover(error)
            if _is_full(error):
                return OutboxFull("the disk is full")
            return OutboxBroken(f"storing failed: {error}")
        for item, row in zip(batch, rows, strict=True):
            item.seq = row.seq
        self._remember_bodies(batch)
        self._file.count_added(rows)
        return None

    def _seal(self, batch: Sequence[_Append]) -> list[Row]:
        next_seq = self._file.depth.captured + 1
        if self._sealing is None or self._sealing.is_spent(next_seq):
            sealer = RecordSealer(self.origin, self._recipients, secrets.token_bytes(KEY_ID_BYTES))
            self._sealing = _Sealing(sealer, self._file.add_key(sealer.wrapped), next_seq)
        seal, key = self._sealing.sealer.seal, self._sealing.number
        return [
            Row(seq, key, item.made_ms, seal(seq, item.body))
            for seq, item in enumerate(batch, next_seq)
        ]

    def _recover(self, error: sqlite3.Error) -> None:
        """After a failed transaction its numbers will be given out again: their key must go.

        After a failed write or fsync the page cache no longer tells what is on the disk, so the
        file is closed, and opened anew by the next caller.
        """
        self._sealing = None
        with contextlib.suppress(sqlite3.Error):
            self._file.roll_back()
        if not _is_full(error):
            self._close_file()

    def _close_file(self) -> None:
        with self._read_lock:
            self._is_open = False
            self._file.close()

    def _reopen_if_closed(self) -> None:
        if self._is_closed:
            raise OutboxBroken("the outbox is closed")
        if not self._is_open:
            self._file = OutboxFile(self._path)
            self._is_open = True

    def _free_on_disk(self) -> int:
        space = os.statvfs(self._path.parent)
        return space.f_bavail * space.f_frsize


def _is_full(error: sqlite3.Error) -> bool:
    # What Python's own module raises, such as "closed database", carries no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF == sqlite3.SQLITE_FULL
