"""Bulletins: one number for each thing there is to say, whatever restarts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bulletins import Bulletins
from gateway.store.bulletins import BulletinStore
from gateway.store.rosters import RosterRow, RosterStore
from protocol.bulletin import MAX_NOTICES, Bulletin, Notice, changed, unpack_bulletin
from protocol.keys import credential_digest
from protocol.roster import PersonStatus, Roster
from tests.musters import ACTIVATION, NAMES, NUMBERS, QINGSHAN
from tests.parties import COUNTY, COUNTY_KEY, NOW_MS, Parties

PARTIES = Parties()
NOBODY = Roster(0, 0, [QINGSHAN], [])


def row(number: int, unit: str = "一排") -> RosterRow:
    digest = credential_digest(COUNTY_KEY, NUMBERS[number])
    return RosterRow(digest, NAMES[number], unit, "qingshan", "", "", PersonStatus.EXPECTED)


class Desk:
    """The stores of one gateway."""

    def __init__(self, path: Path) -> None:
        self.rosters, self.store = RosterStore(path), BulletinStore(path)
        self.rosters.activation(b"definition", NOW_MS)
        self.bulletins = self.restarted()

    def restarted(self) -> Bulletins:
        return Bulletins(PARTIES.gateway, self.store, self.rosters, ACTIVATION)

    def close(self) -> None:
        self.rosters.close()
        self.store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "gateway.db")
    yield made
    made.close()


def read(message: bytes) -> Bulletin:
    return unpack_bulletin(message, COUNTY, PARTIES.gateway.signing_key.public_key())


def test_what_was_said_is_not_said_anew(desk: Desk) -> None:
    assert desk.bulletins.refresh(NOBODY, NOW_MS)
    assert not desk.bulletins.refresh(NOBODY, NOW_MS + 1000)
    again = desk.restarted()
    assert again.refresh(NOBODY, NOW_MS + 5000)
    assert (again.number, again.message) == (1, desk.bulletins.message)


def test_a_notice_makes_a_new_bulletin_with_the_latest_first(desk: Desk) -> None:
    desk.bulletins.refresh(NOBODY, NOW_MS)
    for number in range(MAX_NOTICES + 1):
        desk.store.add_notice(Notice(NOW_MS + number, f"notice {number}"))
    assert desk.bulletins.refresh(NOBODY, NOW_MS + 9)
    bulletin = read(desk.bulletins.message)
    assert (bulletin.number, bulletin.issued_ms) == (2, NOW_MS + 9)
    assert [each.text for each in bulletin.notices] == ["notice 3", "notice 2", "notice 1"]


def test_it_is_never_issued_before_the_one_before(desk: Desk) -> None:
    desk.bulletins.refresh(NOBODY, NOW_MS)
    desk.store.add_notice(Notice(NOW_MS, "the clock was set back"))
    desk.bulletins.refresh(NOBODY, NOW_MS - 100_000)
    assert read(desk.bulletins.message).issued_ms == NOW_MS


def test_an_activation_ends_once(desk: Desk) -> None:
    desk.bulletins.refresh(NOBODY, NOW_MS)
    number = desk.store.end_activation(NOW_MS + 60_000)
    assert number == 1
    assert desk.store.end_activation(NOW_MS + 90_000) is None
    assert desk.store.ended_ms(number) == NOW_MS + 60_000


def test_the_radio_is_told_who_changed_and_the_broker_is_not(desk: Desk) -> None:
    desk.rosters.add([row(0), row(1)], NOW_MS)
    before = desk.rosters.load([QINGSHAN])
    desk.rosters.add([row(0, "二排"), row(2)], NOW_MS + 1)
    after = desk.rosters.load([QINGSHAN])
    desk.bulletins.refresh(after, NOW_MS + 2)
    change = read(desk.bulletins.radio_message).change
    assert change is not None
    assert changed(before, change).people == after.people
    public = read(desk.bulletins.message)
    assert (public.change, public.roster_version) == (None, 2)
    assert NAMES[2].encode() not in desk.bulletins.message
