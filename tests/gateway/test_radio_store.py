"""The gateway's own counters: never one twice, whatever happens in between."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.base import KeyRow, RadioState, StoreError, WindowRow
from gateway.store.radio import (
    COUNTERS_PER_BLOCK,
    KEPT_KEYS,
    RadioStore,
    load_radio_state,
    put_radio_state,
)
from protocol.envelope import Wrap, WrappedKey
from protocol.ids import MAX_EPOCH
from protocol.radio_keys import Direction
from protocol.replay import WINDOW, ReplayWindow
from runtime.database import open_database
from tests.quick_disk import quick_disk


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with quick_disk():
        yield tmp_path / "gateway.db"


def test_no_counter_is_given_out_twice_across_restarts(path: Path) -> None:
    given_out: list[int] = []
    epochs = set()
    for blocks in (1, 3, 0, 2):
        store = RadioStore(path)
        epochs.add(store.epoch)
        for _ in range(blocks):
            given_out += store.reserve()
        store.close()
    assert given_out == list(range(6 * COUNTERS_PER_BLOCK))
    (epoch,) = epochs
    assert 1 <= epoch <= MAX_EPOCH


def test_two_processes_on_one_database_share_no_counter(path: Path) -> None:
    one, other = RadioStore(path), RadioStore(path)
    assert not {*one.reserve(), *one.reserve()} & {*other.reserve(), *other.reserve()}
    assert one.epoch == other.epoch
    one.close()
    other.close()


def test_another_database_speaks_under_another_epoch(path: Path) -> None:
    epochs = set()
    for number in range(4):
        store = RadioStore(path.with_name(f"{number}.db"))
        epochs.add(store.epoch)
        store.close()
    assert len(epochs) == 4


def test_a_disk_that_takes_nothing_gives_no_counters(path: Path) -> None:
    store = RadioStore(path)
    with sqlite3.connect(path) as spoiler:
        spoiler.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON radio_sender"
            " BEGIN SELECT raise(ABORT, 'the disk is full'); END"
        )
    with pytest.raises(StoreError, match="the disk is full"):
        store.reserve()
    with sqlite3.connect(path) as spoiler:
        spoiler.execute("DROP TRIGGER full")
    assert store.reserve() == range(COUNTERS_PER_BLOCK)
    spoiler.close()
    store.close()


@pytest.fixture
def database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(path, "gateway")
    yield connection
    connection.close()


def window(epoch: int, highest: int, taken: int = 1) -> WindowRow:
    return WindowRow("t1", epoch, Direction.UP, ReplayWindow(highest, taken))


def key(number: int) -> KeyRow:
    return KeyRow("t1", 7, WrappedKey(number.to_bytes(8, "big"), 1, (Wrap(bytes(8), b"w"),)))


def test_windows_come_back_the_latest_heard_last(database: sqlite3.Connection) -> None:
    full = (1 << WINDOW) - 1
    put_radio_state(database, RadioState([window(1, 5), window(2, 2**40, full)]), 1000)
    put_radio_state(database, RadioState([window(1, 6, 0b11)]), 2000)
    assert load_radio_state(database).windows == [window(2, 2**40, full), window(1, 6, 0b11)]


def test_a_key_that_comes_again_is_one_key(database: sqlite3.Connection) -> None:
    for _ in range(2):
        put_radio_state(database, RadioState(keys=[key(1), key(2)]), 1000)
    assert load_radio_state(database).keys == [key(1), key(2)]


def test_the_latest_keys_are_kept(database: sqlite3.Connection) -> None:
    put_radio_state(database, RadioState(keys=[key(n) for n in range(KEPT_KEYS + 3)]), 1000)
    kept = load_radio_state(database).keys
    assert (len(kept), kept[0], kept[-1]) == (KEPT_KEYS, key(3), key(KEPT_KEYS + 2))
