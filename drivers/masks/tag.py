"""What a contactless tag says, masked command by command (hw/tags.md).

The identifier becomes a specimen's, the same one for the same tag; the message is masked by
`drivers.masks.ndef`. Kept: what is the same for every tag of a model, such as the capability
container. An answer to a command that is not understood becomes zeros.
"""

from collections.abc import Callable

from drivers.masks import ndef
from drivers.masks.base import Numbers

_RANDOM, _MAKER_NXP = 0x08, 0x04  # first bytes of an identifier that tell of no single tag
_NTAG_UID_BYTES = 7
_CASCADE_TAG = 0x88
_PAGE_BYTES, _READ_BYTES = 4, 16
_READ, _FAST_READ, _GET_VERSION = 0x30, 0x3A, 0x60
_CONTAINER_AT, _AREA_AT = 3 * _PAGE_BYTES, 4 * _PAGE_BYTES
_SERIAL_BYTES = 9  # identifier and its two check bytes
_SELECT_FILE, _READ_BINARY = bytes.fromhex("00 A4 00 0C 02"), bytes.fromhex("00 B0")
_CONTAINER_FILE = bytes.fromhex("E1 03")
_STATUS_BYTES = 2


class TagMask:
    """Masks one tag after the other."""

    def __init__(self) -> None:
        self._numbers = Numbers()
        self._uid = b""
        self._file = b""
        self._area = _Stretch(ndef.area)
        self._message = _Stretch(ndef.file)

    def found(self, uid: bytes) -> bytes:
        """A tag was found; the identifier of its specimen."""
        kept = uid[:1] if uid[:1] in {bytes([_RANDOM]), bytes([_MAKER_NXP])} else b"\0"
        number = self._numbers.of(uid).to_bytes(max(len(uid) - 1, 2), "big")
        self._uid = (kept + number[-(len(uid) - 1) :])[: len(uid)] if uid else b""
        self._file = b""
        self._area, self._message = _Stretch(ndef.area), _Stretch(ndef.file)
        return self._uid

    def asked(self, command: bytes) -> bytes:
        """What may be told of a command to the tag: all of those that only read."""
        if command.startswith((_READ_BINARY, b"\x00\xa4")):
            return command
        if command[:1] in {bytes([code]) for code in (_READ, _FAST_READ, _GET_VERSION)}:
            return command[:3] + bytes(max(len(command) - 3, 0))  # else a key comes behind
        return command[:1] + bytes(max(len(command) - 1, 0))

    def answered(self, command: bytes, answer: bytes) -> bytes:
        """The answer to a command."""
        if command.startswith(_SELECT_FILE):
            self._file = command[len(_SELECT_FILE) :][:2]
        if command[:2] in {_SELECT_FILE[:2], _READ_BINARY}:
            data, status = answer[:-_STATUS_BYTES], answer[-_STATUS_BYTES:]
            return self._of_file(command, data) + status
        if len(command) == 2 and command[0] == _READ:
            return self._of_memory(command[1] * _PAGE_BYTES, answer)
        if len(command) == 3 and command[0] == _FAST_READ:
            return self._of_memory(command[1] * _PAGE_BYTES, answer)
        if command == bytes([_GET_VERSION]):
            return answer
        return bytes(len(answer))

    def _of_file(self, command: bytes, data: bytes) -> bytes:
        if not command.startswith(_READ_BINARY) or len(command) < 4:
            return bytes(len(data))
        if self._file == _CONTAINER_FILE:
            return data
        return self._message.at(int.from_bytes(command[2:4], "big"), data)

    def _of_memory(self, at: int, data: bytes) -> bytes:
        """Bytes of a Type 2 tag from an address on."""
        head = self._serial().ljust(_CONTAINER_AT, b"\0")  # lock bytes are told by no one
        masked = head[at:][: len(data)]
        masked += data[len(masked) : max(_AREA_AT - at, 0)]
        area_at = at + len(masked) - _AREA_AT
        return masked + self._area.at(area_at, data[len(masked) :]) if area_at >= 0 else masked

    def _serial(self) -> bytes:
        if len(self._uid) != _NTAG_UID_BYTES:
            return bytes(_SERIAL_BYTES)
        first, second = self._uid[:3], self._uid[3:]
        return first + bytes([_xor(first) ^ _CASCADE_TAG]) + second + bytes([_xor(second)])


class _Stretch:
    """Bytes by address: masked in order, and the same again when they are read again."""

    def __init__(self, make: Callable[[], ndef.Streamed]) -> None:
        self._masker = make()
        self._masked = bytearray()

    def at(self, address: int, data: bytes) -> bytes:
        """The mask of bytes from an address on; zeros beyond a hole."""
        if address > len(self._masked):
            return bytes(len(data))
        self._masked += self._masker.feed(data[len(self._masked) - address :])
        return bytes(self._masked[address : address + len(data)])


def _xor(data: bytes) -> int:
    total = 0
    for value in data:
        total ^= value
    return total
