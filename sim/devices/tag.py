"""Simulated contactless tags: what answers in the field of a reader, and nothing of the reader.

Written from hw/tags.md, never from drivers/, so that the two can disagree.
Modelled: an NTAG's memory with READ, FAST_READ, GET_VERSION and WRITE, its NAKs and its halt; a
Type 4 card's application, files and status words; a phone, which is one that makes up a new
identifier for every activation; a MIFARE Classic, which says nothing without a key. Not modelled:
radio, anti-collision, passwords, counters, signatures, writing to a Type 4 card, and time.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Protocol

ACK = b"\x0a"  # four bits on the air
NAK = b"\x00"
PAGE_BYTES = 4
_CASCADE_TAG = 0x88
_DATA_PAGE = 4


@dataclass(frozen=True, slots=True)
class Anticollision:
    """What a tag of type A tells when it is woken; `ats` is empty if it has none."""

    sens_res: bytes
    sel_res: int
    uid: bytes = field(repr=False)
    ats: bytes = b""


class Tag(Protocol):
    """A tag of type A in the field."""

    def wake(self) -> Anticollision:
        """Power it up and select it."""

    def exchange(self, command: bytes) -> bytes | None:
        """Its answer to a command; None if it keeps silent."""


def text_record(text: str) -> bytes:
    """An NDEF message of one text record, without its language said: US-ASCII needs none."""
    payload = b"\x02en" + text.encode()
    if len(payload) < 256:
        return bytes([0xD1, 1, len(payload)]) + b"T" + payload
    return bytes([0xC1, 1]) + len(payload).to_bytes(4, "big") + b"T" + payload


@dataclass(frozen=True, slots=True)
class NtagModel:
    """One member of the NTAG 21x family: how many pages, how many of them for the user."""

    pages: int
    size_code: int  # in the capability container, in units of 8 bytes
    version: bytes


NTAG213 = NtagModel(45, 0x12, bytes.fromhex("00 04 04 02 01 00 0F 03"))
NTAG215 = NtagModel(135, 0x3E, bytes.fromhex("00 04 04 02 01 00 11 03"))
NTAG216 = NtagModel(231, 0x6D, bytes.fromhex("00 04 04 02 01 00 13 03"))


class NtagTag:
    """An NTAG 21x. `message` None: as it leaves the factory, formatted with an empty message."""

    def __init__(self, uid: bytes, message: bytes | None, model: NtagModel = NTAG213) -> None:
        if len(uid) != 7:
            raise ValueError("an NTAG has an identifier of 7 bytes")
        self._uid, self._model = uid, model
        self._is_awake = False
        first, second = uid[:3], uid[3:]
        serial = first + bytes([_xor(bytes([_CASCADE_TAG]) + first)]) + second
        head = serial + bytes([_xor(second), 0x48, 0, 0])
        container = bytes([0xE1, 0x10, model.size_code, 0x00])
        area = _tlv(message or b"") + b"\xfe"
        if len(area) > model.size_code * 8:
            raise ValueError(f"a message of {len(message or b'')} bytes does not fit this tag")
        memory = head + container + area
        self._memory = bytearray(memory.ljust(model.pages * PAGE_BYTES, b"\0"))

    def wake(self) -> Anticollision:
        """See `Tag.wake`."""
        self._is_awake = True
        return Anticollision(bytes.fromhex("00 44"), 0x00, self._uid)

    def exchange(self, command: bytes) -> bytes | None:
        """See `Tag.exchange`; after a NAK it is silent until woken."""
        if not self._is_awake:
            return None
        answer = self._answer(command)
        self._is_awake = answer != NAK and answer is not None
        return answer

    def _answer(self, command: bytes) -> bytes | None:
        pages = self._model.pages
        match command[:1].hex(), len(command):
            case "30", 2 if command[1] < pages:
                return self._pages([(command[1] + n) % pages for n in range(4)])
            case "3a", 3 if command[1] <= command[2] < pages:
                return self._pages(range(command[1], command[2] + 1))
            case "60", 1:
                return self._model.version
            case "a2", 6 if _DATA_PAGE <= command[1] < pages:
                at = command[1] * PAGE_BYTES
                self._memory[at : at + PAGE_BYTES] = command[2:]
                return ACK
            case "50", 2:
                return None  # HLTA: silence means yes
            case _:
                return NAK

    def _pages(self, numbers: list[int] | range) -> bytes:
        return b"".join(self._memory[n * PAGE_BYTES : (n + 1) * PAGE_BYTES] for n in numbers)


class Type4Tag:
    """A chip card with the NDEF application. `message` None: the application is not there."""

    ATS = bytes.fromhex("06 75 77 81 02 80")  # with its length; ends with one historical byte
    READ_MAX_BYTES = 0x3B  # what one READ BINARY may ask for, a usual value

    def __init__(self, uid: bytes, message: bytes | None) -> None:
        self._uid = uid
        self._has_application = message is not None
        ndef_file = len(message or b"").to_bytes(2, "big") + (message or b"")
        self._files = {
            bytes.fromhex("E103"): bytes.fromhex("000F20")
            + self.READ_MAX_BYTES.to_bytes(2, "big")
            + bytes.fromhex("0034 0406 E104")
            + max(len(ndef_file), 256).to_bytes(2, "big")
            + bytes.fromhex("00 00"),
            bytes.fromhex("E104"): ndef_file.ljust(256, b"\0"),
        }
        self._is_awake = self._is_selected = False
        self._file: bytes | None = None

    def wake(self) -> Anticollision:
        """See `Tag.wake`."""
        self._is_awake, self._is_selected, self._file = True, False, None
        return Anticollision(bytes.fromhex("03 44"), 0x20, self._uid, self.ATS)

    def exchange(self, command: bytes) -> bytes | None:
        """See `Tag.exchange`; the commands are APDUs, and ISO/IEC 14443-4 is taken for granted."""
        return self._answer(command) if self._is_awake else None

    def _answer(self, apdu: bytes) -> bytes:
        if len(apdu) < 4:
            return bytes.fromhex("6700")
        if apdu[0] != 0x00:
            return bytes.fromhex("6E00")
        if apdu[1] == 0xA4:
            return self._select(apdu)
        if apdu[1] == 0xB0:
            return self._read(apdu)
        return bytes.fromhex("6D00")

    def _select(self, apdu: bytes) -> bytes:
        name = apdu[5 : 5 + apdu[4]] if len(apdu) > 4 else b""
        if apdu[2:4] == b"\x04\x00":
            self._is_selected = self._has_application and name == bytes.fromhex("D2760000850101")
            self._file = None
            return bytes.fromhex("9000") if self._is_selected else bytes.fromhex("6A82")
        if apdu[2:4] == b"\x00\x0c" and self._is_selected and name in self._files:
            self._file = self._files[name]
            return bytes.fromhex("9000")
        return bytes.fromhex("6A82")

    def _read(self, apdu: bytes) -> bytes:
        if self._file is None:
            return bytes.fromhex("6986")
        at = int.from_bytes(apdu[2:4], "big")
        if len(apdu) != 5 or (apdu[4] or 256) > self.READ_MAX_BYTES:
            return bytes.fromhex("6700")
        if at >= len(self._file):
            return bytes.fromhex("6B00")
        return self._file[at : at + apdu[4]] + bytes.fromhex("9000")


class PhoneTag(Type4Tag):
    """A phone that plays a Type 4 card: another identifier each time it is woken."""

    def __init__(self, message: bytes | None, seed: int = 0) -> None:
        super().__init__(b"", message)
        self._random = Random(seed)

    def wake(self) -> Anticollision:
        """See `Tag.wake`."""
        self._uid = b"\x08" + self._random.randbytes(3)
        return super().wake()


class ClassicTag:
    """A MIFARE Classic 1K: identifier, and silence for whoever has no key."""

    def __init__(self, uid: bytes) -> None:
        self._uid = uid

    def wake(self) -> Anticollision:
        """See `Tag.wake`."""
        return Anticollision(bytes.fromhex("00 04"), 0x08, self._uid)

    def exchange(self, command: bytes) -> bytes | None:  # noqa: ARG002  # whatever it is
        """See `Tag.exchange`."""
        return None


def _tlv(message: bytes) -> bytes:
    length = len(message)
    head = bytes([length]) if length < 0xFF else b"\xff" + length.to_bytes(2, "big")
    return b"\x03" + head + message


def _xor(data: bytes) -> int:
    total = 0
    for value in data:
        total ^= value
    return total
