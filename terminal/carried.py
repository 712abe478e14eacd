"""A courier's look into the outbox of a terminal that may be running (docs/decisions/0014).

Reads through a connection of its own. All it writes is which records a courier was given.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from protocol.courier import CourierHead, CourierKind, CourierMessage, Direction, pack_courier
from protocol.envelope import Origin, WrappedKey, pack_envelope
from protocol.keys import Identity
from protocol.limits import MAX_RECORDS_PER_ENVELOPE
from protocol.sequences import SeqSet
from runtime.database import DatabaseError, open_database
from terminal.outbox import Batch, batch_of
from terminal.outbox_file import CLAIM, EXPORTED, WRAPPED_KEY

FILE_BYTES = 8 * 1024 * 1024  # 50 000 records: what is in memory at once; a full stick keeps some


@dataclass(frozen=True, slots=True)
class Export:
    """One courier file of waiting records, as bytes."""

    head: CourierHead
    data: bytes = field(repr=False)


class CarriedOutbox:
    """The outbox file at `path`. Raises `DatabaseError` if there is none, or it cannot be used."""

    def __init__(self, path: Path, identity: Identity) -> None:
        if not path.exists():  # opening it would make an empty one
            raise DatabaseError(f"{path}: there is no outbox")
        self._identity = identity
        self._db = open_database(path, "terminal")
        row = self._db.execute("SELECT epoch FROM outbox").fetchone()
        if row is None:
            self._db.close()
            raise DatabaseError(f"{path}: the outbox was never used")
        self.origin = Origin(identity.county, identity.node, row[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @property
    def waiting(self) -> int:
        """How many records wait for a receipt. Raises `DatabaseError`."""
        (count,) = self._one("SELECT count(*) FROM waiting")
        return int(count)

    @property
    def exported(self) -> SeqSet:
        """What a courier was given and was not let go of yet. Raises `DatabaseError`."""
        try:
            return SeqSet(self._db.execute(EXPORTED).fetchall())
        except sqlite3.Error as error:
            raise DatabaseError(f"the outbox cannot be read: {error}") from error

    def waiting_in(self, numbers: SeqSet) -> int:
        """How many of these records still wait. Raises `DatabaseError`."""
        return sum(
            int(self._one("SELECT count(*) FROM waiting WHERE seq BETWEEN ? AND ?", span)[0])
            for span in numbers
        )

    def exports(self, limit_bytes: int = FILE_BYTES) -> Iterator[Export]:
        """Everything that waits, signed, in files of about `limit_bytes`; a gap begins a new file.

        Raises `DatabaseError`.
        """
        after = 0
        while batches := self._batches(after, limit_bytes, MAX_RECORDS_PER_ENVELOPE):
            yield self._export(batches)
            after = batches[-1].last_seq

    def first_export(self, limit_bytes: int) -> Export | None:
        """The first of what waits, as much as fits in a file of `limit_bytes`.

        Raises `DatabaseError`.
        """
        records = MAX_RECORDS_PER_ENVELOPE
        while records:
            batches = self._batches(0, 0, records)
            if not batches:
                return None
            export = self._export(batches)
            if len(export.data) <= limit_bytes:
                return export
            # In proportion, a tenth less; the keys and the signature are in every file.
            records = len(batches[0].rows) * limit_bytes * 9 // (len(export.data) * 10)
        return None

    def note(self, head: CourierHead) -> None:
        """A courier has these records now: a receipt may be about them. Durable on return.

        Raises `DatabaseError`.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            exported = SeqSet(self._db.execute(EXPORTED).fetchall())
            exported.add(head.first_seq, head.last_seq)
            self._db.execute("DELETE FROM exported")
            self._db.executemany("INSERT INTO exported VALUES (?, ?)", list(exported))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise DatabaseError(f"the outbox cannot be written: {error}") from error

    def _export(self, batches: list[Batch]) -> Export:
        identity, origin = self._identity, self.origin
        head = CourierHead(
            Direction.UP,
            origin.county,
            origin.node,
            origin.epoch,
            batches[0].first_seq,
            batches[-1].last_seq,
            made_ms=0,
        )
        messages = [
            CourierMessage(
                CourierKind.ENVELOPE,
                pack_envelope(
                    origin, batch.first_seq, batch.rows, batch.keys, identity.signing_key
                ),
            )
            for batch in batches
        ]
        return Export(head, pack_courier(head, messages))

    def _batches(self, after: int, limit_bytes: int, records: int) -> list[Batch]:
        """Consecutive batches above `after`, until they pass `limit_bytes`, at least one."""
        batches: list[Batch] = []
        size_bytes = 0
        try:
            self._db.execute("BEGIN")  # one view of it, whatever is settled meanwhile
            while batch := self._claim(after, records):
                if batches and batch.first_seq != after + 1:
                    break
                batches.append(batch)
                after = batch.last_seq
                size_bytes += sum(len(sealed) for _, sealed in batch.rows)
                if size_bytes >= limit_bytes:
                    break
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise DatabaseError(f"the outbox cannot be read: {error}") from error
        return batches

    def _claim(self, after: int, records: int) -> Batch | None:
        return batch_of(self._db.execute(CLAIM, (after, records)).fetchall(), self._wrapped_key)

    def _wrapped_key(self, number: int) -> WrappedKey:
        (data,) = self._db.execute(WRAPPED_KEY, (number,)).fetchone()
        return msgspec.msgpack.decode(data, type=WrappedKey)

    def _one(self, statement: str, values: tuple[int, ...] = ()) -> tuple[int, ...]:
        try:
            row: tuple[int, ...] = self._db.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise DatabaseError(f"the outbox cannot be read: {error}") from error
        return row
