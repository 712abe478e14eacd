"""Radio frames: six clear bytes, then content sealed with AES-CCM (docs/wire-format.md section 10).

    direction 4 bits, names epoch 1, kind 3 | address 16 | counter, low 24 bits [ | epoch 32 ]
    || sealed content || tag 8

The clear bytes are authenticated with the content. The nonce holds the whole counter, of which the
receiver knows the upper part, and the epoch, which a sender names until it knows that the receiver
has it. A counter never seals two contents, which would give the key away.
"""

from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from protocol.errors import CannotOpen, Malformed, Replayed
from protocol.radio_keys import EPOCH_BYTES, TAG_BYTES, Direction, LinkKey
from protocol.replay import CLEAR_BITS, COUNTER_BITS, ReplayWindow

HEADER_BYTES = 6
OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES
MAX_FRAME_BYTES = 255  # what a LoRa packet can hold; a profile may allow less
MAX_KIND = 7

_DIRECTION_SHIFT = 4
_NAMES_EPOCH = 8
_ADDRESS = slice(1, 3)
_COUNTER = slice(3, HEADER_BYTES)
_EPOCH = slice(HEADER_BYTES, HEADER_BYTES + EPOCH_BYTES)


class FrameHeader(NamedTuple):
    """What everybody can read of a frame, and nobody should believe before it opens."""

    direction: Direction
    kind: int
    """What the content is, 0 to 7; the numbers are the directions' own."""
    address: int
    clear_counter: int
    """The low 24 bits of the counter."""
    epoch: int | None = None
    """The sender's, if the frame names it."""

    @property
    def size_bytes(self) -> int:
        """How many clear bytes there are."""
        return HEADER_BYTES + (0 if self.epoch is None else EPOCH_BYTES)


class Opened(NamedTuple):
    """An authentic frame nobody has sent before."""

    kind: int
    counter: int
    content: bytes
    window: ReplayWindow
    """What the receiver keeps from now on, stored together with the content."""


class FrameSealer:
    """Seals the frames of one sender in one direction.

    Counters are the caller's: reserved on disk before they come here, never given twice.
    """

    def __init__(self, key: LinkKey) -> None:
        self._key = key
        self._last_counter = -1

    def seal(self, kind: int, counter: int, content: bytes, *, names_epoch: bool = False) -> bytes:
        """The frame.

        Raises `ValueError` for a counter not higher than all before it, for a kind that is none,
        and for content that makes the frame longer than `MAX_FRAME_BYTES`.
        """
        if not self._last_counter < counter < 1 << COUNTER_BITS:
            raise ValueError("a counter must be higher than all before it")
        if not 0 <= kind <= MAX_KIND:
            raise ValueError("a kind of frame has 3 bits")
        if len(content) + overhead_bytes(names_epoch=names_epoch) > MAX_FRAME_BYTES:
            raise ValueError("content too long for any frame")
        self._last_counter = counter
        key = self._key
        first = key.direction << _DIRECTION_SHIFT | _NAMES_EPOCH * names_epoch | kind
        header = (
            bytes([first])
            + key.address.to_bytes(2, "big")
            + (counter % (1 << CLEAR_BITS)).to_bytes(3, "big")
            + (key.epoch.to_bytes(EPOCH_BYTES, "big") if names_epoch else b"")
        )
        return header + key.cipher.encrypt(_nonce(first, key, counter), content, header)


def overhead_bytes(*, names_epoch: bool) -> int:
    """What a frame is longer than its content."""
    return OVERHEAD_BYTES + (EPOCH_BYTES if names_epoch else 0)


def parse_header(frame: bytes) -> FrameHeader:
    """Read the clear bytes, to find the key. Raises `Malformed` for what cannot be a frame."""
    if not OVERHEAD_BYTES <= len(frame) <= MAX_FRAME_BYTES:
        raise Malformed("too short or too long for a frame")
    try:
        direction = Direction(frame[0] >> _DIRECTION_SHIFT)
    except ValueError:
        raise Malformed("a direction that is none") from None
    epoch: int | None = None
    if frame[0] & _NAMES_EPOCH:
        if len(frame) < overhead_bytes(names_epoch=True):
            raise Malformed("too short for a frame that names its epoch")
        epoch = int.from_bytes(frame[_EPOCH], "big")
    return FrameHeader(
        direction,
        frame[0] & MAX_KIND,
        int.from_bytes(frame[_ADDRESS], "big"),
        int.from_bytes(frame[_COUNTER], "big"),
        epoch,
    )


def open_frame(key: LinkKey, frame: bytes, window: ReplayWindow) -> Opened:
    """Verify and open a frame.

    Raises `Malformed` for what cannot be a frame, `CannotOpen` if it was not sealed under `key` or
    was altered, and `Replayed` if its counter was taken before or is below the window.
    """
    header = parse_header(frame)
    if (header.direction, header.address) != (key.direction, key.address):
        raise CannotOpen("a frame of another sender or direction")
    if header.epoch not in {None, key.epoch}:
        raise CannotOpen("a frame of another epoch")
    counter = window.whole(header.clear_counter)
    nonce = _nonce(frame[0], key, counter)
    try:
        size = header.size_bytes
        content = key.cipher.decrypt(nonce, frame[size:], frame[:size])
    except InvalidTag:
        raise CannotOpen("sealed under another key or counter, or altered") from None
    if not window.is_fresh(counter):  # only now: a forger must not learn what was taken
        raise Replayed("a frame that was taken before")
    return Opened(header.kind, counter, content, window.after(counter))


def _nonce(first_byte: int, key: LinkKey, counter: int) -> bytes:
    """13 bytes: all that tells one use of the key from another."""
    return (
        bytes([first_byte])
        + key.epoch.to_bytes(EPOCH_BYTES, "big")
        + key.address.to_bytes(2, "big")
        + counter.to_bytes(COUNTER_BITS // 8, "big")
    )
