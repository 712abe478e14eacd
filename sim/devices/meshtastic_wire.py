"""The protobuf a simulated Meshtastic node speaks, and the frames around it. Pure.

Written from hw/meshtastic.md 2 and 3.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

START = b"\x94\xc3"
HEADER_BYTES = 4
MAX_MESSAGE_BYTES = 512

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_UINT64_MASK = (1 << 64) - 1
Fields = Mapping[int, int | bytes]


class Malformed(ValueError):
    """The bytes are no protobuf message."""


class Float(float):
    """A number that is written in four bytes."""


class Fixed(int):
    """A number that is written in four bytes."""


def build(fields: Mapping[int, "int | float | bytes"]) -> bytes:
    """Encode a message: a `Fixed` or `Float` in four bytes, an int as a varint; 0 is left out."""
    out = bytearray()
    for number, value in fields.items():
        if isinstance(value, bytes):
            out += _varint(number << 3 | _BYTES) + _varint(len(value)) + value
        elif value == 0:
            continue
        elif isinstance(value, Fixed):
            out += _varint(number << 3 | _FIXED32) + value.to_bytes(4, "little")
        elif isinstance(value, float):
            out += _varint(number << 3 | _FIXED32) + struct.pack("<f", value)
        else:
            out += _varint(number << 3 | _VARINT) + _varint(value & _UINT64_MASK)
    return bytes(out)


def take_apart(data: bytes) -> Fields:
    """Decode a message: numbers as they are, fixed ones as their bytes. Raises `Malformed`."""
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        key, at = _take_varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            fields[key >> 3], at = _take_varint(data, at)
            continue
        if wire == _BYTES:
            size, at = _take_varint(data, at)
        elif wire in {_FIXED64, _FIXED32}:
            size = 8 if wire == _FIXED64 else 4
        else:
            raise Malformed(f"wire type {wire}")
        if at + size > len(data):
            raise Malformed("cut short")
        fields[key >> 3] = data[at : at + size]
        at += size
    return fields


def number(fields: Fields, which: int) -> int:
    """A varint or fixed32; 0 if it is absent. Raises `Malformed` for other bytes."""
    value = fields.get(which, 0)
    if isinstance(value, bytes):
        if len(value) != 4:
            raise Malformed(f"field {which} is no number")
        return int.from_bytes(value, "little")
    return value


def blob(fields: Fields, which: int) -> bytes:
    """Bytes; empty if they are absent. Raises `Malformed` for a number."""
    value = fields.get(which, b"")
    if not isinstance(value, bytes):
        raise Malformed(f"field {which} is no bytes")
    return value


def framed(message: bytes) -> bytes:
    """A message as it goes over the line."""
    return START + len(message).to_bytes(2, "big") + message


@dataclass
class FrameReader:
    """The node's parser: byte by byte, and nothing but what it waits for moves it on."""

    _taken: bytearray = field(default_factory=bytearray)

    def take(self, byte: int) -> bytes | None:
        """Take one byte; the message, if it was the last of one."""
        taken = self._taken
        taken.append(byte)
        if len(taken) <= len(START):
            if byte != START[len(taken) - 1]:
                taken.clear()
            return None
        if len(taken) < HEADER_BYTES:
            return None
        size = int.from_bytes(taken[2:HEADER_BYTES], "big")
        if size > MAX_MESSAGE_BYTES:
            taken.clear()
        if not taken or len(taken) < HEADER_BYTES + size:
            return None
        message = bytes(taken[HEADER_BYTES:])
        taken.clear()
        return message


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _take_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value & _UINT64_MASK, at
    raise Malformed("a varint does not end")
