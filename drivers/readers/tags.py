"""How to get at what a contactless tag holds, whatever reader it lies on (hw/tags.md).

A script says what to send to the tag and is given its answer: pure, so that a reader on PC/SC and
one on a serial line play the same ones.
"""

from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

from drivers.readers.base import CardTrouble, TagRead, TroubleReason
from drivers.readers.ndef import NdefError, first_text

T = TypeVar("T")
Conversation = Generator[bytes, bytes | None, T]
"""Yields what to send, is sent the answer, None for a refusal without words.

Raises `TagLost` when the tag stops keeping what it promised.
"""
Script = Conversation[bytes | None]
"""A conversation with the tag itself; returns its NDEF message, None if it holds none."""

MESSAGE_MAX_BYTES = 4096  # ours: a badge has 300; longer ones are taken for no text

_RANDOM_UID_BYTES = 4
_RANDOM_UID_BEGINS = 0x08  # ISO/IEC 14443-3: an identifier made up at power-on

# Type 4 (hw/tags.md 3): an APDU each.
SELECT_APPLICATION = bytes.fromhex("00 A4 04 00 07 D2 76 00 00 85 01 01 00")
CC_FILE = bytes.fromhex("E1 03")
_DONE = bytes.fromhex("90 00")
_CC_BYTES = 15
_LENGTH_BYTES = 2  # of the message, in front of it
_NDEF_FILE_TLV = bytes.fromhex("04 06")
_READ_MAX_BYTES = 240  # with its status it fits a PN532's 255-byte frame
_READ_MIN_BYTES = 15  # no tag may offer less

# Type 2 (hw/tags.md 2): READ answers with four pages.
READ_PAGES = 0x30
PAGE_BYTES = 4
ANSWER_BYTES = 16
_CC_PAGE = 3
_AREA_PAGE = 4
_PAGES_MAX = 256  # without sector select
_CC_MAGIC = 0xE1
_AREA_UNIT_BYTES = 8
_TLV_NULL = 0x00
_TLV_NDEF = 0x03
_TLV_END = 0xFE
_TLV_LONG = 0xFF  # the length follows in two bytes


class TagLost(OSError):
    """The tag moved or was taken away while it was read."""


def type2_message() -> Script:
    """Read a Type 2 tag (NTAG, Ultralight) with READ commands, no further than its message."""
    head = yield _read_pages(_CC_PAGE)
    if head is None or len(head) < PAGE_BYTES or head[0] != _CC_MAGIC or head[3] >> 4:
        return None  # not formatted, or not to be read by everybody
    area = _Area(min(head[2] * _AREA_UNIT_BYTES, (_PAGES_MAX - _AREA_PAGE) * PAGE_BYTES))
    at = 0
    while at < area.size_bytes:
        kind = yield from area.number(at, 1)
        at += 1
        if kind == _TLV_NULL:
            continue
        if kind == _TLV_END:
            return None
        length = yield from area.number(at, 1)
        at += 1
        if length == _TLV_LONG:
            length = yield from area.number(at, 2)
            at += 2
        if kind == _TLV_NDEF:
            return (yield from area.part(at, length)) or None
        at += length
    return None


class _Area:
    """The data of a Type 2 tag, fetched as far as it is looked at."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._read = bytearray()

    def part(self, at: int, length: int) -> Conversation[bytes]:
        """These bytes; none if the tag does not have all of them."""
        if at + length > self.size_bytes:
            return b""
        while len(self._read) < at + length:
            answer = yield _read_pages(_AREA_PAGE + len(self._read) // PAGE_BYTES)
            if answer is None or len(answer) != ANSWER_BYTES:
                raise TagLost("a tag stopped answering")
            self._read += answer
        return bytes(self._read[at : at + length])

    def number(self, at: int, length: int) -> Conversation[int]:
        """The same as a number; 0 beyond the end."""
        return int.from_bytes((yield from self.part(at, length)), "big")


def _read_pages(page: int) -> bytes:
    return bytes([READ_PAGES, page])


def type4_message() -> Script:
    """Read a Type 4 tag (a chip card or a phone) with APDUs."""
    for apdu in (SELECT_APPLICATION, _select_file(CC_FILE)):
        if data_of((yield apdu)) is None:
            return None
    cc = data_of((yield _read_binary(0, _CC_BYTES)))
    if cc is None or len(cc) < _CC_BYTES or cc[7:9] != _NDEF_FILE_TLV or cc[13]:
        return None  # of a kind we do not know, or not to be read by everybody
    read_max_bytes, file_id, file_bytes = _number(cc[3:5]), cc[9:11], _number(cc[11:13])
    if data_of((yield _select_file(file_id))) is None:
        raise TagLost("a tag does not have the file it names")
    told_length = yield from _part(0, _LENGTH_BYTES)
    if len(told_length) < _LENGTH_BYTES:
        raise TagLost("a tag gave half a length")
    length = _number(told_length)
    if not 0 < length <= min(MESSAGE_MAX_BYTES, file_bytes - _LENGTH_BYTES):
        return None
    step_bytes = min(max(read_max_bytes, _READ_MIN_BYTES), _READ_MAX_BYTES)
    message = b""
    while len(message) < length:
        rest_bytes = length - len(message)
        message += yield from _part(_LENGTH_BYTES + len(message), min(rest_bytes, step_bytes))
    return message


def data_of(answer: bytes | None) -> bytes | None:
    """What an APDU's answer carries before its status word; None for any status but "done"."""
    return answer[:-2] if answer is not None and answer.endswith(_DONE) else None


def _part(at: int, length: int) -> Conversation[bytes]:
    """Up to `length` bytes of the selected file, at least one."""
    data = data_of((yield _read_binary(at, length)))
    if not data:
        raise TagLost("a tag stopped answering")
    return data[:length]


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _select_file(file_id: bytes) -> bytes:
    return bytes.fromhex("00 A4 00 0C 02") + file_id


def _read_binary(at: int, length: int) -> bytes:
    return bytes.fromhex("00 B0") + at.to_bytes(2, "big") + bytes([length])


async def play(
    script: Script, exchange: Callable[[bytes], Awaitable[bytes | None]]
) -> bytes | None:
    """Play a script over `exchange`, which sends to the tag and returns its answer."""
    answer: bytes | None = None
    while True:
        try:
            command = script.send(answer)
        except StopIteration as end:
            message: bytes | None = end.value
            return message
        answer = await exchange(command)


def told(uid: bytes, message: bytes | None) -> TagRead | CardTrouble:
    """What a tag that was read tells.

    A message that cannot be understood is none. A tag that makes up a new identifier each time
    (phones, passports) has an empty `uid`, and without a text nothing to be told by.
    """
    text = _text(message)
    if len(uid) == _RANDOM_UID_BYTES and uid[0] == _RANDOM_UID_BEGINS:
        if text is None:
            return CardTrouble(TroubleReason.WRONG_CARD_TYPE)
        return TagRead(b"", text)
    return TagRead(uid, text)


def _text(message: bytes | None) -> str | None:
    if message is None:
        return None
    try:
        return first_text(message)
    except NdefError:
        return None
