"""The terminal's copy of the bulletin: the newest, the gateway's word, and unreadable at rest."""

from pathlib import Path

import pytest
from msgspec import structs

from protocol.bulletin import Bulletin, Notice, RosterChange, change_between, pack_bulletin
from protocol.errors import BadSignature, Malformed
from protocol.keys import Identity
from protocol.radio_news import split_message
from protocol.roster import Person, Roster
from terminal.bulletins import BULLETIN_FILE, BulletinBook
from terminal.roster import CHANGES_FILE, RosterBook
from tests.musters import ACTIVATION, NAMES, QINGSHAN
from tests.parties import COUNTY, NOW_MS
from tests.terminal.test_roster_book import PARTIES, TERMINAL, crowd, sealed

BULLETIN = Bulletin(COUNTY, 4, NOW_MS, ACTIVATION, 0, (Notice(NOW_MS, "改到操场"),), 1, None)
NEW_PERSON = Person(9000, bytes(16), NAMES[0], "三排", "qingshan")


@pytest.fixture
def book(tmp_path: Path) -> BulletinBook:
    return BulletinBook(tmp_path, TERMINAL)


def signed(by: Identity | None = None, **changes: object) -> bytes:
    return pack_bulletin(structs.replace(BULLETIN, **changes), (by or PARTIES.gateway).signing_key)


def a_change() -> RosterChange:
    before = crowd(1, 3)
    after = Roster(2, NOW_MS + 5, [QINGSHAN], [*before.people[1:], NEW_PERSON])
    change = change_between(before, after)
    assert change is not None
    return change


def test_the_newest_stays_through_a_restart(book: BulletinBook, tmp_path: Path) -> None:
    assert book.take(signed())
    assert not book.take(signed())
    assert not book.take(signed(number=3))
    assert book.take(signed(number=5))
    assert BulletinBook(tmp_path, TERMINAL).number == 5


def test_pieces_by_radio_make_it_whole(book: BulletinBook) -> None:
    pieces = [piece.pack() for piece in split_message(signed(), BULLETIN.number, 60)]
    assert len(pieces) > 2
    taken = [book.take_piece(piece) for piece in (pieces[2], *pieces)]
    assert taken.count(True) == 1
    assert book.bulletin == BULLETIN


def test_what_a_stolen_terminal_says_to_all_is_not_the_countys_word(book: BulletinBook) -> None:
    """It holds the group's key, so its pieces open; only the signature tells."""
    forged = split_message(signed(by=PARTIES.terminal("t2")), 9, 60)
    *first, last = [piece.pack() for piece in forged]
    for piece in first:
        book.take_piece(piece)
    with pytest.raises(BadSignature):
        book.take_piece(last)
    assert book.bulletin is None


def test_by_radio_it_says_more_than_the_same_one_by_a_broker(book: BulletinBook) -> None:
    assert book.take(signed())
    assert book.take(signed(change=a_change()))
    assert not book.take(signed())
    assert book.bulletin is not None
    assert book.bulletin.change is not None


def test_nobody_is_named_on_the_disk(book: BulletinBook, tmp_path: Path) -> None:
    book.take(signed(change=a_change()))
    assert NAMES[0].encode() not in (tmp_path / BULLETIN_FILE).read_bytes()


def test_a_damaged_file_is_fetched_again(book: BulletinBook, tmp_path: Path) -> None:
    book.take(signed())
    (tmp_path / BULLETIN_FILE).write_bytes(b"torn")
    assert BulletinBook(tmp_path, TERMINAL).bulletin is None


def test_a_change_makes_the_new_roster_and_stays_through_a_restart(tmp_path: Path) -> None:
    rosters = RosterBook(tmp_path, TERMINAL)
    assert not rosters.take_change(a_change())
    for part in crowd(1, 3).split():
        rosters.take_roster_part(sealed(part))
    assert rosters.take_change(a_change())
    assert not rosters.take_change(a_change())
    for held in (rosters, RosterBook(tmp_path, TERMINAL)):
        assert held.roster is not None
        assert held.roster.version == 2
        assert [person.number for person in held.roster.people] == [2, 3, 9000]
    assert NAMES[0].encode() not in (tmp_path / CHANGES_FILE).read_bytes()


def test_a_whole_roster_takes_the_place_of_changes(tmp_path: Path) -> None:
    rosters = RosterBook(tmp_path, TERMINAL)
    for part in crowd(1, 3).split():
        rosters.take_roster_part(sealed(part))
    rosters.take_change(a_change())
    for part in crowd(3, 2, NOW_MS + 9).split():
        rosters.take_roster_part(sealed(part))
    assert not (tmp_path / CHANGES_FILE).exists()
    again = RosterBook(tmp_path, TERMINAL).roster
    assert again is not None
    assert (again.version, len(again.people)) == (3, 2)


def test_a_change_that_cannot_be_is_refused(tmp_path: Path) -> None:
    rosters = RosterBook(tmp_path, TERMINAL)
    for part in crowd(1, 3).split():
        rosters.take_roster_part(sealed(part))
    beyond = structs.replace(a_change().placed[0], place=50)
    with pytest.raises(Malformed):
        rosters.take_change(structs.replace(a_change(), placed=(beyond,)))
    assert rosters.roster is not None
    assert rosters.roster.version == 1
