"""Courier files: messages of MQTT, carried on a stick (docs/wire-format.md section 14).

What is in a file is sealed and signed by itself. The digests here guard against bad sticks and
sticks pulled too early, not against people: each message has its own, so that a torn file still
gives up what is whole in it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec
from msgspec import Struct

from protocol.errors import Malformed, Unsupported
from protocol.fields import Epoch, Milliseconds, NameText, SeqOrNone
from protocol.ids import NAME_PATTERN
from protocol.limits import MAX_MESSAGE_BYTES
from protocol.packing import decode_as

MAGIC = b"MUSTER\x1a"  # the last one stops whoever prints the file as text
VERSION = 1
MAX_FILE_BYTES = 64 * 1024 * 1024  # the roster of 500 000 people; read whole into memory
CHECK_BYTES = 8  # of SHA-256: finds what a bad stick does
UP_SUFFIX, DOWN_SUFFIX = ".up.muster", ".down.muster"

_HEAD_SIZE_BYTES, _MESSAGE_SIZE_BYTES = 2, 4
_END = 0  # in place of a kind

_DOWN_NAME = re.compile(rf"({NAME_PATTERN})-([0-9]{{1,15}}){re.escape(DOWN_SUFFIX)}")
_UP_NAME = re.compile(
    rf"({NAME_PATTERN})-([0-9a-f]{{8}})-([0-9]{{1,15}})-([0-9]{{1,15}}){re.escape(UP_SUFFIX)}"
)


class CourierKind(IntEnum):
    """What a message in a courier file is; the same bytes travel on the MQTT topic of that name."""

    ENVELOPE = 1
    RECEIPT = 2
    REFUSAL = 3
    ROSTER = 4
    ACTIVATION = 5
    REVOCATIONS = 6


class Direction(IntEnum):
    """Which way a file is carried."""

    UP = 1
    DOWN = 2


class CourierHead(Struct, frozen=True, array_like=True):
    """Whose messages these are. For the courier and for clear words: nothing is believed for it."""

    direction: Direction
    county: NameText
    node: NameText
    epoch: Epoch
    """Of the outbox; 0 on the way down."""
    first_seq: SeqOrNone
    last_seq: SeqOrNone
    """First and last record of a file going up; 0 on the way down."""
    made_ms: Milliseconds
    """When the gateway made a file going down; 0 on the way up, so that the same is the same."""

    @property
    def name(self) -> str:
        """What the file is called: no two different ones alike, and nothing about a person."""
        if self.direction is Direction.DOWN:
            return f"{self.node}-{self.made_ms}{DOWN_SUFFIX}"
        return f"{self.node}-{self.epoch:08x}-{self.first_seq}-{self.last_seq}{UP_SUFFIX}"


@dataclass(frozen=True, slots=True)
class CourierMessage:
    """One message, as it would travel on MQTT."""

    kind: CourierKind
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CourierFile:
    """What a file gave up."""

    head: CourierHead
    messages: Sequence[CourierMessage]
    """Those that are whole, in their order."""
    is_whole: bool
    """Nothing is missing, altered or added."""


def pack_courier(head: CourierHead, messages: Iterable[CourierMessage]) -> bytes:
    """The bytes of one file."""
    encoded = msgspec.msgpack.encode(head)
    parts = [MAGIC, bytes([VERSION]), _sized(encoded, _HEAD_SIZE_BYTES)]
    for each in messages:
        parts += [bytes([each.kind]), _sized(each.message, _MESSAGE_SIZE_BYTES)]
    parts.append(bytes([_END]))
    data = b"".join(parts)
    return data + hashlib.sha256(data).digest()


def unpack_courier(data: bytes) -> CourierFile:
    """Read a file, torn or not.

    Raises `Malformed` when not even the head is whole, `Unsupported` for another version.
    """
    if len(data) > MAX_FILE_BYTES:
        raise Malformed("longer than any courier file")
    if data[: len(MAGIC)] != MAGIC:
        raise Malformed("not a courier file")
    reader = _Reader(data, len(MAGIC))
    version = reader.number(1)
    if version is not None and version != VERSION:
        raise Unsupported(f"courier file version {version} is not known here")
    encoded, is_sound = reader.checked(_HEAD_SIZE_BYTES)
    if not is_sound:
        raise Malformed("the head of a courier file is torn")
    head = decode_as(encoded, CourierHead)
    messages: list[CourierMessage] = []
    is_whole = True
    for each in _messages(reader):
        if each is None:
            is_whole = False
        else:
            messages.append(each)
    ended = reader.at
    is_whole = is_whole and data[ended:] == hashlib.sha256(data[:ended]).digest()
    return CourierFile(head, messages, is_whole)


def up_range(name: str, node: str, epoch: int) -> tuple[int, int] | None:
    """First and last record of an outbox's file of this name; `None` for any other name."""
    found = _UP_NAME.fullmatch(name)
    if found is None or (found[1], found[2]) != (node, f"{epoch:08x}"):
        return None
    return int(found[3]), int(found[4])


def down_made_ms(name: str, node: str) -> int | None:
    """When the gateway made the file of this name for a node; `None` for any other name."""
    found = _DOWN_NAME.fullmatch(name)
    return int(found[2]) if found is not None and found[1] == node else None


def _check(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:CHECK_BYTES]


def _sized(content: bytes, size_bytes: int) -> bytes:
    return len(content).to_bytes(size_bytes, "big") + content + _check(content)


class _Reader:
    """Goes through the bytes; what is not there any more reads as nothing."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self.at = data, at

    def number(self, size_bytes: int) -> int | None:
        found = self._take(size_bytes)
        return int.from_bytes(found, "big") if len(found) == size_bytes else None

    def checked(self, size_bytes: int) -> tuple[bytes, bool]:
        """What follows its size, and whether it is as it was written."""
        size = self.number(size_bytes)
        if size is None or size > MAX_MESSAGE_BYTES:
            self.at = len(self._data)
            return b"", False
        content = self._take(size)
        return content, self._take(CHECK_BYTES) == _check(content)

    def _take(self, size_bytes: int) -> bytes:
        found = self._data[self.at : self.at + size_bytes]
        self.at += len(found)
        return found


def _messages(reader: _Reader) -> Iterator[CourierMessage | None]:
    """Each message up to the end; `None` for a damaged one, and for an end that is missing.

    Kinds of a later release are left out: they are not for this one.
    """
    kinds = {int(kind) for kind in CourierKind}
    while (kind := reader.number(1)) != _END:
        if kind is None:
            yield None
            return
        content, is_sound = reader.checked(_MESSAGE_SIZE_BYTES)
        if not is_sound:
            yield None
        elif kind in kinds:
            yield CourierMessage(CourierKind(kind), content)
