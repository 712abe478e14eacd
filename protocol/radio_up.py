"""What a terminal says to the gateway by radio (docs/wire-format.md section 12).

Every content begins with one byte of `Progress`, so that the gateway knows when a burst is over and
who waits with how much. What follows is told by the frame's kind:

    STATUS   how the terminal fares, and whom it hears
    PACKED   a packed batch (`protocol.packed`)
    KEY      a wrapped record key, for the sealed records that name it
    SEALED   records as they lie in the outbox, sealed to the gateway
    PART     a piece of one of the above that is too long for a frame
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from protocol.errors import Malformed
from protocol.ids import MAX_SEQ
from protocol.limits import KEY_ID_BYTES, MAX_SEALED_BYTES
from protocol.octets import Octets, pack_number

_ADDRESS_BYTES = 2
MAX_LEFT = 15
BACKLOG_STEPS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 32, 64, 256)
"""What the code of a backlog stands for: at least so many frames."""
MAX_SECONDS = MAX_WAITING = 2**16 - 1
NO_BATTERY = 255
MAX_HEARD = 15
MAX_PERCENT = 100
MAX_SHOWN_PERCENT = 255  # airtime of before a restart may be more than the law allows now
MAX_PARTS = 16


class UpKind(IntEnum):
    """What a frame from a terminal to the gateway holds."""

    STATUS = 0
    PACKED = 1
    KEY = 2
    SEALED = 3
    PART = 4


@dataclass(frozen=True, slots=True)
class Progress:
    """Where in its burst a frame stands, and how much waits behind it."""

    left: int
    """Frames that follow in this burst, 0 to `MAX_LEFT`."""
    backlog: int
    """Frames that will wait when the burst is over; travels rounded down to `BACKLOG_STEPS`."""

    def pack(self) -> bytes:
        """One byte."""
        code = bisect_right(BACKLOG_STEPS, self.backlog) - 1
        return bytes([self.left << 4 | code])


def split_progress(content: bytes) -> tuple[Progress, bytes]:
    """Take the first byte off a content; raises `Malformed` where there is none."""
    octets = Octets(content)
    octet = octets.whole(1)
    return Progress(octet >> 4, BACKLOG_STEPS[octet & MAX_LEFT]), octets.rest()


class Fare(IntFlag):
    """How a terminal fares, yes or no."""

    READER_READY = 1
    ON_BATTERY = 2
    ENCLOSURE_OPEN = 4
    CLOCK_TRUSTED = 8


@dataclass(frozen=True, slots=True)
class HeardNode:
    """How well somebody was heard lately."""

    address: int
    rssi_dbm: int
    """-255 to 0."""
    frames: int
    """Since the last status, at most 255."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a terminal tells of itself every few minutes, and when it is asked."""

    waiting: int
    """Records without a receipt, at most `MAX_WAITING`."""
    oldest_s: int
    """Age of the oldest of them, at most `MAX_SECONDS`."""
    fare: Fare
    battery_percent: int | None
    roster_version: int
    """0: no roster."""
    news: int
    """Number of the last announcement that arrived whole."""
    airtime_percent: int
    """Of what the law allows it, used; 0 where it counts none."""
    heard: tuple[HeardNode, ...] = ()
    """At most `MAX_HEARD`, whom it hears best first."""

    def pack(self) -> bytes:
        """The content after the progress."""
        battery = NO_BATTERY if self.battery_percent is None else self.battery_percent
        head = (
            self.waiting.to_bytes(2, "big")
            + self.oldest_s.to_bytes(2, "big")
            + bytes([self.fare, battery, min(self.airtime_percent, MAX_SHOWN_PERCENT)])
            + pack_number(self.roster_version)
            + pack_number(self.news)
        )
        return head + b"".join(
            each.address.to_bytes(_ADDRESS_BYTES, "big") + bytes([-each.rssi_dbm, each.frames])
            for each in self.heard[:MAX_HEARD]
        )


