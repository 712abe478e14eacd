"""What the terminals of one point tell each other (docs/wire-format.md section 15).

    point 3 | lane 8 bits | roster fingerprint 3 || activation || sightings

A sighting says who was at the sender's lane and how long ago, or that it was taken back. It stands
under the group's key, which a stolen terminal has: worth an "already here", and nothing more.
There are no names, and no times of day: terminals without a clock understand each other.
"""

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

from protocol.errors import Malformed
from protocol.limits import MAX_COUNT
from protocol.octets import Octets, pack_number
from protocol.roster_order import FINGERPRINT_BYTES

POINT_MARK_BYTES = 3  # two points of 256 share one in 1 of 500 counties; they are out of earshot
DIGEST_MARK_BYTES = 4
"""Of a credential digest. 1000 strangers at a roster of 5000: one of them is taken for somebody in
1 of 860 musters, and that costs a wrong word; with 3 bytes it would be in 1 of 4."""
MAX_AGE_S = 2**31 - 1
MAX_LANE = 99
NO_ROSTER = bytes(FINGERPRINT_BYTES)
"""In place of a fingerprint. A roster that really has it is named by digests, as without one."""

_IS_PLACE = 1
_IS_TAKEN_BACK = 2
_PLACE_SHIFT = 2
MAX_PLACE = (1 << 30) - 1  # no county has a thousand million people

Who = int | bytes
"""A place in the roster that both hold (`RosterOrder`), or the first bytes of a digest."""


class PeerKind(IntEnum):
    """What a frame between neighbours holds."""

    SIGHTINGS = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody was at a lane, or a mistake about them was taken back."""

    who: Who = field(repr=False)
    age_s: int
    """Seconds since then, at most `MAX_AGE_S`."""
    is_taken_back: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """The content of one frame: a lane's word."""

    point_mark: bytes
    lane: int
    """1 to `MAX_LANE`, at the point."""
    roster: bytes
    """Fingerprint of the sender's roster, or `NO_ROSTER`."""
    activation: int
    sightings: tuple[Sighting, ...] = ()
    """Youngest first. Empty: the lane is there, and has nothing to tell."""


def point_mark(point: str) -> bytes:
    """Names a point in three bytes."""
    return hashlib.sha256(point.encode()).digest()[:POINT_MARK_BYTES]


def digest_mark(digest: bytes) -> bytes:
    """Names a credential to those who hold its digest too; empty if there is none."""
    return digest[:DIGEST_MARK_BYTES]


def pack_told(told: Told, *, limit_bytes: int) -> tuple[bytes, int]:
    """A content of at most `limit_bytes`, and how many of the sightings are in it, from the first.

    Raises `ValueError` for sightings that are not youngest first, for a place or an age out of
    bounds, and if not even the head fits.
    """
    content = told.point_mark + bytes([told.lane]) + told.roster + pack_number(told.activation)
    if len(content) > limit_bytes:
        raise ValueError("no room for the head")
    before_s = 0
    for taken, sighting in enumerate(told.sightings):
        packed = _pack_who(sighting) + pack_number(_gap_s(before_s, sighting.age_s))
        if len(content) + len(packed) > limit_bytes:
            return content, taken
        content += packed
        before_s = sighting.age_s
    return content, len(told.sightings)


def unpack_told(content: bytes) -> Told:
    """Read a content; raises `Malformed`."""
    octets = Octets(content)
    mark, lane = octets.take(POINT_MARK_BYTES), octets.whole(1)
    roster, activation = octets.take(FINGERPRINT_BYTES), octets.number()
    if not 1 <= lane <= MAX_LANE or activation > MAX_COUNT:
        raise Malformed("a lane or an activation out of bounds")
    sightings: list[Sighting] = []
    age_s = 0
    while not octets.is_at_end:
        who, is_taken_back = _unpack_who(octets)
        age_s += octets.number()
        if age_s > MAX_AGE_S:
            raise Malformed("a sighting from another age")
        sightings.append(Sighting(who, age_s, is_taken_back))
    return Told(mark, lane, roster, activation, tuple(sightings))


def _gap_s(before_s: int, age_s: int) -> int:
    if not before_s <= age_s <= MAX_AGE_S:
        raise ValueError("sightings go from the youngest to the oldest")
    return age_s - before_s


def _pack_who(sighting: Sighting) -> bytes:
    who, flags = sighting.who, _IS_TAKEN_BACK * sighting.is_taken_back
    if isinstance(who, int):
        if not 0 <= who <= MAX_PLACE:
            raise ValueError("no place in any roster")
        return pack_number(who << _PLACE_SHIFT | flags | _IS_PLACE)
    if len(who) != DIGEST_MARK_BYTES:
        raise ValueError("no mark of a digest")
    return bytes([flags]) + who


def _unpack_who(octets: Octets) -> tuple[Who, bool]:
    number = octets.number()
    is_taken_back = bool(number & _IS_TAKEN_BACK)
    if number & _IS_PLACE:
        if number >> _PLACE_SHIFT > MAX_PLACE:
            raise Malformed("no place in any roster")
        return number >> _PLACE_SHIFT, is_taken_back
    if number >> _PLACE_SHIFT:
        raise Malformed("a digest with a place")
    return octets.take(DIGEST_MARK_BYTES), is_taken_back
