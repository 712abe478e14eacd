"""The ledger in SQLite: the embedded default."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, islice, repeat
from pathlib import Path

import msgspec

from gateway.store.base import (
    NO_RADIO,
    LedgerEntry,
    NewRun,
    Quarantined,
    QuarantinedRow,
    RadioState,
    StoreError,
    Stream,
)
from gateway.store.radio import load_radio_state, put_radio_state
from protocol.receipts import RefusalReason
from protocol.sequences import Range, SeqSet
from runtime.database import open_database

DATABASE = "gateway.db"  # in the gateway's data folder; rosters are in the same file
# Multi-row inserts are 1.8 times as fast as single rows (docs/decisions/0002).
ROWS_PER_INSERT = 200
_COLUMNS = 3  # of an inserted record: stream, seq, body
_ranges = msgspec.msgpack.Decoder(list[Range])


def _insert_statement(rows: int) -> str:
    placeholders = ", ".join(["(?, ?, ?)"] * rows)
    return f"INSERT INTO record (stream, seq, body) VALUES {placeholders}"  # noqa: S608  # constant


_INSERT_MANY = _insert_statement(ROWS_PER_INSERT)


def chain_hash(previous: bytes, entries: Iterable[tuple[str, int, int, bytes]]) -> bytes:
    """The next link of the chain over (node, epoch, seq, body) rows."""
    return hashlib.sha256(previous + msgspec.msgpack.encode(list(entries))).digest()


class SqliteLedger:
    """See `gateway.store.base.LedgerStore`."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path, "gateway")
        (self._next_stream,) = self._one("SELECT coalesce(max(id), 0) + 1 FROM stream")
        head = self._db.execute("SELECT hash FROM link ORDER BY id DESC LIMIT 1").fetchone()
        self._head: bytes = head[0] if head else b""

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def streams(self) -> list[Stream]:
        """See `LedgerStore.streams`."""
        rows = self._db.execute("SELECT id, node, epoch, stored, refused FROM stream")
        return [
            Stream(number, node, epoch, _seqs(stored), _seqs(refused))
            for number, node, epoch, stored, refused in rows
        ]

    def new_stream(self, node: str, epoch: int) -> Stream:
        """See `LedgerStore.new_stream`."""
        stream = Stream(self._next_stream, node, epoch)
        self._next_stream += 1
        return stream

    def commit(
        self,
        runs: Sequence[NewRun],
        streams: Sequence[Stream],
        quarantined: Sequence[Quarantined],
        at_ms: int,
        radio: RadioState = NO_RADIO,
    ) -> None:
        """See `LedgerStore.commit`."""
        head = chain_hash(self._head, _chained(runs)) if runs else self._head
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._put_streams(streams)
            self._put_records(runs)
            self._put_quarantined(quarantined)
            put_radio_state(self._db, radio, at_ms)
            if runs:
                self._db.execute(
                    "INSERT INTO link (last_record, committed_ms, hash)"
                    " SELECT max(id), ?, ? FROM record",
                    (at_ms, head),
                )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")  # fails too when there is nothing to undo
            raise StoreError(f"the ledger cannot be written: {error}") from error
        self._head = head

    def radio_state(self) -> RadioState:
        """See `LedgerStore.radio_state`."""
        return load_radio_state(self._db)

    def body_of(self, stream: Stream, seq: int) -> bytes | None:
        """See `LedgerStore.body_of`."""
        try:
            row = self._db.execute(
                "SELECT body FROM record WHERE stream = ? AND seq = ?", (stream.number, seq)
            ).fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"the ledger cannot be read: {error}") from error
        return row[0] if row else None

    def entries(self, after: int, limit: int) -> list[LedgerEntry]:
        """See `LedgerStore.entries`."""
        rows = self._db.execute(
            "SELECT record.id, node, epoch, seq, body"
            " FROM record JOIN stream ON stream.id = record.stream"
            " WHERE record.id > ? ORDER BY record.id LIMIT ?",
            (after, limit),
        )
        return [LedgerEntry(*row) for row in rows]

    def quarantine_count(self) -> int:
        """See `LedgerStore.quarantine_count`."""
        (count,) = self._one("SELECT count(*) FROM quarantine")
        return int(count)

    def quarantine(self, limit: int) -> list[QuarantinedRow]:
        """See `LedgerStore.quarantine`."""
        rows = self._db.execute(
            "SELECT id, received_ms, node, reason, times FROM quarantine ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [
            QuarantinedRow(number, received_ms, node, RefusalReason(reason), times)
            for number, received_ms, node, reason, times in rows
        ]

    def verify_chain(self) -> Iterator[str]:
        """See `LedgerStore.verify_chain`."""
        rows = self._db.execute(
            "SELECT record.id, node, epoch, seq, body"
            " FROM record JOIN stream ON stream.id = record.stream ORDER BY record.id"
        )
        previous, previous_last = b"", 0
        links = self._db.execute("SELECT id, last_record, hash FROM link ORDER BY id").fetchall()
        for number, last, expected in links:
            entries = [row[1:] for row in islice(rows, max(0, last - previous_last))]
            previous, previous_last = chain_hash(previous, entries), last
            if previous != expected:
                yield f"link {number} does not match its records (up to {last})"
                return
        if rows.fetchone() is not None:
            yield "there are records behind the last link"
        for stream in self.streams():
            if list(stream.stored) != list(self._held(stream)):
                yield f"stream {stream.node} {stream.epoch:08x} claims other records than it has"

    def _held(self, stream: Stream) -> SeqSet:
        rows = self._db.execute("SELECT seq FROM record WHERE stream = ?", (stream.number,))
        return SeqSet((seq, seq) for (seq,) in rows)

    def _put_streams(self, streams: Sequence[Stream]) -> None:
        self._db.executemany(
            "INSERT INTO stream (id, node, epoch, stored, refused) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET stored = excluded.stored, refused = excluded.refused",
            [
                (
                    each.number,
                    each.node,
                    each.epoch,
                    _packed(each.stored),
                    _packed(each.refused),
                )
                for each in streams
            ],
        )

    def _put_records(self, runs: Sequence[NewRun]) -> None:
        values = list(chain.from_iterable(chain.from_iterable(map(_rows, runs))))
        step = ROWS_PER_INSERT * _COLUMNS
        whole = len(values) - len(values) % step
        for start in range(0, whole, step):
            self._db.execute(_INSERT_MANY, values[start : start + step])
        if rest := values[whole:]:
            self._db.execute(_insert_statement(len(rest) // _COLUMNS), rest)

    def _put_quarantined(self, quarantined: Sequence[Quarantined]) -> None:
        self._db.executemany(
            "INSERT INTO quarantine (received_ms, node, reason, digest, message)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET times = times + 1",
            [
                (each.received_ms, each.node, each.reason, each.digest, each.message)
                for each in quarantined
            ],
        )

    def _one(self, statement: str) -> tuple[int, ...]:
        row: tuple[int, ...] = self._db.execute(statement).fetchone()
        return row


def _rows(run: NewRun) -> Iterator[tuple[int, int, bytes]]:
    return zip(repeat(run.stream.number), count(run.first_seq), run.bodies, strict=False)


def _chained(runs: Sequence[NewRun]) -> Iterator[tuple[str, int, int, bytes]]:
    for run in runs:
        stream, numbers = run.stream, count(run.first_seq)
        yield from zip(repeat(stream.node), repeat(stream.epoch), numbers, run.bodies, strict=False)


def _packed(seqs: SeqSet) -> bytes:
    return msgspec.msgpack.encode(list(seqs))


def _seqs(data: bytes) -> SeqSet:
    return SeqSet(_ranges.decode(data))
