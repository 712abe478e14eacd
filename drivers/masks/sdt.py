"""Mask of the resident-ID reader: every card becomes a specimen (hw/sdt-reader.md 2, 3 and 6).

A read reply keeps its lengths; its text becomes that of a specimen card of the same layout, photo
and fingerprints become zeros, the checksum is made good again. The same card is the same specimen
throughout a recording. The module keeps its make, not its number. All other data a reply carries
is zeroed: management number, appended address, what a select tells of the card. Commands hold
nothing and stay.
"""

import struct
from functools import reduce
from operator import xor

from drivers.masks.base import Masks, Numbers, Unchanged
from drivers.masks.frames import FrameMask
from drivers.masks.specimen import specimen_text
from drivers.readers.sdt_frames import PREAMBLE, SdtFramer

_HEAD_BYTES = len(PREAMBLE) + 2
_SW_BYTES = 3
_STRAY = PREAMBLE[0]  # met before preambles on real lines, and worth keeping
_BAD = 0xFF  # a checksum that is neither that of zeros nor of stray bytes
_VENDOR_TIMEOUT = PREAMBLE + bytes.fromhex("00 05 05 05 05")  # has no checksum, and no data
_SAM_ID_BYTES = 16
_SAM_MAKE_BYTES = 4
_SAM_NUMBER = struct.pack("<III", 20200101, 1, 1)


def sdt_masks() -> Masks:
    """Masks for one recording."""
    return Masks(host=Unchanged(), device=sdt_mask())


def sdt_mask() -> FrameMask:
    """The mask of what the module says."""
    cards = Numbers()
    return FrameMask(
        SdtFramer(),
        forms=(_framed, lambda _: _VENDOR_TIMEOUT),
        mask=lambda payload: payload[:_SW_BYTES] + _data(payload[_SW_BYTES:], cards),
        blank=_blank,
        head_bytes=len(PREAMBLE),
    )


def _data(data: bytes, cards: Numbers) -> bytes:
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
            return head + specimen_text(text, cards.of(text)) + bytes(rest_bytes)
    return bytes(len(data))


def _blank(noise: bytes) -> bytes:
    """Blanks; a damaged frame keeps its head and stays damaged."""
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
