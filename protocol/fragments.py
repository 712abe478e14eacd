"""A small courier file as texts for QR codes, in any order and repeated (docs/wire-format.md 14).

Pure: what shows and what reads the codes is elsewhere.
"""

import hashlib
import zlib
from dataclasses import dataclass, field

from protocol.base45 import decode_base45, encode_base45
from protocol.errors import Malformed

PREFIX = "MC1:"
NAME_BYTES = 8  # of SHA-256 over the whole: says which fragments belong together
PART_BYTES = 190  # 310 characters: version 10 with correction M, which a telephone's screen shows
MAX_FRAGMENTS = 99  # 40 seconds at the pace they are shown; more goes on a stick
MAX_TOTAL_BYTES = PART_BYTES * MAX_FRAGMENTS
_CRC_BYTES = 4
_HEAD_BYTES = NAME_BYTES + 2
MAX_GATHERING = 4  # sets of fragments begun and not finished


@dataclass(frozen=True, slots=True)
class Fragment:
    """One text's content."""

    name: bytes
    index: int
    """From 0."""
    total: int
    part: bytes = field(repr=False)


def split(data: bytes) -> list[str]:
    """The texts that `data` travels in. Raises `ValueError` beyond `MAX_TOTAL_BYTES`, or empty."""
    if not 0 < len(data) <= MAX_TOTAL_BYTES:
        raise ValueError("nothing, or too much for QR codes")
    parts = [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]
    name = _name_of(data)
    return [_text(Fragment(name, index, len(parts), part)) for index, part in enumerate(parts)]


def parse_fragment(text: str) -> Fragment:
    """Read one text; blanks and line ends around it do no harm. Raises `Malformed`."""
    text = text.strip("\r\n\t ")
    if not text.startswith(PREFIX):
        raise Malformed("not a courier's code")
    data = decode_base45(text.removeprefix(PREFIX))
    body, crc = data[:-_CRC_BYTES], data[-_CRC_BYTES:]
    if zlib.crc32(body).to_bytes(_CRC_BYTES, "big") != crc:
        raise Malformed("a damaged courier's code")
    part = body[_HEAD_BYTES:]
    if not 0 < len(part) <= PART_BYTES:
        raise Malformed("a courier's code without content, or with too much")
    index, total = body[NAME_BYTES], body[NAME_BYTES + 1]
    if not index < total <= MAX_FRAGMENTS:
        raise Malformed("a courier's code out of its count")
    return Fragment(body[:NAME_BYTES], index, total, part)


class Gatherer:
    """Puts fragments together again. Of more sets at once the one begun first is forgotten."""

    def __init__(self) -> None:
        self._sets: dict[tuple[bytes, int], dict[int, bytes]] = {}

    def take(self, fragment: Fragment) -> bytes | None:
        """The whole, once it is complete and right; a set that turns out wrong begins anew."""
        key = (fragment.name, fragment.total)
        if key not in self._sets and len(self._sets) >= MAX_GATHERING:
            del self._sets[next(iter(self._sets))]
        parts = self._sets.setdefault(key, {})
        parts[fragment.index] = fragment.part
        if len(parts) < fragment.total:
            return None
        del self._sets[key]
        data = b"".join(parts[index] for index in range(fragment.total))
        return data if _name_of(data) == fragment.name else None

    def held(self, fragment: Fragment) -> int:
        """How many fragments of the set that one belongs to are here."""
        return len(self._sets.get((fragment.name, fragment.total), ()))


def _name_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:NAME_BYTES]


def _text(fragment: Fragment) -> str:
    body = fragment.name + bytes([fragment.index, fragment.total]) + fragment.part
    return PREFIX + encode_base45(body + zlib.crc32(body).to_bytes(_CRC_BYTES, "big"))