def unpack_status(content: bytes) -> Status:
    """Read a status; raises `Malformed`."""
    octets = Octets(content)
    waiting, oldest_s = octets.whole(2), octets.whole(2)
    fare, battery, airtime = Fare(octets.whole(1) & 0x0F), octets.whole(1), octets.whole(1)
    if MAX_PERCENT < battery < NO_BATTERY:
        raise Malformed("a battery that is more than full")
    roster_version, news = octets.number(), octets.number()
    heard: list[HeardNode] = []
    while not octets.is_at_end:
        heard.append(HeardNode(octets.whole(_ADDRESS_BYTES), -octets.whole(1), octets.whole(1)))
    if len(heard) > MAX_HEARD:
        raise Malformed("heard more nodes than a status tells")
    return Status(
        waiting,
        oldest_s,
        fare,
        None if battery == NO_BATTERY else battery,
        roster_version,
        news,
        airtime,
        tuple(heard),
    )


@dataclass(frozen=True, slots=True)
class SealedRows:
    """Records with consecutive numbers, sealed under one record key."""

    key_id: bytes
    first_seq: int
    rows: Sequence[bytes] = field(repr=False)

    def pack(self) -> bytes:
        """The content after the progress."""
        return (
            self.key_id
            + pack_number(self.first_seq)
            + b"".join(pack_number(len(row)) + row for row in self.rows)
        )


def unpack_sealed(content: bytes) -> SealedRows:
    """Read sealed records; raises `Malformed`."""
    octets = Octets(content)
    key_id, first_seq = octets.take(KEY_ID_BYTES), octets.number()
    rows: list[bytes] = []
    while not octets.is_at_end:
        size_bytes = octets.number()
        if size_bytes > MAX_SEALED_BYTES:
            raise Malformed("a sealed record that is too long")
        rows.append(octets.take(size_bytes))
    if not rows or not 1 <= first_seq <= MAX_SEQ - len(rows) + 1:
        raise Malformed("no records, or a number out of bounds")
    return SealedRows(key_id, first_seq, tuple(rows))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a content that is too long for one frame."""

    number: int
    """Of the content, 0 to 255: it tells its pieces from those of another."""
    place: int
    last: int
    """Place of the last piece, below `MAX_PARTS`."""
    data: bytes = field(repr=False)

    def pack(self) -> bytes:
        """The content after the progress."""
        return bytes([self.number, self.place << 4 | self.last]) + self.data


def unpack_part(content: bytes) -> Part:
    """Read a piece; raises `Malformed`."""
    octets = Octets(content)
    number, places = octets.whole(1), octets.whole(1)
    place, last = places >> 4, places & MAX_PARTS - 1
    if place > last or octets.is_at_end:
        raise Malformed("a piece behind the last one, or an empty one")
    return Part(number, place, last, octets.rest())


def split_parts(kind: UpKind, content: bytes, number: int, limit_bytes: int) -> Iterator[Part]:
    """Cut a content into pieces whose packed form is at most `limit_bytes` long.

    Raises `ValueError` for one that would need more than `MAX_PARTS`.
    """
    whole = bytes([kind]) + content
    room = limit_bytes - 2
    last = (len(whole) - 1) // room
    if last >= MAX_PARTS:
        raise ValueError("a content too long for any number of frames")
    for place in range(last + 1):
        yield Part(number % 256, place, last, whole[place * room : (place + 1) * room])


def join_parts(parts: Sequence[Part]) -> tuple[UpKind, bytes]:
    """Put all pieces of one content together, in order of their places; raises `Malformed`."""
    whole = b"".join(part.data for part in sorted(parts, key=lambda part: part.place))
    try:
        kind = UpKind(whole[0])
    except (ValueError, IndexError):
        raise Malformed("pieces of a kind nobody knows") from None
    if kind is UpKind.PART:
        raise Malformed("pieces of pieces")
    return kind, whole[1:]
