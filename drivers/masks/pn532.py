"""Mask of a PN532 on a serial line: every tag becomes a specimen (hw/pn532.md).

Kept: acknowledgements, the chip's firmware, what a search tells of the model of a tag, statuses.
"""

from collections.abc import Callable

from drivers.masks.base import Masks
from drivers.masks.frames import FrameMask
from drivers.masks.tag import TagMask
from drivers.readers.pn532_frames import Pn532Framer

_FROM_READER = 0xD5
_EXCHANGE = bytes.fromhex("D4 40")
_EXCHANGED = bytes.fromhex("D5 41")
_FOUND = bytes.fromhex("D5 4B")
_UID_AT = 7  # two bytes of head, number of tags, number of this tag, SENS_RES, SEL_RES, length
# Answers that hold nothing of a tag: firmware, status, set-up, release.
_HARMLESS = frozenset({0x03, 0x05, 0x13, 0x15, 0x33, 0x45, 0x53, 0x55})
# Of bytes in no frame: acknowledgements and wake-up calls consist of these. No lengths of a
# frame with a good sum do, so that blanks can never complete one.
_KEPT = frozenset({0x00, 0x55, 0xFF})


def pn532_masks() -> Masks:
    """Masks for one recording."""
    talk = _Talk()
    return Masks(host=_mask(talk.command), device=_mask(talk.answer))


def _mask(mask: Callable[[bytes], bytes]) -> FrameMask:
    return FrameMask(
        Pn532Framer(), forms=(_normal, _extended), mask=mask, blank=_blank, head_bytes=2
    )


class _Talk:
    """Both directions: what an answer holds, the command tells."""

    def __init__(self) -> None:
        self._tag = TagMask()
        self._asked = b""

    def command(self, body: bytes) -> bytes:
        """The body of a frame to the reader."""
        self._asked = b""
        if not body.startswith(_EXCHANGE):
            return body  # our wishes: how to poll, what to poll for
        self._asked = body[len(_EXCHANGE) + 1 :]
        return body[: len(_EXCHANGE) + 1] + self._tag.asked(self._asked)

    def answer(self, body: bytes) -> bytes:
        """The body of a frame from the reader."""
        if body.startswith(_EXCHANGED):
            status_ends = len(_EXCHANGED) + 1
            words = self._tag.answered(self._asked, body[status_ends:]) if self._asked else b""
            return (body[:status_ends] + words).ljust(len(body), b"\0")[: len(body)]
        if body.startswith(_FOUND):
            return self._found(body)
        if len(body) == 1 or (body[0] == _FROM_READER and body[1] in _HARMLESS):
            return body
        return body[:2] + bytes(len(body) - 2)

    def _found(self, body: bytes) -> bytes:
        """One tag of type A; what a reader says of others is not kept."""
        length = body[_UID_AT] if len(body) > _UID_AT else 0
        if len(body) <= _UID_AT or body[2] != 1 or len(body) < _UID_AT + 1 + length:
            return body[:3] + bytes(max(len(body) - 3, 0))
        uid = body[_UID_AT + 1 : _UID_AT + 1 + length]
        rest_bytes = len(body) - _UID_AT - 1 - length  # what it answers to a selection
        return body[: _UID_AT + 1] + self._tag.found(uid) + bytes(rest_bytes)


def _normal(body: bytes) -> bytes:
    lengths = bytes([len(body) & 0xFF, -len(body) & 0xFF])
    return b"\x00\xff" + lengths + body + _sum(body)


def _extended(body: bytes) -> bytes:
    length = len(body).to_bytes(2, "big")
    return b"\x00\xff\xff\xff" + length + bytes([-sum(length) & 0xFF]) + body + _sum(body)


def _sum(body: bytes) -> bytes:
    return bytes([-sum(body) & 0xFF])


def _blank(noise: bytes) -> bytes:
    return bytes(value if value in _KEPT else 0 for value in noise)
