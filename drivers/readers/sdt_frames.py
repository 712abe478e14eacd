"""SDT wire format: commands out, reply frames in (hw/sdt-reader.md 2 to 4).

    AA AA AA 96 69 | Len, 2 bytes big-endian | SW1 SW2 SW3 data | CHK

`Len` counts what follows it; `CHK` makes the XOR of everything from `Len` to itself zero.
Pure: no I/O and no clock.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from types import MappingProxyType

from drivers.readers.marked_framer import MarkedFramer

PREAMBLE = bytes.fromhex("AA AA AA 96 69")
_LENGTH_BYTES = 2
_HEAD_BYTES = len(PREAMBLE) + _LENGTH_BYTES
_LEN_MIN = 4  # a bare status and its checksum
_LEN_MAX = 2400  # above the longest reply known, text + photo + two fingerprints: 2314

# Sent by some readers for "I gave up". Its Len says 5, only 3 bytes follow, no checksum.
_VENDOR_TIMEOUT = PREAMBLE + bytes.fromhex("00 05 05 05 05")
_VENDOR_TIMEOUT_PAYLOAD = bytes.fromhex("05 05 05")


class Command(Enum):
    """What we ask; the value is command and parameter byte."""

    SAM_STATUS = bytes.fromhex("11 FF")
    SAM_RESET = bytes.fromhex("10 FF")
    SAM_ID = bytes.fromhex("12 FF")
    FIND = bytes.fromhex("20 01")
    SELECT = bytes.fromhex("20 02")
    READ = bytes.fromhex("30 01")  # text and photo
    SET_RF_BYTES = bytes.fromhex("61 FF")  # one byte follows: the longest frame on the air
    SET_BAUD_115200 = bytes.fromhex("60 00")
    SET_BAUD_57600 = bytes.fromhex("60 01")
    SET_BAUD_38400 = bytes.fromhex("60 02")
    SET_BAUD_19200 = bytes.fromhex("60 03")
    SET_BAUD_9600 = bytes.fromhex("60 04")


SET_BAUD: Mapping[int, Command] = MappingProxyType(
    {
        115200: Command.SET_BAUD_115200,
        57600: Command.SET_BAUD_57600,
        38400: Command.SET_BAUD_38400,
        19200: Command.SET_BAUD_19200,
        9600: Command.SET_BAUD_9600,
    }
)
"""The rates a reader can be told to run at."""


class Status(IntEnum):
    """The reader's verdict, SW3. SW1 and SW2 are the card's own and differ between cards."""

    READER_TIMEOUT = 0x05  # the vendor frame above
    CHECKSUM = 0x10
    LENGTH = 0x11
    COMMAND = 0x21
    UNRECOGNISED = 0x24
    CARD_REFUSED_READER = 0x31
    READER_REFUSED_CARD = 0x32
    INFO_ERROR = 0x33
    WRONG_CARD_TYPE = 0x40
    READ_FAILED = 0x41
    NO_RANDOM = 0x47
    SELF_TEST_FAILED = 0x60
    NOT_AUTHORISED = 0x66
    NO_CARD = 0x80
    SELECT_FAILED = 0x81
    OK = 0x90
    NO_SUCH_ITEM = 0x91
    FOUND = 0x9F


MEANINGS: Mapping[Status, str] = MappingProxyType(
    {
        Status.READER_TIMEOUT: "the reader gave up waiting",
        Status.CHECKSUM: "the reader got our command with a wrong checksum",
        Status.LENGTH: "the reader got our command with a wrong length",
        Status.COMMAND: "the reader does not accept this command now",
        Status.UNRECOGNISED: "the reader reports an error without a name",
        Status.CARD_REFUSED_READER: "the card does not accept the reader",
        Status.READER_REFUSED_CARD: "the reader does not accept the card: possibly forged",
        Status.INFO_ERROR: "the card's content fails verification",
        Status.WRONG_CARD_TYPE: "not an identity card",
        Status.READ_FAILED: "reading failed: hold the card still",
        Status.NO_RANDOM: "the card stopped answering: hold the card still",
        Status.SELF_TEST_FAILED: "the reader's security module failed its self-test",
        Status.NOT_AUTHORISED: "the reader's security module is not authorised",
        Status.NO_CARD: "no card",
        Status.SELECT_FAILED: "the card could not be selected",
        Status.OK: "done",
        Status.NO_SUCH_ITEM: "the card does not hold this item",
        Status.FOUND: "card found",
    }
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reader's answer; `status` is None for a code the digest does not know."""

    sw: bytes
    data: bytes = field(repr=False)

    @property
    def status(self) -> Status | None:
        """What SW3 says."""
        return Status(self.sw[2]) if self.sw[2] in _KNOWN else None

    @property
    def words(self) -> str:
        """The status for a log line: what it means, and the code."""
        meaning = "a status nobody knows" if self.status is None else MEANINGS[self.status]
        return f"{meaning} ({self.sw.hex(' ')})"


