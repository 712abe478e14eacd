"""What a radio frame can carry of an outbox: contents, made once and sent as often as it takes.

Pure: records come in, contents go out. Records whose bodies are at hand are packed against the
roster; others, which this terminal cannot read, travel sealed, behind the key they name. What is
too long for a frame is cut into parts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from protocol.codec import decode_record
from protocol.envelope import Origin, WrappedKey
from protocol.frames import MAX_FRAME_BYTES
from protocol.packed import MAX_RECORDS_PER_BATCH, Numbered, pack_batch
from protocol.radio_up import MAX_PARTS, SealedRows, UpKind, split_parts
from protocol.records import CheckIn, Record, UnknownRecord
from protocol.roster_order import RosterOrder
from protocol.sequences import SeqSet
from protocol.verdict import Verdict
from terminal.outbox import Batch

_HARMLESS = frozenset({Verdict.ACCEPTED, Verdict.ALREADY})


class RecordStore(Protocol):
    """What the radio needs of an outbox; `terminal.outbox.Outbox` is one."""

    @property
    def origin(self) -> Origin:
        """Whose records these are, and under which epoch."""

    def waiting(self) -> SeqSet:
        """The numbers that wait; not to be changed."""

    def first_in_memory(self) -> int:
        """Of waiting records from this number on the body is known, of those below it is not."""

    def body(self, seq: int) -> bytes | None:
        """A waiting record as it was appended, if that is known."""

    def claim(self, after_seq: int, limit: int) -> Batch | None:
        """The first consecutive waiting records above a number, sealed. Raises `OutboxBroken`."""


@dataclass(eq=False, slots=True)
class Load:
    """The content of one frame behind its progress."""

    kind: UpKind
    content: bytes = field(repr=False)
    numbers: SeqSet
    """The records in it; for a part, those in the whole; none in a key."""
    key_id: bytes = b""
    """What its records are sealed under; empty for a packed one."""
    times_sent: int = 0


def is_exception(record: Record | UnknownRecord) -> bool:
    """Whether a record overtakes others: somebody has to act on it, or to unlearn something."""
    return not isinstance(record, CheckIn) or record.verdict not in _HARMLESS


def packed_loads(
    records: Sequence[Numbered], order: RosterOrder, limit_bytes: int, number: int
) -> list[Load]:
    """The first of these records, as many as one frame takes; empty if not even one can be packed.

    Numbers ascend. A single record that is too long for a frame takes several, as parts that
    are `number` to their receiver.
    """
    packed = pack_batch(records, order, limit_bytes=limit_bytes)
    if packed.taken:
        return [Load(UpKind.PACKED, packed.content, _numbers(records[: packed.taken]))]
    packed = pack_batch(records[:1], order, limit_bytes=MAX_FRAME_BYTES)
    if not packed.taken or not _has_parts(packed.content, limit_bytes):
        return []
    whole = Load(UpKind.PACKED, packed.content, _numbers(records[:1]))
    return list(_parts(whole, limit_bytes, number))


def urgent_loads(
    urgent: Sequence[Numbered],
    others: Sequence[Numbered],
    order: RosterOrder,
    limit_bytes: int,
    number: int,
) -> list[Load]:
    """Urgent records, and as many of the others, from the first, as the same frame takes."""
    best = packed_loads(urgent, order, limit_bytes, number)
    if len(best) != 1 or best[0].numbers.count < len(urgent):
        return best
    too_many = min(len(others), MAX_RECORDS_PER_BATCH - len(urgent)) + 1
    enough = 0
    while too_many - enough > 1:
        count = (too_many + enough) // 2
        together = sorted([*urgent, *others[:count]], key=_seq)
        packed = pack_batch(together, order, limit_bytes=limit_bytes)
        if packed.taken < len(together):
            too_many = count
        else:
            enough = count
            best = [Load(UpKind.PACKED, packed.content, _numbers(together))]
    return best


def sealed_loads(batch: Batch, wanted: SeqSet, limit_bytes: int, number: int) -> list[Load]:
    """The first records of `batch` that are wanted, under one key, as many as a frame takes.

    Empty if even one has more parts than there may be.
    """
    key_index, row = batch.rows[0]
    key_id = batch.keys[key_index].key_id
    rows = [row]
    for seq, (index, sealed) in enumerate(batch.rows[1:], batch.first_seq + 1):
        longer = SealedRows(key_id, batch.first_seq, [*rows, sealed])
        if index != key_index or seq not in wanted or len(longer.pack()) > limit_bytes:
            break
        rows.append(sealed)
    content = SealedRows(key_id, batch.first_seq, rows).pack()
    numbers = SeqSet([(batch.first_seq, batch.first_seq + len(rows) - 1)])
    return _cut(Load(UpKind.SEALED, content, numbers, key_id), limit_bytes, number)


def key_loads(wrapped: WrappedKey, limit_bytes: int, number: int) -> list[Load]:
    """A record key, in as many frames as it takes; empty if those are more than there may be."""
    content = msgspec.msgpack.encode(wrapped)
    return _cut(Load(UpKind.KEY, content, SeqSet()), limit_bytes, number)


def numbered(store: RecordStore, seqs: SeqSet, limit: int) -> Iterator[Numbered]:
    """The first records of `seqs` whose bodies the store knows, at most `limit`."""
    found = 0
    for first, last in seqs:
        for seq in range(first, last + 1):
            body = store.body(seq)
            if body is not None:  # it may just have been settled
                yield Numbered(seq, decode_record(body))
                found += 1
            if found == limit:
                return


def _cut(load: Load, limit_bytes: int, number: int) -> list[Load]:
    if len(load.content) <= limit_bytes:
        return [load]
    if not _has_parts(load.content, limit_bytes):
        return []
    return list(_parts(load, limit_bytes, number))


def _parts(whole: Load, limit_bytes: int, number: int) -> Iterator[Load]:
    for part in split_parts(whole.kind, whole.content, number, limit_bytes):
        yield Load(UpKind.PART, part.pack(), whole.numbers, whole.key_id)


def _has_parts(content: bytes, limit_bytes: int) -> bool:
    return len(content) + 1 <= MAX_PARTS * (limit_bytes - 2)


def _numbers(records: Sequence[Numbered]) -> SeqSet:
    return SeqSet((each.seq, each.seq) for each in records)


def _seq(each: Numbered) -> int:
    return each.seq
