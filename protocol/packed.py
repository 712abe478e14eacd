"""Packed batches: as many records as a radio frame holds (docs/wire-format.md section 11).

    roster fingerprint 3 || range coded: head, then one entry after the other

`protocol.packed_entry` says what of a record arrives exactly and what is rounded.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from protocol.adaptive import number, raw, uniform
from protocol.codec import decode_record
from protocol.errors import Malformed, OtherRoster, Unsupported
from protocol.frames import MAX_FRAME_BYTES
from protocol.ids import MAX_SEQ
from protocol.limits import MAX_COUNT, MAX_NAME_CHARS
from protocol.packed_entry import (
    LAST_SECOND,
    MAX_POINT_BYTES,
    Context,
    Entry,
    context_of,
    entry_of,
    record_of,
)
from protocol.packed_walk import Walk, code_clock
from protocol.rangecoder import Coder, Decoder, Encoder
from protocol.records import Record, UnknownRecord
from protocol.roster_order import FINGERPRINT_BYTES, RosterOrder, Span

MAX_RECORDS_PER_BATCH = 256


class Numbered(NamedTuple):
    """A record and its number in the outbox."""

    seq: int
    record: Record | UnknownRecord


class Packed(NamedTuple):
    """The content of a frame."""

    content: bytes
    taken: int
    """How many of the records are in it, from the first; 0 if not even that fits."""


class _Head(NamedTuple):
    """What stands before the entries."""

    context: Context | None
    """`None` if all entries are bodies."""
    before: Entry


_NO_HEAD = _Head(None, Entry())


def pack_batch(records: Sequence[Numbered], order: RosterOrder, *, limit_bytes: int) -> Packed:
    """Pack as many records as `limit_bytes` hold; numbers must ascend, gaps are allowed.

    A batch ends before the first record of another activation or point, and before the first that
    was decided by another roster version. Raises `ValueError` for numbers that do not ascend.
    """
    records = records[:MAX_RECORDS_PER_BATCH]
    if any(after.seq <= before.seq for before, after in pairwise(records)):
        raise ValueError("the numbers of a batch ascend")
    entries, context = _together(records, order)
    best = Packed(b"", 0)
    if not entries:
        return best
    encoder = Encoder()
    first = next((each for each in entries if each.body is None), Entry())
    before = first._replace(seq=entries[0].seq - 1)
    head = _code_head(encoder, order, _Head(context, before))
    walk = Walk(encoder, order, _home(order, context), head.before)
    for count, entry in enumerate(entries, 1):
        walk.step(entry)
        coded = encoder.finish()
        if FINGERPRINT_BYTES + 1 + len(coded) > limit_bytes:
            break
        best = Packed(order.fingerprint + bytes([count - 1]) + coded, count)
    return best


def fingerprint_of(content: bytes) -> bytes:
    """Names the roster a batch was packed by; raises `Malformed`."""
    if not FINGERPRINT_BYTES < len(content) <= MAX_FRAME_BYTES:
        raise Malformed("too short or too long for a packed batch")
    return content[:FINGERPRINT_BYTES]


def unpack_batch(content: bytes, order: RosterOrder) -> tuple[Numbered, ...]:
    """Unpack a batch.

    Raises `Malformed`, `OtherRoster`, and `Unsupported` if a later release wrote it.
    """
    if fingerprint_of(content) != order.fingerprint:
        raise OtherRoster("packed by another roster")
    decoder = Decoder(content[FINGERPRINT_BYTES + 1 :])
    head = _code_head(decoder, order, _NO_HEAD)
    walk = Walk(decoder, order, _home(order, head.context), head.before)
    entries = [walk.step(Entry()) for _ in range(content[FINGERPRINT_BYTES] + 1)]
    decoder.finish()
    return tuple(_numbered(each, head.context, order) for each in entries)


def _together(
    records: Sequence[Numbered], order: RosterOrder
) -> tuple[list[Entry], Context | None]:
    """The entries of the first records that can share one batch, and what they have in common."""
    entries: list[Entry] = []
    context: Context | None = None
    for seq, record in records:
        entry = entry_of(seq, record, order)
        if entry.body is None and not isinstance(record, UnknownRecord):
            own = context_of(record)
            joined = own if context is None else context.joined(own)
            if joined is None:
                break
            context = joined
        elif entry.body is not None and len(entry.body) >= MAX_FRAME_BYTES:
            break
        entries.append(entry)
    return entries, context


def _home(order: RosterOrder, context: Context | None) -> Span:
    return order.home(context.point if context else "")


def _numbered(entry: Entry, context: Context | None, order: RosterOrder) -> Numbered:
    if entry.body is not None:
        return Numbered(entry.seq, decode_record(entry.body))
    if context is None:
        raise Malformed("records without what they have in common")
    try:
        return Numbered(entry.seq, record_of(entry, context, order))
    except ValueError:
        raise Unsupported("a number of a later release") from None


def _code_head(coder: Coder, order: RosterOrder, given: _Head) -> _Head:
    seq = number(coder, given.before.seq)
    if seq >= MAX_SEQ:
        raise Malformed("a sequence number out of bounds")
    if not uniform(coder, 2, int(given.context is not None)):
        return _Head(None, Entry(seq))
    context = _code_context(coder, order, given.context or Context(0, "", None))
    wall_s = number(coder, given.before.wall_s)
    if wall_s > LAST_SECOND:
        raise Malformed("a time out of bounds")
    lane = uniform(coder, 256, given.before.lane)
    clock = code_clock(coder, given.before.clock)
    return _Head(context, Entry(seq, wall_s, clock, lane))


def _code_context(coder: Coder, order: RosterOrder, given: Context) -> Context:
    activation = number(coder, given.activation)
    point = _code_point(coder, order.points, given.point)
    version: int | None = order.version
    if not uniform(coder, 2, int(given.roster_version == version)):
        version = number(coder, given.roster_version or 0)
    if max(activation, version or 0) > MAX_COUNT:
        raise Malformed("a count out of bounds")
    return Context(activation, point, version)


def _code_point(coder: Coder, points: Sequence[str], given: str) -> str:
    """A point by its place in the roster, any other as text."""
    place = uniform(coder, len(points) + 1, points.index(given) if given in points else len(points))
    if place < len(points):
        return points[place]
    encoded = given.encode()
    size_bytes = uniform(coder, MAX_POINT_BYTES + 1, len(encoded))
    encoded = raw(coder, size_bytes, encoded)
    try:
        point = encoded.decode()
    except UnicodeDecodeError:
        raise Malformed("a point that is no text") from None
    if len(point) > MAX_NAME_CHARS:
        raise Malformed("a point's name is too long")
    return point
