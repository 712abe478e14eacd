"""Which rosters a packed batch may have been packed by."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.roster_orders import KEPT_VERSIONS, RosterOrders
from gateway.store.rosters import RosterRow, RosterStore
from protocol.keys import credential_digest
from protocol.roster import PersonStatus
from protocol.roster_order import NOBODY, RosterOrder
from tests.musters import NAMES, NUMBERS, QINGSHAN
from tests.parties import COUNTY_KEY, NOW_MS
from tests.quick_disk import quick_disk

POINTS = [QINGSHAN]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RosterStore]:
    with quick_disk():
        made = RosterStore(tmp_path / "gateway.db")
        yield made
        made.close()


def import_one(store: RosterStore) -> bytes:
    """A new version, and the fingerprint terminals that have it pack by."""
    person = RosterRow(
        credential_digest(COUNTY_KEY, NUMBERS[0]),
        NAMES[0],
        "一排",
        "qingshan",
        "班长",
        "13800000000",
        PersonStatus.EXPECTED,
    )
    version = store.add([person], NOW_MS)
    return RosterOrder(store.load(POINTS, version)).fingerprint


def versions(orders: RosterOrders, fingerprints: list[bytes]) -> list[int | None]:
    found = [orders.find(each) for each in fingerprints]
    return [None if each is None else each.version for each in found]


def test_before_any_import_there_is_the_roster_of_nobody(store: RosterStore) -> None:
    orders = RosterOrders(store, POINTS)
    assert orders.find(NOBODY.fingerprint) is NOBODY
    assert orders.find(b"\1\2\3") is None


def test_the_latest_few_versions_are_found_as_they_are_imported(store: RosterStore) -> None:
    orders = RosterOrders(store, POINTS)
    fingerprints = []
    for newest in range(1, KEPT_VERSIONS + 3):
        fingerprints.append(import_one(store))
        assert orders.find(fingerprints[-1]) is None, "nobody looked yet"
        orders.refresh()
        kept = [each if each > newest - KEPT_VERSIONS else None for each in range(1, newest + 1)]
        assert versions(orders, fingerprints) == kept
        assert orders.find(NOBODY.fingerprint) is NOBODY
    assert versions(RosterOrders(store, POINTS), fingerprints) == kept


def test_without_an_import_nothing_is_built_again(store: RosterStore) -> None:
    fingerprint = import_one(store)
    orders = RosterOrders(store, POINTS)
    before = orders.find(fingerprint)
    assert before is not None
    orders.refresh()
    assert orders.find(fingerprint) is before
