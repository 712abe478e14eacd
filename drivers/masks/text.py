"""Masks of readers that send text: what a code or a zone says becomes a specimen of its length.

A text is made of its number in the recording, so that two codes stay two: `XXXXXXX2`. A zone
loses its check digits that way, and is replayed as one that cannot be read.
"""

from hashlib import sha256

from drivers.masks.base import Masks, Unchanged
from drivers.readers.key_events import EVENT, is_possible
from drivers.readers.line_framer import LINE_MAX_BYTES

_SEPARATORS = frozenset(b"\r\n\t\x02\x03")
_FILL = "X"

_EV_SYN, _EV_KEY = 0, 1
_KEPT_KEYS = frozenset({15, 28, 29, 42, 54, 56, 58, 96, 97, 100, 125, 126})  # separators, shift...
_X_KEY = 45


def text_masks() -> Masks:
    """Masks for one recording of lines."""
    return Masks(host=Unchanged(), device=TextMask())


def typed_masks() -> Masks:
    """Masks for one recording of raw input events."""
    return Masks(host=Unchanged(), device=KeyMask())


class TextMask:
    """A `Mask` of lines; separators stay."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._seen: dict[bytes, int] = {}  # hash of a text -> its number

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        masked = bytearray()
        for value in data:
            if value in _SEPARATORS:
                masked += self.end() + bytes([value])
            else:
                self._line.append(value)
                if len(self._line) >= LINE_MAX_BYTES:
                    masked += self.end()
        return bytes(masked)

    def end(self) -> bytes:
        """See `Mask.end`."""
        line = bytes(self._line)
        self._line.clear()
        if not line:
            return b""
        number = self._seen.setdefault(sha256(line).digest(), len(self._seen) + 1)
        return str(number).rjust(len(line), _FILL)[-len(line) :].encode()


class KeyMask:
    """A `Mask` of input events: every key that types a character becomes the same one.

    Two codes of one length become the same. What is no whole event becomes zeros.
    """

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        self._pending += data
        masked = bytearray()
        at = 0
        while at + EVENT.size <= len(self._pending):
            event = EVENT.unpack_from(self._pending, at)
            if is_possible(*event):
                masked += _masked_event(*event)
                at += EVENT.size
            else:
                masked += b"\0"
                at += 1
        self._pending = self._pending[at:]
        return bytes(masked)

    def end(self) -> bytes:
        """See `Mask.end`."""
        rest, self._pending = self._pending, b""
        return bytes(len(rest))


def _masked_event(seconds: int, microseconds: int, kind: int, code: int, value: int) -> bytes:
    if kind == _EV_KEY:
        return EVENT.pack(
            seconds, microseconds, kind, code if code in _KEPT_KEYS else _X_KEY, value
        )
    if kind == _EV_SYN:
        return EVENT.pack(seconds, microseconds, kind, code, 0)
    return EVENT.pack(seconds, microseconds, kind, 0, 0)  # some name the key once more
