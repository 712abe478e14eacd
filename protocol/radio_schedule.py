"""What a gateway says to all by radio: who is to speak next, and what is stored of each.

    time 32 | slot 8 | news 16 || turns: address 16 | grant 4, flags 4 | upto | gaps | tag 4 bytes

A turn grants a terminal frames, and is its receipt: everything up to `upto` is stored, except the
gaps. The tag is under a key that only this terminal and the gateways have (`radio_keys`), over
what is common to all turns and the turn: the frame around it is under the group's key, which a
stolen terminal has. A receipt is written only after the gateway's commit.

The first turn begins at once, each next one when the slots of those before it are over.
docs/wire-format.md section 13.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag

from protocol.errors import Malformed
from protocol.ids import MAX_SEQ
from protocol.octets import Octets, pack_number
from protocol.radio_keys import RECEIPT_TAG_BYTES, receipt_tag
from protocol.sequences import Range, SeqSet

MAX_GRANT = 15
MAX_GAPS = 15
MAX_TURNS = 20
SLOT_STEPS_PER_S = 16
MAX_SLOT_S = 255 / SLOT_STEPS_PER_S
_HEAD_BYTES = 7
_MAX_TIME_S = 2**32 - 1


class AllKind(IntEnum):
    """What a frame from the gateway to every terminal holds."""

    SCHEDULE = 0
    NEWS = 1


class Flags(IntFlag):
    """What a gateway wants of a terminal beside its records."""

    NOTHING = 0
    EPOCH_KNOWN = 1
    """Frames need not name their epoch any more."""
    NO_SUCH_ROSTER = 2
    """Batches cannot be unpacked: pack by no roster, every record as its body."""
    SAY_STATUS = 4
    """A status, with the next frames."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A receipt for one terminal, and how many frames it may send now."""

    address: int
    grant: int = 0
    flags: Flags = Flags.NOTHING
    upto: int = 0
    """Every record up to this number is stored, except `gaps`; 0: none."""
    gaps: tuple[Range, ...] = ()

    def stored(self) -> SeqSet:
        """The numbers the gateway holds, as far as this receipt tells."""
        held = SeqSet([(1, self.upto)] if self.upto else [])
        for first, last in self.gaps:
            held.discard(first, last)
        return held

    def cut(self, gaps: int) -> "Turn":
        """The same promise with at most so many gaps: for fewer records."""
        if len(self.gaps) <= gaps:
            return self
        return replace(self, upto=self.gaps[gaps][0] - 1, gaps=self.gaps[:gaps])

    def pack(self) -> bytes:
        """The turn without its tag."""
        said = (
            self.address.to_bytes(2, "big")
            + bytes([self.grant << 4 | self.flags])
            + pack_number(self.upto)
            + bytes([len(self.gaps)])
        )
        previous = 0
        for first, last in self.gaps:
            said += pack_number(first - previous - 1) + pack_number(last - first)
            previous = last
        return said


def turn_for(address: int, stored: SeqSet, *, grant: int = 0, flags: Flags = Flags.NOTHING) -> Turn:
    """What a gateway that holds `stored` says to a terminal."""
    turn = Turn(address, grant, flags, stored.highest, tuple(stored.gaps()))
    return turn.cut(MAX_GAPS)


@dataclass(frozen=True, slots=True)
class HeardTurn:
    """A turn as it arrived: the grant may be taken up, the receipt only if `is_genuine`."""

    turn: Turn
    said: bytes = field(repr=False)
    tag: bytes = field(repr=False)

    def is_genuine(self, key: bytes) -> bool:
        """Whether the gateway wrote it for the outbox this receipt key belongs to."""
        return hmac.compare_digest(receipt_tag(key, self.said), self.tag)


@dataclass(frozen=True, slots=True)
class ScheduleHead:
    """What holds for all turns."""

    time_s: int
    """The gateway's clock, Unix seconds; 0: it does not know the time."""
    slot_s: float
    """How long one granted frame may take, travels rounded up to 1/16 s."""
    news: int
    """Number of the latest announcement modulo 2^16, 0: there is none."""

    def pack(self) -> bytes:
        """Seven bytes."""
        steps = -int(-self.slot_s * SLOT_STEPS_PER_S // 1)
        return (
            min(self.time_s, _MAX_TIME_S).to_bytes(4, "big")
            + bytes([steps])
            + (self.news % 2**16).to_bytes(2, "big")
        )


def pack_schedule(
    head: ScheduleHead,
    turns: Sequence[Turn],
    key_of: Callable[[int], bytes],
    *,
    limit_bytes: int,
) -> tuple[bytes, int]:
    """A content of at most `limit_bytes`, and how many of the turns are in it, from the first.

    `key_of` gives the receipt key for an address. A receipt with more gaps than there is room for
    is cut to fewer records. Raises `ValueError` if not even one turn fits.
    """
    packed_head = head.pack()
    content, taken = packed_head, 0
    for turn in turns[:MAX_TURNS]:
        room = limit_bytes - len(content) - RECEIPT_TAG_BYTES
        said = _packed_within(turn, room)
        if said is None:
            break
        content += said + receipt_tag(key_of(turn.address), packed_head + said)
        taken += 1
    if turns and not taken:
        raise ValueError("a schedule needs longer frames than these")
    return content, taken


def unpack_schedule(content: bytes) -> tuple[ScheduleHead, tuple[HeardTurn, ...]]:
    """Read a schedule; raises `Malformed`."""
    octets = Octets(content)
    head = ScheduleHead(octets.whole(4), octets.whole(1) / SLOT_STEPS_PER_S, octets.whole(2))
    turns: list[HeardTurn] = []
    while not octets.is_at_end:
        start = octets.at
        turn = _unpack_turn(octets)
        said = content[:_HEAD_BYTES] + content[start : octets.at]
        turns.append(HeardTurn(turn, said, octets.take(RECEIPT_TAG_BYTES)))
    return head, tuple(turns)


def _packed_within(turn: Turn, limit_bytes: int) -> bytes | None:
    for gaps in range(len(turn.gaps), -1, -1):
        said = turn.cut(gaps).pack()
        if len(said) <= limit_bytes:
            return said
    return None


def _unpack_turn(octets: Octets) -> Turn:
    address, octet = octets.whole(2), octets.whole(1)
    upto, count = octets.number(), octets.whole(1)
    gaps: list[Range] = []
    previous = 0
    for _ in range(count):
        first = previous + 1 + octets.number()
        previous = first + octets.number()
        gaps.append((first, previous))
    if previous > upto or upto > MAX_SEQ or count > MAX_GAPS:
        raise Malformed("a receipt with gaps behind its end, too many, or a number out of bounds")
    return Turn(address, octet >> 4, Flags(octet & 0x07), upto, tuple(gaps))
