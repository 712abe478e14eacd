"""Mask of the resident-ID reader: every card becomes a specimen (hw/sdt-reader.md 2, 3 and 6).

A read reply keeps its lengths; its text becomes that of a specimen card of the same layout, photo
and fingerprints become zeros, the checksum is made good again. The same card is the same specimen
throughout a recording. The module keeps its make, not its number. All other data a reply carries
is zeroed: management number, appended address, what a select tells of the card. Commands hold
nothing and stay.
"""

import hashlib
import struct
from functools import reduce
from operator import xor

from drivers.masks.base import Masks, Unchanged
from drivers.masks.specimen import specimen_text
from drivers.readers.sdt_frames import PREAMBLE, SdtFramer

_HEAD_BYTES = len(PREAMBLE) + 2
_SW_BYTES = 3
_LONGEST_BYTES = 4096  # above what a framer can await
_STRAY = PREAMBLE[0]  # met before preambles on real lines, and worth keeping
_BAD = 0xFF  # a checksum that is neither that of zeros nor of stray bytes
_VENDOR_TIMEOUT = PREAMBLE + bytes.fromhex("00 05 05 05 05")  # has no checksum, and no data
_SAM_ID_BYTES = 16
_SAM_MAKE_BYTES = 4
_SAM_NUMBER = struct.pack("<III", 20200101, 1, 1)


def sdt_masks() -> Masks:
    """Masks for one recording."""
    return Masks(host=Unchanged(), device=SdtMask())


class SdtMask:
    """Masks what the module says. Finds frames as the driver does, byte by byte."""

    def __init__(self) -> None:
        self._frames = SdtFramer()
        self._pending = bytearray()
        self._seen: dict[bytes, int] = {}  # hash of a text block -> number of its specimen

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        masked = bytearray()
        for value in data:
            self._pending.append(value)
            for payload in self._frames.feed(bytes([value])):
                masked += self._through_frame(payload)
        awaited_bytes = _LONGEST_BYTES if self._frames.is_inside_frame else len(PREAMBLE)
        return bytes(masked + self._noise(len(self._pending) - awaited_bytes))

    def end(self) -> bytes:
        """See `Mask.end`."""
        masked = bytearray()
        while self._frames.is_inside_frame:
            for payload in self._frames.give_up():
                masked += self._through_frame(payload)
        self._frames.clear()
        return bytes(masked + self._noise(len(self._pending)))

    def _through_frame(self, payload: bytes) -> bytes:
        """Everything up to the end of the frame with this payload."""
        for frame in (_framed(payload), _VENDOR_TIMEOUT):
            at = self._pending.find(frame)
            if at >= 0:
                masked = self._noise(at) + self._frame(frame, payload)
                del self._pending[: len(frame)]
                return masked
        return self._noise(len(self._pending))  # a form of frame this mask does not know

    def _frame(self, frame: bytes, payload: bytes) -> bytes:
        if frame == _VENDOR_TIMEOUT:
            return frame
        return _framed(payload[:_SW_BYTES] + self._data(payload[_SW_BYTES:]))

    def _data(self, data: bytes) -> bytes:
        if len(data) == _SAM_ID_BYTES:
            return data[:_SAM_MAKE_BYTES] + _SAM_NUMBER
        for parts in (2, 3):  # text and photo; and fingerprints
            head_bytes = parts * 2
            if len(data) < head_bytes:
                continue
            lengths = struct.unpack_from(f">{parts}H", data)
            if head_bytes + sum(lengths) == len(data):
                head, text = data[:head_bytes], data[head_bytes : head_bytes + lengths[0]]
                rest_bytes = len(data) - head_bytes - len(text)
                return head + specimen_text(text, self._number_of(text)) + bytes(rest_bytes)
        return bytes(len(data))

    def _number_of(self, text: bytes) -> int:
        return self._seen.setdefault(hashlib.sha256(text).digest(), len(self._seen) + 1)

    def _noise(self, size_bytes: int) -> bytes:
        """Take so many bytes that belong to no frame. A damaged one keeps its head."""
        noise = bytes(self._pending[: max(size_bytes, 0)])
        del self._pending[: len(noise)]
        masked = bytearray(_STRAY if value == _STRAY else 0 for value in noise)
        at = noise.find(PREAMBLE)
        while at >= 0:
            behind = at + _HEAD_BYTES
            masked[at:behind] = noise[at:behind]
            if behind < len(noise):  # or blanks might make the checksum good
                masked[behind] = reduce(xor, noise[at + len(PREAMBLE) : behind]) ^ _BAD
            at = noise.find(PREAMBLE, at + 1)
        return bytes(masked)


def _framed(payload: bytes) -> bytes:
    checked = (len(payload) + 1).to_bytes(2, "big") + payload
    return PREAMBLE + checked + bytes([reduce(xor, checked)])
