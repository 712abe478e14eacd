"""Records: one fact each, immutable, sealed the moment they are made.

On the wire a record is a msgpack array `[kind, field, ...]` (docs/wire-format.md section 2). A
field is only ever added at the end, with a default; anything else is a new kind.
No record can be part of a cycle, so the garbage collector leaves them alone (`gc=False`).
"""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

from protocol.fields import Count, Milliseconds, Octet, OptionalDigest, Seq, ShortText, Word
from protocol.verdict import Reason, Verdict


class TimeSource(IntEnum):
    """What backs a wall-clock time, from nothing to satellites."""

    UNSET = 0
    RTC = 1
    NTP = 2
    GNSS = 3


class Stamp(Struct, frozen=True, array_like=True, gc=False):
    """When something happened, and how sure we are."""

    wall_ms: Milliseconds
    """Unix time in milliseconds."""
    mono_ms: Milliseconds
    """Milliseconds of the machine's monotonic clock; comparable within one `boot` only."""
    boot: Word
    """Names the run of the machine that `mono_ms` counts from."""
    source: TimeSource
    error_ms: Word
    """Largest error `wall_ms` is believed to have; `UNKNOWN_ERROR_MS` when nobody knows."""


UNKNOWN_ERROR_MS = 2**32 - 1


class CredentialKind(IntEnum):
    """What a person presented."""

    UNREADABLE = 0
    RESIDENT_ID = 1
    HMT_PERMIT = 2
    FOREIGN_2017 = 3
    FOREIGN_2023 = 4
    TRAVEL_DOCUMENT = 5
    BADGE = 6
    CODE = 7
    TAG = 8


Last4 = Annotated[str, Meta(max_length=4)]


class Credential(Struct, frozen=True, array_like=True, gc=False):
    """What is kept of a card: no name, no number, no photo.

    `digest` is the keyed hash of the number (`keys.credential_digest`), empty when nothing could
    be read; `last4` is what a person reads out to be found again.
    """

    kind: CredentialKind
    digest: OptionalDigest = b""
    last4: Last4 = ""

    def __repr__(self) -> str:
        """The kind only: what a card holds must not reach a log through a repr."""
        return f"Credential({self.kind.name})"


class CheckIn(Struct, frozen=True, array_like=True, gc=False, tag=1):
    """A person, or a card nobody knows, was at a point at a time, with the verdict they saw."""

    at: Stamp
    activation: Count
    point: ShortText
    lane: Octet
    verdict: Verdict
    reason: Reason
    roster_version: Count
    person: Count | None
    """The person's number in the roster; `None` when the card is on no roster we hold."""
    credential: Credential


class UnknownRecord(Struct, frozen=True):
    """A record of a kind this program does not know: kept, counted and shown as such."""

    kind: int
    body: bytes

    def __repr__(self) -> str:
        """Kind and size only: the body may be about a person."""
        return f"UnknownRecord(kind={self.kind}, {len(self.body)} bytes)"


class Undo(Struct, frozen=True, array_like=True, gc=False, tag=2):
    """A check-in of this terminal was a mistake: it stays in the ledger and counts no more.

    `person` and `credential` are those of the check-in, so that nobody has to find it first.
    """

    at: Stamp
    activation: Count
    point: ShortText
    lane: Octet
    seq: Seq
    """Number of the check-in, in the same outbox."""
    person: Count | None
    credential: Credential


Record = CheckIn | Undo
