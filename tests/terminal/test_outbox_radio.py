"""What the outbox keeps for the radio: bodies in memory, counters and windows on the disk."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.radio_keys import Direction
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet
from terminal.errors import OutboxBroken
from terminal.links.lora_counters import LOW, Counters
from terminal.outbox import RECORDS_PER_KEY, Outbox
from terminal.radio_memory import COUNTERS_PER_BLOCK, Sender
from tests.outboxes import EVERYTHING, Bench, receipt

MADE_MS = 1_790_000_000_000
GATEWAY = Sender(Direction.ALL, 0, 2**32 - 1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


@pytest.fixture
def outbox(bench: Bench) -> Iterator[Outbox]:
    opened = bench.open()
    yield opened
    opened.close()


class FailingOnce:
    """A connection whose next statement with a given beginning fails, as a dying card's does."""

    def __init__(self, inner: sqlite3.Connection, word: str) -> None:
        self._inner, self._word = inner, word

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if self._word and statement.startswith(self._word):
            self._word = ""
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return self._inner.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def break_writer(outbox: Outbox, word: str) -> None:
    outbox._file._writer = FailingOnce(outbox._file._writer, word)  # type: ignore[assignment]  # stands in for a connection


def append(outbox: Outbox, count: int) -> None:
    for number in range(count):
        outbox.append(b"body %d" % (outbox.depth.captured + 1), MADE_MS + number)


def test_bodies_are_known_until_the_record_is_settled_or_refused(outbox: Outbox) -> None:
    append(outbox, 4)
    assert [outbox.body(seq) for seq in range(1, 6)] == [
        *(b"body %d" % seq for seq in range(1, 5)),
        None,
    ]
    outbox.settle(receipt(outbox.origin, [(1, 1)], [(3, 3)]), EVERYTHING)
    assert [outbox.body(seq) is None for seq in range(1, 5)] == [True, False, True, False]
    assert list(outbox.waiting()) == [(2, 2), (4, 4)]


def test_bodies_of_an_earlier_process_are_not_known(bench: Bench, outbox: Outbox) -> None:
    append(outbox, 3)
    outbox.close()
    again = bench.open()
    append(again, 1)
    assert (again.body(3), again.first_in_memory()) == (None, 4)
    assert again.body(4) == b"body 4"
    assert list(again.waiting()) == [(1, 4)]
    again.close()


def test_only_the_newest_bodies_are_kept(outbox: Outbox) -> None:
    append(outbox, RECORDS_PER_KEY + 3)
    assert outbox.first_in_memory() == 4
    assert outbox.body(3) is None
    assert outbox.body(4) == b"body 4"


def test_no_body_reaches_the_disk(bench: Bench, outbox: Outbox) -> None:
    append(outbox, 3)
    outbox.keep_windows({GATEWAY: ReplayWindow(7, 1)})
    outbox.close()
    files = b"".join(path.read_bytes() for path in bench.path.parent.iterdir())
    assert b"body 2" not in files


def test_what_waits_is_found_again_with_its_gaps(bench: Bench, outbox: Outbox) -> None:
    append(outbox, 9)
    outbox.settle_numbers(SeqSet([(2, 3), (6, 6), (9, 9)]), EVERYTHING)
    outbox.close()
    again = bench.open()
    assert list(again.waiting()) == [(1, 1), (4, 5), (7, 8)]
    again.close()


def test_a_receipt_by_radio_settles_what_was_sent_and_exists(outbox: Outbox) -> None:
    append(outbox, 4)
    assert outbox.settle_numbers(SeqSet([(1, 99)]), SeqSet([(2, 50)])) == 3
    assert list(outbox.waiting()) == [(1, 1)]
    assert outbox.depth.captured == 4


def test_counters_are_given_out_once_whatever_restarts(bench: Bench) -> None:
    given_out: list[int] = []
    for _ in range(3):
        outbox = bench.open()
        given_out += [*outbox.reserve_counters(), *outbox.reserve_counters()]
        outbox.close()
    assert given_out == list(range(6 * COUNTERS_PER_BLOCK))


def test_counters_that_could_not_be_stored_are_not_given_out(outbox: Outbox) -> None:
    before = outbox.reserve_counters()
    break_writer(outbox, "INSERT INTO radio_counter")
    with pytest.raises(OutboxBroken):
        outbox.reserve_counters()
    assert outbox.reserve_counters().start >= before.stop


def test_windows_are_kept_to_the_last_bit(bench: Bench, outbox: Outbox) -> None:
    windows = {
        GATEWAY: ReplayWindow(2**48 - 1, 2**64 - 1),
        Sender(Direction.PEER, 65535, 1): ReplayWindow(0, 1),
    }
    outbox.keep_windows({GATEWAY: ReplayWindow(1, 1), Sender(Direction.ALL, 1, 1): ReplayWindow()})
    outbox.keep_windows(windows)
    outbox.close()
    again = bench.open()
    assert again.windows() == windows
    again.close()


def test_windows_that_could_not_be_stored_leave_those_of_before(outbox: Outbox) -> None:
    outbox.keep_windows({GATEWAY: ReplayWindow(1, 1)})
    break_writer(outbox, "DELETE FROM radio_window")
    with pytest.raises(OutboxBroken):
        outbox.keep_windows({})
    outbox.reserve_counters()  # opens the file anew
    assert outbox.windows() == {GATEWAY: ReplayWindow(1, 1)}


def test_another_file_s_counters_begin_anew_under_another_epoch(tmp_path: Path) -> None:
    first, second = Bench(tmp_path / "a.db").open(), Bench(tmp_path / "b.db").open()
    assert first.reserve_counters() == second.reserve_counters()
    assert first.origin.epoch != second.origin.epoch
    first.close()
    second.close()


@settings(max_examples=50)
@given(st.lists(st.one_of(st.none(), st.integers(1, 300)), max_size=20))
def test_a_pool_gives_each_counter_once_and_in_order(steps: list[int | None]) -> None:
    """None: the process fills its pool; a number: so many frames want a counter."""
    counters, reserved, taken = Counters(), 0, list[int]()
    for step in steps:
        if step is None:
            counters.add(range(reserved, reserved + COUNTERS_PER_BLOCK))
            reserved += COUNTERS_PER_BLOCK
        else:
            got = [counter for _ in range(step) if (counter := counters.take()) is not None]
            assert len(got) == min(step, reserved - len(taken))
            taken += got
        assert counters.is_low == (reserved - len(taken) < LOW)
    assert taken == list(range(len(taken)))
