"""What a packed batch keeps of a record, and the record a receiver makes of that again.

Exact: sequence number, activation, point, lane, verdict, reason, roster version, person, kind of
credential and its digest, the check-in an undo takes back, the time's source.
To the second, downwards: `wall_ms`. Upwards to a power of two that covers the part of a second
cut off: `error_ms`. Only if the clock is not to be trusted (unset, RTC), to within a second
and a half: `mono_ms`, with its exact `boot`; otherwise both are 0. Of people on the roster `last4`
is left out.

A record that does not fit travels as its encoded body and arrives exactly as it was.
"""

from typing import NamedTuple

from protocol.codec import encode_record
from protocol.limits import DIGEST_BYTES, MAX_MS
from protocol.records import (
    UNKNOWN_ERROR_MS,
    CheckIn,
    Credential,
    CredentialKind,
    Record,
    Stamp,
    TimeSource,
    Undo,
    UnknownRecord,
)
from protocol.roster import Person
from protocol.roster_order import RosterOrder
from protocol.verdict import Reason, Verdict

SECOND_MS = 1000
LAST_SECOND = MAX_MS // SECOND_MS
LAST4_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LAST4_CHARS = 4
NO_DIGEST = 0
"""Which digest of a person: none, the document's (1), then the others'."""

MAX_REASON = 15
MAX_KIND = 15
MAX_POINT_BYTES = 4 * 32  # 32 characters of UTF-8
_TRUSTED = frozenset({TimeSource.NTP, TimeSource.GNSS})
_SMALLEST_ERROR_BITS = 10  # 1024 ms: below it there is only the second that was cut off
_MOST_ERROR_BITS = 31
UNKNOWN_ERROR = _MOST_ERROR_BITS + 1 - _SMALLEST_ERROR_BITS
_SAME_CLOCK_MS = 500  # a running clock is slewed by less within a batch


class Clock(NamedTuple):
    """What the times of many records have in common."""

    source: int = TimeSource.GNSS
    error: int = 0
    """The power of two of `error_ms` less 10; `UNKNOWN_ERROR` if nobody knows it."""
    boot: int = 0
    offset_ms: int = 0
    """`mono_ms` less `wall_ms`; 0, as `boot`, if the source is trusted."""

    @property
    def has_mono(self) -> bool:
        """Whether the wall time may have to be corrected by the monotonic clock."""
        return self.source not in _TRUSTED

    def is_like(self, other: "Clock") -> bool:
        """Whether the same clock went on."""
        return self[:3] == other[:3] and abs(self.offset_ms - other.offset_ms) <= _SAME_CLOCK_MS


class Context(NamedTuple):
    """What all records of a batch have in common."""

    activation: int
    point: str
    roster_version: int | None
    """Of the check-ins, `None` if there are none; people may be counted by a newer one."""

    def joined(self, other: "Context") -> "Context | None":
        """What both agree with, `None` if there is nothing."""
        if self[:2] != other[:2]:
            return None
        if None in {self.roster_version, other.roster_version}:
            return self if other.roster_version is None else other
        return self if self == other else None


class Presented(NamedTuple):
    """Who, and what they showed."""

    place: int | None = None
    """In the roster order; `None` for somebody on no roster."""
    kind: int = CredentialKind.RESIDENT_ID
    which: int = NO_DIGEST + 1
    digest: bytes = b""
    """Of somebody on no roster."""
    last4: str = ""


class Entry(NamedTuple):
    """One record as whole numbers and what else there is no way around."""

    seq: int = 0
    wall_s: int = 0
    clock: Clock = Clock()
    lane: int = 0
    presented: Presented = Presented()
    verdict: int = Verdict.ACCEPTED
    reason: int = Reason.EXPECTED_HERE
    undone_seq: int = 0
    """Of an undo; 0 for a check-in."""
    body: bytes | None = None
    """Of a record that does not fit, encoded; nothing else but the number counts then."""


def context_of(record: Record) -> Context:
    """What the other records of its batch must agree with."""
    version = record.roster_version if isinstance(record, CheckIn) else None
    return Context(record.activation, record.point, version)


def entry_of(seq: int, record: Record | UnknownRecord, order: RosterOrder) -> Entry:
    """A record's numbers, or its body if it has any that do not fit."""
    if isinstance(record, UnknownRecord):
        return Entry(seq, body=record.body)
    presented = _presented(record, order)
    fits = presented is not None and (
        record.reason <= MAX_REASON if isinstance(record, CheckIn) else record.seq < seq
    )
    if presented is None or not fits or len(record.point.encode()) > MAX_POINT_BYTES:
        return Entry(seq, body=encode_record(record))
    entry = Entry(seq, record.at.wall_ms // SECOND_MS, _clock(record.at), record.lane, presented)
    if isinstance(record, Undo):
        return entry._replace(undone_seq=record.seq)
    return entry._replace(verdict=record.verdict, reason=record.reason)


def record_of(entry: Entry, context: Context, order: RosterOrder) -> Record:
    """The record of an entry without body. Raises `ValueError` for a number no enumeration has."""
    at, presented = _stamp(entry), entry.presented
    person = None if presented.place is None else order.people[presented.place]
    number = None if person is None else person.number
    digest = presented.digest if person is None else digests(person)[presented.which]
    credential = Credential(CredentialKind(presented.kind), digest, presented.last4)
    if entry.undone_seq:
        return Undo(
            at, context.activation, context.point, entry.lane, entry.undone_seq, number, credential
        )
    return CheckIn(
        at,
        context.activation,
        context.point,
        entry.lane,
        Verdict(entry.verdict),
        Reason(entry.reason),
        context.roster_version or 0,
        number,
        credential,
    )


def digests(person: Person) -> tuple[bytes, ...]:
    """What `Presented.which` counts."""
    return (b"", person.digest, *person.other_digests)


def rounded_error_ms(error_ms: int) -> int:
    """What a packed batch makes of a stamp's `error_ms`."""
    return _error_ms(_error(error_ms))


def _presented(record: Record, order: RosterOrder) -> Presented | None:
    card = record.credential
    if record.person is None:
        fits = (
            len(card.digest) in {0, DIGEST_BYTES}
            and len(card.last4) <= LAST4_CHARS
            and set(card.last4) <= set(LAST4_ALPHABET)
        )
        return Presented(None, card.kind, NO_DIGEST, card.digest, card.last4) if fits else None
    place = order.place_of(record.person)
    if place is None or card.digest not in (known := digests(order.people[place])):
        return None
    return Presented(place, card.kind, known.index(card.digest))


def _clock(at: Stamp) -> Clock:
    clock = Clock(at.source, _error(at.error_ms))
    if not clock.has_mono:
        return clock
    return clock._replace(boot=at.boot, offset_ms=at.mono_ms - at.wall_ms)


def _error(error_ms: int) -> int:
    """See `Clock.error`."""
    bits = max(_SMALLEST_ERROR_BITS, (error_ms + SECOND_MS - 2).bit_length())
    return min(bits - _SMALLEST_ERROR_BITS, UNKNOWN_ERROR)


def _error_ms(error: int) -> int:
    known = error < UNKNOWN_ERROR
    return 1 << error + _SMALLEST_ERROR_BITS if known else UNKNOWN_ERROR_MS


def _stamp(entry: Entry) -> Stamp:
    clock, wall_ms = entry.clock, entry.wall_s * SECOND_MS
    return Stamp(
        wall_ms,
        min(max(0, wall_ms + clock.offset_ms), MAX_MS) if clock.has_mono else 0,
        clock.boot,
        TimeSource(clock.source),
        _error_ms(clock.error),
    )
