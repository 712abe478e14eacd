"""What a gateway says to all by radio: who is to speak next, and what is stored of each.

    says time 1, slot 15 [ | time 32 ]
    || turns: address 16 | grant 4, flags 4 [ | upto | gaps | tag 4 bytes ]

A turn grants a terminal frames, and is its receipt: everything up to `upto` is stored, except the
gaps. Where nothing is stored and nothing known, there is none. Its tag is under a key that only
this terminal and the gateways have (`radio_keys`), over what is common to all turns and the turn:
the frame around it is under the group's key, which a stolen terminal has. A receipt is written
only after the gateway's commit.

The first turn begins at once, each next one when the slots of those before it are over.
docs/wire-format.md section 13.
"""

import hmac
import math
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
SLOT_STEPS_PER_S = 1000  # turns follow each other by it: what is lost by rounding adds up
_STEP_DIGITS = 6  # what a float makes of a whole number of steps is not rounded up to the next
_SAYS_TIME = 1 << 15
MAX_SLOT_S = (_SAYS_TIME - 1) / SLOT_STEPS_PER_S
_HAS_RECEIPT, _FLAGS = 8, 7
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

    @property
    def has_receipt(self) -> bool:
        """Whether it says anything that has to be believed."""
        return bool(self.upto or self.flags & ~Flags.SAY_STATUS)

    def pack(self) -> bytes:
        """The turn without its tag."""
        octet = self.grant << 4 | _HAS_RECEIPT * self.has_receipt | self.flags
        said = self.address.to_bytes(2, "big") + bytes([octet])
        if not self.has_receipt:
            return said
        said += pack_number(self.upto) + bytes([len(self.gaps)])
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
    """The gateway's clock, Unix seconds; 0: it does not know the time, or does not say."""
    slot_s: float
    """How long one granted frame may take, travels rounded up to milliseconds."""

    def pack(self) -> bytes:
        """Two bytes, or six with the time."""
        steps = math.ceil(round(self.slot_s * SLOT_STEPS_PER_S, _STEP_DIGITS))
        if not self.time_s:
            return steps.to_bytes(2, "big")
        time_s = min(self.time_s, _MAX_TIME_S)
        return (_SAYS_TIME | steps).to_bytes(2, "big") + time_s.to_bytes(4, "big")


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
        packed = _packed_within(turn, limit_bytes - len(content), packed_head, key_of)
        if packed is None:
            break
        content += packed
        taken += 1
    if turns and not taken:
        raise ValueError("a schedule needs longer frames than these")
    return content, taken


def unpack_schedule(content: bytes) -> tuple[ScheduleHead, tuple[HeardTurn, ...]]:
    """Read a schedule; raises `Malformed`."""
    octets = Octets(content)
    steps = octets.whole(2)
    time_s = octets.whole(4) if steps & _SAYS_TIME else 0
    if steps & _SAYS_TIME and not time_s:
        raise Malformed("a time that is said and not known")
    head = ScheduleHead(time_s, steps % _SAYS_TIME / SLOT_STEPS_PER_S)
    packed_head = content[: octets.at]
    turns: list[HeardTurn] = []
    while not octets.is_at_end:
        start = octets.at
        turn = _unpack_turn(octets)
        said = packed_head + content[start : octets.at]
        tag = octets.take(RECEIPT_TAG_BYTES) if turn.has_receipt else b""
        turns.append(HeardTurn(turn, said, tag))
    return head, tuple(turns)


def _packed_within(
    turn: Turn, limit_bytes: int, packed_head: bytes, key_of: Callable[[int], bytes]
) -> bytes | None:
    for gaps in range(len(turn.gaps), -1, -1):
        cut = turn.cut(gaps)
        said = cut.pack()
        if len(said) + RECEIPT_TAG_BYTES * cut.has_receipt <= limit_bytes:
            if not cut.has_receipt:
                return said
            return said + receipt_tag(key_of(turn.address), packed_head + said)
    return None


def _unpack_turn(octets: Octets) -> Turn:
    address, octet = octets.whole(2), octets.whole(1)
    grant, flags = octet >> 4, Flags(octet & _FLAGS)
    if not octet & _HAS_RECEIPT:
        bare = Turn(address, grant, flags)
        if bare.has_receipt:
            raise Malformed("something to be believed, and no receipt")
        return bare
    upto, count = octets.number(), octets.whole(1)
    gaps: list[Range] = []
    previous = 0
    for _ in range(count):
        first = previous + 1 + octets.number()
        previous = first + octets.number()
        gaps.append((first, previous))
    if previous > upto or upto > MAX_SEQ or count > MAX_GAPS:
        raise Malformed("a receipt with gaps behind its end, too many, or a number out of bounds")
    turn = Turn(address, grant, flags, upto, tuple(gaps))
    if not turn.has_receipt:
        raise Malformed("a receipt that says nothing")
    return turn