_KNOWN = frozenset(Status)


def command(what: Command, data: bytes = b"") -> bytes:
    """The frame that asks the reader for `what`."""
    body = what.value + data
    checked = (len(body) + 1).to_bytes(_LENGTH_BYTES, "big") + body
    return PREAMBLE + checked + bytes([_xor(checked)])


def _xor(data: bytes) -> int:
    """All bytes, exclusive or. Folded in halves: seven times as fast as byte by byte, which lets
    an event loop live beside a line that pours frames with wrong checksums."""
    total, width_bytes = int.from_bytes(data, "big"), len(data)
    while width_bytes > 1:
        width_bytes = (width_bytes + 1) // 2
        total = total >> 8 * width_bytes ^ total & (1 << 8 * width_bytes) - 1
    return total


def parse_reply(payload: bytes) -> Reply:
    """Split a frame's payload of at least three bytes, as `SdtFramer` makes them."""
    return Reply(payload[:3], payload[3:])


def text_block(data: bytes) -> bytes | None:
    """The text block out of the data of a read reply, or None if its lengths do not add up.

    The data begins with two lengths (text, photo), or three where the reader adds fingerprints;
    which it is, the sum tells. Everything but the text is dropped here.
    """
    for parts in (2, 3):
        head_bytes = parts * 2
        if len(data) < head_bytes:
            continue
        lengths = struct.unpack_from(f">{parts}H", data)
        if head_bytes + sum(lengths) == len(data):
            return data[head_bytes : head_bytes + lengths[0]]
    return None


def sam_identity(data: bytes) -> str | None:
    """The reader's serial number as vendors print it, or None if `data` is not 16 bytes."""
    if len(data) != _SAM_ID.size:
        return None
    return "{:02}.{:02}-{:08}-{:010}-{:010}".format(*_SAM_ID.unpack(data))


_SAM_ID = struct.Struct("<HHIII")


class SdtFramer(MarkedFramer):
    """Cuts a byte stream into payloads, SW1 onwards."""

    mark = PREAMBLE

    def _frame_end(self) -> int | None:
        """Where the frame at the front ends; beyond `_pending` if unknown; None: no such frame."""
        if len(self._pending) < _HEAD_BYTES:
            return _HEAD_BYTES
        if _VENDOR_TIMEOUT.startswith(bytes(self._pending[: len(_VENDOR_TIMEOUT)])):
            return len(_VENDOR_TIMEOUT)
        length = int.from_bytes(self._pending[len(PREAMBLE) : _HEAD_BYTES], "big")
        return _HEAD_BYTES + length if _LEN_MIN <= length <= _LEN_MAX else None

    def _payloads(self, frame: bytes) -> list[bytes] | None:
        if frame == _VENDOR_TIMEOUT:
            return [_VENDOR_TIMEOUT_PAYLOAD]
        return [frame[_HEAD_BYTES:-1]] if _xor(frame[len(PREAMBLE) :]) == 0 else None
