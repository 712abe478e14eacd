"""A signed message for everybody, cut into radio frames: kind NEWS of the gateway to all.

    number 16 | place 8 | last place 8 | bytes

The pieces are under the group's key; what they make together is believed only for its signature.
"""

from dataclasses import dataclass, field

from protocol.errors import Malformed
from protocol.octets import Octets

MAX_PIECES = 64  # of 183 bytes at SF9: a minute of the air, and more than a bulletin needs
PIECE_HEAD_BYTES = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message for everybody."""

    number: int
    """Of the message, modulo 2^16."""
    place: int
    last: int
    """Place of the last piece, below `MAX_PIECES`."""
    data: bytes = field(repr=False)

    def pack(self) -> bytes:
        """The content of a frame."""
        return self.number.to_bytes(2, "big") + bytes([self.place, self.last]) + self.data


def unpack_piece(content: bytes) -> Piece:
    """Read a piece; raises `Malformed`."""
    octets = Octets(content)
    piece = Piece(octets.whole(2), octets.whole(1), octets.whole(1), octets.rest())
    if not piece.place <= piece.last < MAX_PIECES or not piece.data:
        raise Malformed("a piece behind the last one, or an empty one")
    return piece


def split_message(message: bytes, number: int, limit_bytes: int) -> list[Piece]:
    """Pieces whose packed form is at most `limit_bytes` long.

    Raises `ValueError` for a message that would need more than `MAX_PIECES`.
    """
    room = limit_bytes - PIECE_HEAD_BYTES
    last = max(0, len(message) - 1) // room
    if last >= MAX_PIECES:
        raise ValueError("a message too long for the radio")
    return [
        Piece(number % 2**16, place, last, message[place * room : (place + 1) * room])
        for place in range(last + 1)
    ]


class Pieces:
    """Collects the pieces of the latest message; what was begun before is dropped for it."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._last = 0
        self._held: dict[int, bytes] = {}

    def take(self, piece: Piece) -> bytes | None:
        """Take a piece; returns the whole message with its last missing one."""
        if (piece.number, piece.last) != (self._number, self._last):
            self._number, self._last, self._held = piece.number, piece.last, {}
        self._held[piece.place] = piece.data
        if len(self._held) <= self._last:
            return None
        message = b"".join(self._held[place] for place in range(self._last + 1))
        self._number, self._held = None, {}
        return message
