"""PN532 wire format on a serial line: commands out, answers in (hw/pn532.md 2 to 4).

    00 00 FF | LEN LCS | TFI data | DCS 00       LEN + LCS = 0, TFI + data + DCS = 0, modulo 256
    00 00 FF FF FF | LENM LENL LCS | TFI data | DCS 00

Pure: no I/O and no clock.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from drivers.readers.marked_framer import MarkedFramer

_START = bytes.fromhex("00 FF")
_ACK = bytes.fromhex("00 FF")  # where LEN and LCS would be
_NACK = bytes.fromhex("FF 00")
_EXTENDED = bytes.fromhex("FF FF")
_LENGTHS_AT = len(_START)
_BODY_AT = _LENGTHS_AT + 2
_EXTENDED_BODY_AT = _BODY_AT + 3
_BODY_MAX = 265  # TFI, command code and 263 bytes of data, the most a PN532 takes or gives

_TO_READER = 0xD4
_FROM_READER = 0xD5

ABORT = bytes.fromhex("00 00 FF 00 FF 00")  # an ACK from the host ends the command in progress
WAKE_UP = bytes.fromhex("55 55") + bytes(14)  # the clock needs the time of these to start

_STATUS_CODE = 0x3F  # the bits above tell of chained data, which we never ask for
_UID_AT = 5


class Command(IntEnum):
    """What we ask."""

    FIRMWARE = 0x02
    SAM_CONFIGURATION = 0x14
    RF_CONFIGURATION = 0x32
    EXCHANGE = 0x40
    LIST_TARGET = 0x4A


@dataclass(frozen=True, slots=True)
class Target:
    """A tag of type A that was found; `sel_res` tells what it speaks."""

    sel_res: int
    uid: bytes = field(repr=False)


def frame(command: Command, data: bytes = b"") -> bytes:
    """The frame of a command with up to 252 bytes of data."""
    body = bytes([_TO_READER, command]) + data
    lengths = bytes([len(body), -len(body) & 0xFF])
    return b"\0" + _START + lengths + body + bytes([-sum(body) & 0xFF, 0])


def answer_to(command: Command, body: bytes) -> bytes | None:
    """The data of a frame's body if it answers `command`, else None."""
    head = bytes([_FROM_READER, command + 1])
    return body[len(head) :] if body.startswith(head) else None


def parse_target(data: bytes) -> Target | None:
    """The tag in the answer to LIST_TARGET; None if there is none, or the answer makes no sense."""
    if len(data) <= _UID_AT or data[0] == 0:
        return None
    length = data[_UID_AT]
    uid = data[_UID_AT + 1 : _UID_AT + 1 + length]
    return Target(data[_UID_AT - 1], uid) if 0 < length == len(uid) else None


def exchanged(data: bytes) -> bytes | None:
    """The tag's own words in the answer to EXCHANGE; None if the PN532 got none out of it."""
    return data[1:] if data and not data[0] & _STATUS_CODE else None


class Pn532Framer(MarkedFramer):
    """Cuts a byte stream into bodies, TFI onwards; drops ACKs and NACKs."""

    mark = _START

    def _frame_end(self) -> int | None:
        place = _place(self._pending)
        return None if place is None else place.stop

    def _payloads(self, frame: bytes) -> list[bytes] | None:
        place = _place(frame)
        body = frame[place] if place is not None else b""
        if sum(body) & 0xFF:
            return None
        return [body[:-1]] if body else []


def _place(frame: bytes | bytearray) -> slice | None:
    """Where the body of the frame at the front lies, checksum included; None: none begins here.

    Ends beyond `frame` while that is unknown; is empty for an ACK or NACK.
    """
    lengths = bytes(frame[_LENGTHS_AT:_BODY_AT])
    if len(lengths) < 2 or lengths in (_ACK, _NACK):
        return slice(_BODY_AT, _BODY_AT)
    if lengths != _EXTENDED:
        return _body(_BODY_AT, lengths[0], sum(lengths))
    extended = frame[_BODY_AT:_EXTENDED_BODY_AT]
    if len(extended) < 3:
        return slice(_EXTENDED_BODY_AT, _EXTENDED_BODY_AT)
    return _body(_EXTENDED_BODY_AT, int.from_bytes(extended[:2], "big"), sum(extended))


def _body(at: int, length: int, checked_sum: int) -> slice | None:
    is_frame = checked_sum & 0xFF == 0 and 0 < length <= _BODY_MAX
    return slice(at, at + length + 1) if is_frame else None
