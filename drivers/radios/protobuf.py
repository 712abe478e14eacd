"""As much of protobuf's wire format as Meshtastic's messages need. Pure. hw/meshtastic.md 3."""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

VARINT_BYTES: Final = 10  # 64 bits, seven in each
_MORE, _SEVEN = 0x80, 0x7F
_UINT64 = 1 << 64
_TYPE_BITS = 3
_FLOAT = struct.Struct("<f")


class ProtobufError(ValueError):
    """The bytes are no protobuf message, or a field has another type than the one asked for."""


class WireType(IntEnum):
    """How a field's value is written."""

    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5


_FIXED_BYTES = {WireType.FIXED64: 8, WireType.FIXED32: 4}
Value = int | bytes


class Message:
    """The fields of one message; of a field told more than once, the last. Raises `ProtobufError`.

    What is absent is 0 or empty, as protobuf has it.
    """

    def __init__(self, data: bytes) -> None:
        self._fields = {number: (wire, value) for number, wire, value in _fields(data)}

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def varint(self, number: int) -> int:
        """An unsigned number, an enumeration's value, or a bool. Raises `ProtobufError`."""
        value = self._value(number, WireType.VARINT, 0)
        assert isinstance(value, int)  # noqa: S101  # what the wire type says
        return value

    def signed(self, number: int) -> int:
        """An int32 or int64. Raises `ProtobufError`."""
        value = self.varint(number)
        return value - _UINT64 if value >= _UINT64 // 2 else value

    def fixed32(self, number: int) -> int:
        """Four bytes as an unsigned number. Raises `ProtobufError`."""
        return int.from_bytes(self._bytes(number, WireType.FIXED32), "little")

    def float32(self, number: int) -> float:
        """Four bytes as a float. Raises `ProtobufError`."""
        data = self._bytes(number, WireType.FIXED32)
        return float(_FLOAT.unpack(data)[0]) if data else 0.0

    def blob(self, number: int) -> bytes:
        """Bytes, a text or a message within. Raises `ProtobufError`."""
        return self._bytes(number, WireType.BYTES)

    def _bytes(self, number: int, wire: WireType) -> bytes:
        value = self._value(number, wire, b"")
        assert isinstance(value, bytes)  # noqa: S101  # what the wire type says
        return value

    def _value(self, number: int, wire: WireType, absent: Value) -> Value:
        found, value = self._fields.get(number, (wire, absent))
        if found is not wire:
            raise ProtobufError(f"field {number} is {found.name}, not {wire.name}")
        return value


def varint_field(number: int, value: int) -> bytes:
    """A field with an unsigned number."""
    return _key(number, WireType.VARINT) + _varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """A field with bytes, or with an encoded message."""
    return _key(number, WireType.BYTES) + _varint(len(value)) + value


def fixed32_field(number: int, value: int) -> bytes:
    """A field with an unsigned number in four bytes."""
    return _key(number, WireType.FIXED32) + value.to_bytes(4, "little")


def _key(number: int, wire: WireType) -> bytes:
    return _varint(number << _TYPE_BITS | wire)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value & _SEVEN | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _fields(data: bytes) -> Iterator[tuple[int, WireType, Value]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, code = key >> _TYPE_BITS, key & (1 << _TYPE_BITS) - 1
        try:
            wire = WireType(code)
        except ValueError as error:
            raise ProtobufError(f"no wire type {code}") from error
        if number == 0:
            raise ProtobufError("no field has the number 0")
        if wire is WireType.VARINT:
            value, at = _read_varint(data, at)
            yield number, wire, value
            continue
        size = _FIXED_BYTES.get(wire)
        if size is None:
            size, at = _read_varint(data, at)
        if at + size > len(data):
            raise ProtobufError("a field goes beyond the end")
        yield number, wire, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + VARINT_BYTES]):
        value |= (byte & _SEVEN) << 7 * place
        if byte < _MORE:
            return value % _UINT64, at + place + 1
    raise ProtobufError("a varint does not end")
