"""Rosters and activations in the gateway's database."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.store.base import StoreError
from gateway.store.rosters import RosterRow, RosterStore
from protocol.keys import credential_digest
from protocol.roster import PersonStatus
from tests.musters import NAMES, NUMBERS, QINGSHAN
from tests.parties import COUNTY_KEY, NOW_MS


def row(
    number: int, *, unit: str = "一排", status: PersonStatus = PersonStatus.EXPECTED
) -> RosterRow:
    digest = credential_digest(COUNTY_KEY, NUMBERS[number])
    return RosterRow(digest, NAMES[number], unit, "qingshan", "班长", "13800000000", status)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RosterStore]:
    made = RosterStore(tmp_path / "gateway.db")
    yield made
    made.close()


def numbers(store: RosterStore) -> dict[bytes, int]:
    return {person.digest: person.number for person in store.load([QINGSHAN]).people}


def test_before_the_first_import_nobody_is_expected(store: RosterStore) -> None:
    roster = store.load([QINGSHAN])
    assert (roster.version, roster.issued_ms, roster.people) == (0, 0, ())
    assert roster.points == {"qingshan": QINGSHAN}


def test_what_was_added_is_loaded(store: RosterStore) -> None:
    assert store.add([row(0), row(1, status=PersonStatus.CARD_LOST)], NOW_MS) == 1
    roster = store.load([QINGSHAN])
    assert (roster.version, roster.issued_ms) == (1, NOW_MS)
    first, second = roster.people
    assert (first.name, first.unit, first.post, first.point) == (
        NAMES[0],
        "一排",
        "班长",
        "qingshan",
    )
    assert second.status is PersonStatus.CARD_LOST


def test_other_credentials_are_loaded_with_their_person(store: RosterStore) -> None:
    tag, code = (credential_digest(COUNTY_KEY, text) for text in ("04A22F1B", "QH-42"))
    store.add([replace(row(0), other_digests=(tag, code)), row(1)], NOW_MS)
    roster = store.load([QINGSHAN])
    assert [person.other_digests for person in roster.people] == [(tag, code), ()]
    assert roster.find(tag) == roster.find(code) == roster.people[0]


def test_a_card_keeps_its_number_across_versions_and_absences(store: RosterStore) -> None:
    store.add([row(0), row(1)], NOW_MS)
    before = numbers(store)
    store.add([row(1, unit="二排"), row(2)], NOW_MS + 1)
    after = numbers(store)
    assert after[row(1).digest] == before[row(1).digest]
    assert after[row(2).digest] not in before.values()
    store.add([row(3), row(2), row(0)], NOW_MS + 2)
    back = numbers(store)
    assert back[row(0).digest] == before[row(0).digest]
    assert back[row(2).digest] == after[row(2).digest]
    assert len(set(back.values())) == 3


def test_a_version_that_fails_is_not_there(store: RosterStore) -> None:
    store.add([row(0)], NOW_MS)
    with pytest.raises(StoreError):
        store.add([row(1), row(0), row(0)], NOW_MS)  # a number twice
    assert store.version() == 1
    assert store.add([row(1)], NOW_MS) == 2


def test_a_closed_store_raises_store_errors(store: RosterStore) -> None:
    store.close()
    with pytest.raises(StoreError):
        store.add([row(0)], NOW_MS)


@pytest.mark.usefixtures("store")
def test_imports_at_once_make_a_version_each(tmp_path: Path) -> None:
    def add(number: int) -> int:
        mine = RosterStore(tmp_path / "gateway.db")
        try:
            return mine.add([row(number)], NOW_MS)
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == [1, 2, 3, 4]
    with sqlite3.connect(tmp_path / "gateway.db") as db:
        held = db.execute("SELECT count(DISTINCT number), count(DISTINCT digest) FROM person")
        assert held.fetchone() == (4, 4)
    db.close()


def test_an_activation_is_the_same_after_a_restart(store: RosterStore, tmp_path: Path) -> None:
    assert store.activation(b"drill", NOW_MS) == (1, NOW_MS)
    store.close()
    again = RosterStore(tmp_path / "gateway.db")
    assert again.activation(b"drill", NOW_MS + 9) == (1, NOW_MS)
    assert again.activation(b"real", NOW_MS + 10) == (2, NOW_MS + 10)
    # The same words a second time are a new muster: its number only ever rises.
    assert again.activation(b"drill", NOW_MS + 11) == (3, NOW_MS + 11)
    again.close()


def test_what_is_newer_is_never_dated_before_what_was(store: RosterStore) -> None:
    store.add([row(0)], NOW_MS)
    store.add([row(1)], NOW_MS - 5000)  # the clock was put back
    assert store.load([]).issued_ms == NOW_MS
    store.activation(b"drill", NOW_MS)
    assert store.activation(b"real", NOW_MS - 5000) == (2, NOW_MS)


def test_nobody_is_named_in_a_repr() -> None:
    told = repr(row(0))
    assert NAMES[0] not in told
    assert "138" not in told
