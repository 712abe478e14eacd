"""What every ledger store owes the intake; see `gateway.store.base.LedgerStore`.

A store is a row in `STORES`. Tampering is done behind its back, with raw SQL.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.store.base import LedgerEntry, LedgerStore, NewRun, Quarantined, StoreError, Stream
from gateway.store.sqlite import ROWS_PER_INSERT, SqliteLedger
from protocol.receipts import RefusalReason
from protocol.sequences import SeqSet
from tests.parties import NOW_MS


@dataclass
class Kind:
    open: Callable[[Path], SqliteLedger]
    tamper: Callable[[Path], sqlite3.Connection]


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


STORES = {"sqlite": Kind(SqliteLedger, raw)}


class Rig:
    """A store that can be reopened and tampered with."""

    def __init__(self, kind: Kind, path: Path) -> None:
        self._kind, self._path = kind, path
        self.store = kind.open(path)

    def reopen(self) -> LedgerStore:
        self.store.close()
        self.store = self._kind.open(self._path)
        return self.store

    def tamper(self, *statements: str) -> None:
        connection = self._kind.tamper(self._path)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def put(self, stream: Stream, first: int, *bodies: bytes) -> None:
        """Store a run, as the intake does."""
        stream.stored.add(first, first + len(bodies) - 1)
        self.store.commit([NewRun(stream, first, bodies)], [stream], [], NOW_MS)

    def problems(self) -> list[str]:
        return list(self.store.verify_chain())


@pytest.fixture(params=STORES)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(STORES[request.param], tmp_path / "gateway.db")
    yield made
    made.store.close()


@pytest.fixture
def three(rig: Rig) -> Rig:
    """Three commits of two records each, on two streams."""
    first, second = rig.store.new_stream("t1", 5), rig.store.new_stream("t2", 6)
    rig.put(first, 1, b"a1", b"a2")
    rig.put(second, 1, b"b1", b"b2")
    rig.put(first, 3, b"a3", b"a4")
    return rig


def quarantined(digest: bytes = b"d" * 32) -> Quarantined:
    return Quarantined(NOW_MS, "t9", RefusalReason.MALFORMED, digest, b"message")


def test_an_empty_store_holds_nothing(rig: Rig) -> None:
    assert rig.store.streams() == []
    assert rig.store.entries(0, 10) == []
    assert rig.problems() == []


def test_records_come_back_in_the_order_of_their_commits(three: Rig) -> None:
    expected = [
        LedgerEntry(1, "t1", 5, 1, b"a1"),
        LedgerEntry(2, "t1", 5, 2, b"a2"),
        LedgerEntry(3, "t2", 6, 1, b"b1"),
        LedgerEntry(4, "t2", 6, 2, b"b2"),
        LedgerEntry(5, "t1", 5, 3, b"a3"),
        LedgerEntry(6, "t1", 5, 4, b"a4"),
    ]
    assert three.store.entries(0, 10) == expected
    assert three.store.entries(2, 2) == expected[2:4]
    assert three.store.entries(6, 10) == []
    assert three.reopen().entries(0, 10) == expected


def test_streams_come_back_with_what_is_held(three: Rig) -> None:
    stream = three.store.streams()[0].copy()
    stream.stored.add(9, 9)
    stream.refused.add(7, 8)
    three.store.commit([NewRun(stream, 9, [b"a9"])], [stream], [], NOW_MS)
    for found in (three.store.streams(), three.reopen().streams()):
        assert [(each.node, each.epoch) for each in found] == [("t1", 5), ("t2", 6)]
        assert list(found[0].stored) == [(1, 4), (9, 9)]
        assert list(found[0].refused) == [(7, 8)]


def test_a_new_stream_never_takes_the_number_of_another(three: Rig) -> None:
    numbers = [each.number for each in three.store.streams()]
    fresh = three.reopen().new_stream("t3", 1)
    assert fresh.number not in numbers
    assert three.store.new_stream("t4", 1).number not in [*numbers, fresh.number]


@pytest.mark.parametrize(
    "count", [1, ROWS_PER_INSERT - 1, ROWS_PER_INSERT, 2 * ROWS_PER_INSERT + 7]
)
def test_runs_of_any_length_are_whole(rig: Rig, count: int) -> None:
    bodies = [b"%d" % number for number in range(count)]
    rig.put(rig.store.new_stream("t1", 1), 1, *bodies)
    assert [entry.body for entry in rig.store.entries(0, count + 1)] == bodies
    assert rig.problems() == []


def test_what_is_held_under_a_number(three: Rig) -> None:
    first, second = three.store.streams()
    assert three.store.body_of(first, 3) == b"a3"
    assert three.store.body_of(second, 2) == b"b2"
    assert three.store.body_of(second, 3) is None
    assert three.store.body_of(three.store.new_stream("t9", 1), 1) is None


def test_a_number_that_is_taken_is_refused_and_nothing_of_the_commit_stays(three: Rig) -> None:
    first = three.store.streams()[0]
    fresh = three.store.new_stream("t3", 7)
    runs = [NewRun(fresh, 1, [b"c1"]), NewRun(first, 4, [b"another a4"])]
    before = three.store.entries(0, 10)
    with pytest.raises(StoreError):
        three.store.commit(runs, [fresh, first], [quarantined()], NOW_MS)
    assert three.store.entries(0, 10) == before
    assert len(three.store.streams()) == 2
    assert three.store.quarantine_count() == 0
    assert three.problems() == []
    # The next one goes through, and the chain knows nothing of the one that failed.
    three.put(fresh, 1, b"c1")
    assert three.store.entries(6, 10) == [LedgerEntry(7, "t3", 7, 1, b"c1")]
    three.reopen()
    assert three.problems() == []


def test_quarantine_alone_is_a_commit(rig: Rig) -> None:
    rig.store.commit([], [], [quarantined()], NOW_MS)
    rig.store.commit([], [], [quarantined()], NOW_MS)  # a terminal repeats itself: kept once
    rig.store.commit([], [], [quarantined(b"e" * 32)], NOW_MS)
    assert rig.store.quarantine_count() == 2
    assert rig.problems() == []


def test_quarantine_is_told_newest_first_and_a_repetition_keeps_its_place(rig: Rig) -> None:
    assert rig.store.quarantine(5) == []
    for digest in (b"d" * 32, b"e" * 32, b"d" * 32):
        rig.store.commit([], [], [quarantined(digest)], NOW_MS)
    first, second = reversed(rig.store.quarantine(5))
    assert (first.received_ms, first.node, first.reason) == (NOW_MS, "t9", RefusalReason.MALFORMED)
    assert (first.times, second.times) == (2, 1)
    assert first.number < second.number
    assert rig.store.quarantine(1) == [second]


def test_a_closed_store_raises_store_errors(rig: Rig) -> None:
    stream = rig.store.new_stream("t1", 1)
    rig.store.close()
    with pytest.raises(StoreError):
        rig.store.commit([NewRun(stream, 1, [b"x"])], [stream], [], NOW_MS)
    with pytest.raises(StoreError):
        rig.store.body_of(stream, 1)


def test_the_chain_of_an_honest_ledger_holds(three: Rig) -> None:
    assert three.problems() == []
    three.reopen()
    three.put(three.store.new_stream("t3", 1), 1, b"c1")
    assert three.problems() == []


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE record SET body = x'00' WHERE id = 2"],
        ["UPDATE record SET body = x'00' WHERE id = 6"],
        ["UPDATE record SET seq = 40 WHERE id = 6"],
        ["DELETE FROM record WHERE id = 1"],
        ["DELETE FROM record WHERE id = 3"],
        ["DELETE FROM record WHERE id = 6"],
        ["UPDATE record SET id = 99 WHERE id = 1"],
        [
            "UPDATE record SET id = 99 WHERE id = 3",
            "UPDATE record SET id = 3 WHERE id = 4",
            "UPDATE record SET id = 4 WHERE id = 99",
        ],
        ["UPDATE stream SET node = 't7' WHERE node = 't2'"],
        ["UPDATE stream SET epoch = 9 WHERE node = 't2'"],
        ["DELETE FROM stream WHERE node = 't2'"],
        ["INSERT INTO record (stream, seq, body) VALUES (1, 70, x'00')"],
        ["DELETE FROM link WHERE id = 3"],
        ["DELETE FROM link WHERE id = 1"],
        ["UPDATE link SET last_record = 1 WHERE id = 2"],
        ["UPDATE link SET last_record = -5 WHERE id = 2"],
        ["UPDATE link SET hash = x'00' WHERE id = 2"],
        # Records that are receipted and not there: the terminal has let go of them.
        ["DELETE FROM link WHERE id = 3", "DELETE FROM record WHERE id > 4"],
        ["UPDATE stream SET stored = x'91920105' WHERE node = 't2'"],
    ],
)
def test_whatever_is_altered_is_found(three: Rig, statements: list[str]) -> None:
    three.tamper(*statements)
    assert three.problems()


def test_sequence_sets_are_copied_not_shared(three: Rig) -> None:
    original = three.store.streams()[0]
    copy = original.copy()
    copy.stored.add(100, 100)
    copy.refused.add(50, 50)
    assert list(original.stored) == list(SeqSet([(1, 4)]))
    assert not list(original.refused)
