"""The gateway's own radio epoch and counters, and the rosters batches are unpacked by."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.roster_orders import KEPT_VERSIONS, RosterOrders
from gateway.store import radio
from gateway.store.base import KeyRow, RadioState, StoreError, WindowRow
from gateway.store.radio import COUNTERS_PER_BLOCK, RadioStore
from gateway.store.rosters import RosterRow, RosterStore
from gateway.store.sqlite import SqliteLedger
from protocol.envelope import Wrap, WrappedKey
from protocol.radio_keys import Direction
from protocol.replay import WINDOW, ReplayWindow
from protocol.roster import PersonStatus
from protocol.roster_order import NOBODY, RosterOrder
from tests.musters import QINGSHAN, SHIQIAO
from tests.parties import NOW_MS
from tests.quick_disk import quick_disk

POINTS = [QINGSHAN, SHIQIAO]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with quick_disk():
        yield tmp_path / "gateway.db"


def test_no_counter_is_given_twice_and_the_epoch_stays(path: Path) -> None:
    given: list[int] = []
    epochs: set[int] = set()
    for _ in range(3):
        store = RadioStore(path)
        epochs.add(store.epoch)
        given += [*store.reserve(), *store.reserve()]
        store.close()
    assert given == list(range(6 * COUNTERS_PER_BLOCK))
    assert len(epochs) == 1
    assert epochs != {0}


def test_another_database_has_another_epoch(tmp_path: Path) -> None:
    with quick_disk():
        stores = [RadioStore(tmp_path / name) for name in ("one.db", "two.db")]
    assert stores[0].epoch != stores[1].epoch
    for store in stores:
        store.close()


def test_counters_that_cannot_be_reserved_are_not_given(path: Path) -> None:
    store = RadioStore(path)
    store.close()
    with pytest.raises(StoreError):
        store.reserve()


def key_row(number: int) -> KeyRow:
    key_id = number.to_bytes(8, "big")
    return KeyRow("t1", 7, WrappedKey(key_id, 1, (Wrap(b"gateway!", bytes(80)),)))


def test_windows_and_keys_come_back_as_they_were(path: Path) -> None:
    whole = ReplayWindow(2**40, 2**WINDOW - 1)
    states = [
        RadioState([WindowRow("t1", 7, Direction.UP, ReplayWindow(1, 3))], [key_row(1)]),
        RadioState([WindowRow("t2", 7, Direction.UP, ReplayWindow(0, 1))], [key_row(1)]),
        RadioState([WindowRow("t1", 7, Direction.UP, whole)]),
    ]
    ledger = SqliteLedger(path)
    for at_ms, state in enumerate(states):
        ledger.commit([], [], [], at_ms, state)
    ledger.close()
    again = SqliteLedger(path)
    held = again.radio_state()
    again.close()
    latest_last = [WindowRow("t2", 7, Direction.UP, ReplayWindow(0, 1)), states[2].windows[0]]
    assert held == RadioState(latest_last, [key_row(1)])


def test_only_the_latest_keys_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radio, "KEPT_KEYS", 2)
    ledger = SqliteLedger(path)
    for number in range(4):
        ledger.commit([], [], [], number, RadioState(keys=[key_row(number)]))
    assert ledger.radio_state().keys == [key_row(2), key_row(3)]
    ledger.close()


def test_the_latest_rosters_and_nobodys_are_at_hand(path: Path) -> None:
    store = RosterStore(path)
    orders = RosterOrders(store, POINTS)
    assert orders.find(NOBODY.fingerprint) is NOBODY
    fingerprints = []
    for number in range(KEPT_VERSIONS + 1):
        row = RosterRow(
            bytes([number]) * 16, "王", "一排", "qingshan", "", "", PersonStatus.EXPECTED
        )
        store.add([row], NOW_MS + number)
        fingerprints.append(RosterOrder(store.load(POINTS)).fingerprint)
        assert orders.find(fingerprints[-1]) is None
        orders.refresh()
        found = orders.find(fingerprints[-1])
        assert found is not None
        assert found.version == number + 1
        orders.refresh()
        assert orders.find(fingerprints[-1]) is found, "what is the same is not worked out again"
    assert [orders.find(each) is None for each in fingerprints] == [True] + [False] * KEPT_VERSIONS
    assert orders.find(NOBODY.fingerprint) is NOBODY
    store.close()
