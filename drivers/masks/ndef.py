"""Mask of the NDEF message of a tag, byte by byte in the order of its addresses (hw/tags.md).

Structure stays: flags, lengths, the type of a record, the language of a text, the abbreviated
prefix of a link. Characters of text and links become those of a specimen, everything else zeros.
"""

from collections.abc import Generator

_TLV_NULL, _TLV_NDEF, _TLV_END, _TLV_LONG = 0x00, 0x03, 0xFE, 0xFF
_CONTROLS = frozenset({0x01, 0x02})  # where lock and memory bytes are: three bytes, all needed
_SHORT_RECORD, _HAS_ID, _WELL_KNOWN, _TNF = 0x10, 0x08, 0x01, 0x07
_TEXT, _LINK = b"T", b"U"
_LANGUAGE_BYTES = 0x3F  # in the first byte of a text
_LANGUAGE_MAX_BYTES = 8  # zh-Hans has 7; what claims to be longer is not believed
# A character of as many bytes, whatever it was: é, 样, 𠮷.
_SPECIMENS = {2: "é".encode(), 3: "样".encode(), 4: "𠮷".encode()}

Masker = Generator[int, int, None]
"""Is sent a byte, yields its mask; what it yields first means nothing."""


class Streamed:
    """A masker fed in pieces; zeros behind its end."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._is_over = False
        next(masker)

    def feed(self, data: bytes) -> bytes:
        """The mask of the next bytes."""
        return bytes(map(self._one, data))

    def _one(self, value: int) -> int:
        if self._is_over:
            return 0
        try:
            return self._masker.send(value)
        except StopIteration:
            self._is_over = True
            return 0


def area() -> Streamed:
    """The data of a Type 2 tag, from its fourth page on."""
    return Streamed(_area())


def file() -> Streamed:
    """The NDEF file of a Type 4 tag: the length of the message, two bytes, and the message."""
    return Streamed(_file())


def _area() -> Masker:
    value = yield 0
    while True:
        kind = value
        value = yield kind
        if kind == _TLV_END:
            break
        if kind == _TLV_NULL:
            continue
        length = value
        value = yield length
        if length == _TLV_LONG:
            high = value
            low = yield high
            length = high << 8 | low
            value = yield low
        if kind == _TLV_NDEF:
            value = yield from _message(value, length)
        else:
            for _ in range(length):
                value = yield value if kind in _CONTROLS else 0
    while True:
        yield 0


def _file() -> Masker:
    high = yield 0
    low = yield high
    value = yield low
    value = yield from _message(value, high << 8 | low)
    while True:
        yield 0


def _message(value: int, length: int) -> Generator[int, int, int]:
    """Mask `length` bytes, the first of which is `value`; returns the byte behind them."""
    records = _records()
    next(records)
    for _ in range(length):
        value = yield records.send(value)
    return value


def _records() -> Masker:
    """Records without end."""
    value = yield 0
    while True:
        flags = value
        type_length = yield flags
        value = yield type_length
        lengths = 1 if flags & _SHORT_RECORD else 4
        payload_length = 0
        for _ in range(lengths):
            payload_length = payload_length << 8 | value
            value = yield value
        id_length = 0
        if flags & _HAS_ID:
            id_length = value
            value = yield value
        kind = bytearray()
        for _ in range(type_length):
            kind.append(value)
            value = yield value if flags & _TNF == _WELL_KNOWN else 0
        for _ in range(id_length):
            value = yield 0
        value = yield from _payload(value, bytes(kind), flags & _TNF, payload_length)


def _payload(value: int, kind: bytes, tnf: int, length: int) -> Generator[int, int, int]:
    kept = 0
    is_text = tnf == _WELL_KNOWN and kind in {_TEXT, _LINK}
    if is_text:
        language_bytes = value & _LANGUAGE_BYTES if kind == _TEXT else 0
        kept = 1 + (language_bytes if language_bytes <= _LANGUAGE_MAX_BYTES else 0)
    specimen = b""  # the rest of a character of several bytes
    for at in range(length):
        if at < kept:
            value = yield value
        elif not is_text:
            value = yield 0
        elif value >> 6 == 0b10:
            masked, specimen = (specimen[0], specimen[1:]) if specimen else (0, b"")
            value = yield masked
        else:
            character = _character(value)
            specimen = character[1:]
            value = yield character[0]
    return value


def _character(first: int) -> bytes:
    """The specimen of the character that begins with this byte of UTF-8."""
    if first >= 0xF0:
        return _SPECIMENS[4]
    if first >= 0xE0:
        return _SPECIMENS[3]
    if first >= 0x80:
        return _SPECIMENS[2]
    for low, high, specimen in ((0x30, 0x39, b"0"), (0x41, 0x5A, b"A"), (0x61, 0x7A, b"a")):
        if low <= first <= high:
            return specimen
    return bytes([first])
