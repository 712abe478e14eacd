"""What is demanded of every framer, whatever it was fed."""

from random import Random

from tests.fuzz.framers import Feed, Row
from tests.fuzz.garbage import pieces


def feed_all(row: Row, framer: Feed, data: bytes, random: Random) -> None:
    """Feed garbage in pieces: nothing is raised, and what is held stays bounded."""
    for piece in pieces(random, data):
        framer.feed(piece)
        assert framer.held_bytes() <= row.held_limit_bytes


def must_resynchronise(row: Row, framer: Feed, random: Random) -> None:
    """After a quiet line a whole frame is decoded, in any pieces."""
    framer.quiet()
    frame, expected = row.traffic(random)
    found = [item for piece in pieces(random, frame) for item in framer.feed(piece)]
    found += framer.quiet()
    assert expected in found
