"""What is demanded of every framer, whatever it was fed."""

from collections.abc import Sequence
from random import Random

from tests.fuzz.garbage import pieces
from tests.fuzz.row import Feed, Row


def feed_all(row: Row, framer: Feed, data: bytes, random: Random) -> None:
    """Feed garbage in pieces: nothing is raised, and what is held stays bounded."""
    for piece in _cut(row, random, data):
        framer.feed(piece)
        assert framer.held_bytes() <= row.held_limit_bytes


def must_resynchronise(row: Row, framer: Feed, random: Random) -> None:
    """After a quiet line a whole frame is decoded, in any pieces."""
    framer.quiet()
    frame, expected = row.traffic(random)
    found = [item for piece in _cut(row, random, frame) for item in framer.feed(piece)]
    found += framer.quiet()
    assert expected in found


def _cut(row: Row, random: Random, data: bytes) -> Sequence[bytes]:
    return pieces(random, data) if row.is_cut else [data]
