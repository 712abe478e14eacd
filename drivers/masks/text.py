"""Mask of what scanners send: every code becomes a specimen of the same shape.

A digit stays a digit, a letter a letter of its case, a Chinese character one of as many bytes;
punctuation, control characters, prefixes and suffixes stay. The same code is the same specimen
throughout a recording.
"""

import re
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase, digits

from drivers.masks.base import Masks, Numbers, Unchanged

LINE_MAX_BYTES = 4296  # the longest QR code; what is longer is masked in parts
_SEPARATORS = re.compile(rb"([\r\n\t\x02\x03])")  # Enter, Tab, STX, ETX: never part of a code
_CLASSES = (digits, ascii_uppercase, ascii_lowercase)
_OTHER_BY_BYTES = {2: "é", 3: "样", 4: "𠮷"}
_NO_TEXT = 0xFF  # in no UTF-8: what was no text stays none
_ASCII = 0x80

Specimen = Callable[[bytes, int], bytes]
"""Makes a line's specimen of the same size, told from others by its number."""


def text_masks() -> Masks:
    """Masks for one recording of a scanner. Commands to it hold nothing and stay."""
    return Masks(host=Unchanged(), device=LineMask())


class LineMask:
    """A `Mask` of lines, with separators or without: then a quiet line ends one."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._numbers = Numbers()

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        self._pending += data
        *parts, rest = _SEPARATORS.split(bytes(self._pending))
        masked = b"".join(self._masked(part) for part in parts)
        while len(rest) > LINE_MAX_BYTES:
            masked += self._masked(rest[:LINE_MAX_BYTES])
            rest = rest[LINE_MAX_BYTES:]
        self._pending = bytearray(rest)
        return masked

    def end(self) -> bytes:
        """See `Mask.end`."""
        rest, self._pending = bytes(self._pending), bytearray()
        return self._masked(rest)

    def _masked(self, part: bytes) -> bytes:
        if not part or _SEPARATORS.fullmatch(part):
            return part
        return specimen_line(part, self._numbers.of(part))


def specimen_line(line: bytes, number: int) -> bytes:
    """A line of the same shape, with `number` written into its last digits and letters."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return bytes(_NO_TEXT if value >= _ASCII else _byte_alike(value) for value in line)
    return numbered(text, number).encode()


def numbered(text: str, number: int) -> str:
    """The same for text: zeros and As, the number counted up in them from the right."""
    specimen = [_alike(character) for character in text]
    for at in range(len(specimen) - 1, -1, -1):
        order = next((order for order in _CLASSES if text[at] in order), None)
        if order is not None:
            number, digit = divmod(number, len(order))
            specimen[at] = order[digit]
    return "".join(specimen)


def _alike(character: str) -> str:
    for order in _CLASSES:
        if character in order:
            return order[0]
    return _OTHER_BY_BYTES.get(len(character.encode()), character)


def _byte_alike(value: int) -> int:
    return ord(_alike(chr(value)))
