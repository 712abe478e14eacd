"""Notes on who was seen: readable by this terminal only, and never a reason not to start."""

import pytest

from terminal.outbox_file import Mark
from terminal.seen import SeenBook
from terminal.station import Seen
from tests.parties import NOW_MS, Parties

SEEN = Seen(7, 1234, NOW_MS)


@pytest.fixture
def book() -> SeenBook:
    return SeenBook(Parties().terminal("t1"))


def test_what_was_noted_is_read_again(book: SeenBook) -> None:
    notes = [SEEN, Seen(7, 2, 0), Seen(8, 1234, NOW_MS)]
    assert book.read(book.mark(note) for note in notes) == notes


def test_the_same_person_has_the_same_tag_within_one_activation(book: SeenBook) -> None:
    first, later = book.mark(SEEN), book.mark(Seen(7, 1234, NOW_MS + 1))
    assert first.tag == later.tag
    assert first.sealed != later.sealed
    assert book.mark(Seen(8, 1234, NOW_MS)).tag != first.tag


def test_another_terminal_reads_nothing_and_tells_nobody_apart(book: SeenBook) -> None:
    other = SeenBook(Parties().terminal("t1"))
    assert other.read([book.mark(SEEN)]) == []
    assert other.mark(SEEN).tag != book.mark(SEEN).tag


@pytest.mark.parametrize("cut", [0, 1, 7, 12, 20])
def test_a_note_that_was_damaged_is_left_out(book: SeenBook, cut: int) -> None:
    good = book.mark(SEEN)
    cut_off = Mark(good.tag, good.sealed[:cut])
    flipped = Mark(good.tag, good.sealed[:-1] + bytes([good.sealed[-1] ^ 1]))
    moved = Mark(b"another tag, 16b", good.sealed)
    assert book.read([cut_off, flipped, moved, good]) == [SEEN]
