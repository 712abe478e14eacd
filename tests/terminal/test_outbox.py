"""The outbox: durable, sealed, gapless, and never without a way on."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from protocol.envelope import RecordOpener, RecordSealer, unpack_envelope
from protocol.errors import CannotOpen
from protocol.suites import OpeningKey
from runtime.database import DatabaseError
from terminal import outbox_file
from terminal.errors import OutboxBroken, OutboxFull
from terminal.outbox import FLOOR_BYTES, RECORDS_PER_KEY, Outbox
from terminal.outbox_file import Mark
from tests.outboxes import EVERYTHING, Bench, receipt

MADE_MS = 1_790_000_000_000


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


@pytest.fixture
def outbox(bench: Bench) -> Iterator[Outbox]:
    opened = bench.open()
    yield opened
    opened.close()


class Failing:
    """A connection that fails when a statement starts with a given word."""

    def __init__(self, inner: sqlite3.Connection, word: str, error: sqlite3.Error) -> None:
        self._inner, self._word, self._error = inner, word, error
        self.times = 1

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if self.times and statement.startswith(self._word):
            self.times -= 1
            raise self._error
        return self._inner.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


IO_ERROR = sqlite3.SQLITE_IOERR | 4 << 8  # SQLITE_IOERR_FSYNC


def break_writer(outbox: Outbox, word: str, code: int = IO_ERROR) -> None:
    outbox._file._writer = Failing(outbox._file._writer, word, sqlite_error(code))  # type: ignore[assignment]


def break_reader(outbox: Outbox, word: str = "SELECT") -> None:
    outbox._file._reader = Failing(outbox._file._reader, word, sqlite_error(IO_ERROR))  # type: ignore[assignment]


def test_numbers_are_gapless_from_one(outbox: Outbox) -> None:
    assert [outbox.append(b"x", MADE_MS) for _ in range(5)] == [1, 2, 3, 4, 5]


def test_what_was_appended_is_there_after_a_restart(bench: Bench, outbox: Outbox) -> None:
    for number in range(3):
        outbox.append(b"body %d" % number, MADE_MS + number)
    epoch = outbox.origin.epoch
    outbox.close()
    again = bench.open()
    assert again.origin.epoch == epoch
    assert bench.waiting(again) == {1: b"body 0", 2: b"body 1", 3: b"body 2"}
    assert again.append(b"body 3", MADE_MS) == 4
    assert again.depth.oldest_made_ms == MADE_MS
    again.close()


def test_numbers_do_not_start_again_when_everything_is_settled(
    bench: Bench, outbox: Outbox
) -> None:
    outbox.append(b"x", MADE_MS)
    assert outbox.settle(receipt(outbox.origin, [(1, 1)]), EVERYTHING) == 1
    outbox.close()
    again = bench.open()
    assert (again.depth.captured, again.depth.waiting) == (1, 0)
    assert again.append(b"y", MADE_MS) == 2
    again.close()


def test_another_file_has_another_epoch(tmp_path: Path) -> None:
    first, second = Bench(tmp_path / "a.db").open(), Bench(tmp_path / "b.db").open()
    assert first.origin.epoch != second.origin.epoch
    first.close()
    second.close()


def test_nobody_but_the_gateway_reads_it(bench: Bench, outbox: Outbox) -> None:
    outbox.append(b"a body that would be found", MADE_MS)
    (message,) = bench.envelopes(outbox)
    envelope = unpack_envelope(message, bench.terminal.signing_key.public_key())
    for other in (bench.terminal.opening_key, OpeningKey.generate()):
        with pytest.raises(CannotOpen):
            RecordOpener([other]).open(envelope)
    outbox.close()
    files = b"".join(path.read_bytes() for path in bench.path.parent.iterdir())
    assert b"would be found" not in files


def test_a_key_seals_no_more_than_its_share(bench: Bench, outbox: Outbox) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: outbox.append(b"x", MADE_MS), range(RECORDS_PER_KEY + 50)))
    keys = [key for key, _, _ in bench.nonces(outbox)]
    assert len(set(keys)) == 2
    assert max(keys.count(key) for key in set(keys)) <= RECORDS_PER_KEY + 16


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_claims_are_consecutive_and_bounded(bench: Bench, outbox: Outbox, limit: int) -> None:
    for number in range(1, 8):
        outbox.append(b"%d" % number, MADE_MS)
    outbox.settle(receipt(outbox.origin, [(1, 1), (4, 5)]), EVERYTHING)
    assert bench.waiting(outbox, limit) == {2: b"2", 3: b"3", 6: b"6", 7: b"7"}
    first = outbox.claim(0, limit)
    assert first is not None
    assert (first.first_seq, len(first.rows)) == (2, min(limit, 2))


def test_a_receipt_for_another_outbox_settles_nothing(outbox: Outbox) -> None:
    outbox.append(b"x", MADE_MS)
    origin = outbox.origin
    for county, node, epoch in (
        ("other", origin.node, origin.epoch),
        (origin.county, "t2", origin.epoch),
        (origin.county, origin.node, origin.epoch ^ 1),
    ):
        assert outbox.settle(receipt(type(origin)(county, node, epoch), [(1, 1)]), EVERYTHING) == 0
    assert outbox.depth.waiting == 1


def test_what_the_county_cannot_open_is_kept_aside(bench: Bench, outbox: Outbox) -> None:
    for _ in range(4):
        outbox.append(b"x", MADE_MS)
    assert outbox.settle(receipt(outbox.origin, [(1, 1), (4, 4)], [(2, 3)]), EVERYTHING) == 2
    assert (outbox.depth.waiting, outbox.depth.refused) == (0, 2)
    assert outbox.claim(0, 9) is None
    outbox.close()
    again = bench.open()
    assert (again.depth.captured, again.depth.refused) == (4, 2)
    # Admitted after all, by a gateway that found its key.
    assert again.settle(receipt(again.origin, [(1, 4)]), EVERYTHING) == 0
    assert (again.depth.waiting, again.depth.refused) == (0, 0)
    again.close()


def test_marks_are_kept_with_their_record_and_replaced(bench: Bench, outbox: Outbox) -> None:
    outbox.append(b"x", MADE_MS, Mark(b"a", b"1"))
    outbox.append(b"x", MADE_MS, Mark(b"a", b"2"))
    outbox.append(b"x", MADE_MS, Mark(b"b", b"3"))
    outbox.close()
    again = bench.open()
    assert sorted(again.marks(), key=lambda mark: mark.tag) == [Mark(b"a", b"2"), Mark(b"b", b"3")]
    again.close()


def test_a_full_disk_refuses_before_it_writes(bench: Bench, outbox: Outbox) -> None:
    bench.free_bytes = FLOOR_BYTES
    with pytest.raises(OutboxFull):
        outbox.append(b"x", MADE_MS)
    bench.free_bytes = FLOOR_BYTES + 1
    assert outbox.append(b"x", MADE_MS) == 1


def test_the_room_is_measured_on_the_disk(bench: Bench) -> None:
    outbox = Outbox(bench.path, "demo", "t1", bench.terminal.peers)
    assert outbox.room_bytes > 0
    outbox.close()


def test_a_folder_that_is_gone_is_reported(outbox: Outbox) -> None:
    def gone() -> int:
        raise OSError("no such folder")

    outbox._free_bytes = gone
    with pytest.raises(OutboxBroken, match="no such folder"):
        outbox.append(b"x", MADE_MS)


@pytest.mark.parametrize("word", ["BEGIN", "INSERT INTO record_key", "COMMIT"])
@pytest.mark.parametrize(
    ("code", "error"), [(IO_ERROR, OutboxBroken), (sqlite3.SQLITE_FULL, OutboxFull)]
)
def test_a_failed_append_promises_nothing_and_the_next_one_works(
    bench: Bench, outbox: Outbox, word: str, code: int, error: type[Exception]
) -> None:
    break_writer(outbox, word, code)
    with pytest.raises(error):
        outbox.append(b"lost", MADE_MS, Mark(b"a", b"1"))
    assert outbox.depth.captured == 0
    assert outbox.append(b"kept", MADE_MS) == 1
    assert bench.waiting(outbox) == {1: b"kept"}
    assert outbox.marks() == []


def test_a_rollback_that_fails_too_does_not_stand_in_the_way(outbox: Outbox) -> None:
    break_writer(outbox, "COMMIT", sqlite3.SQLITE_FULL)
    break_writer(outbox, "ROLLBACK", sqlite3.SQLITE_FULL)
    with pytest.raises(OutboxFull):
        outbox.append(b"x", MADE_MS)
    with pytest.raises(OutboxBroken):  # the transaction is still open: given up, file and all
        outbox.append(b"x", MADE_MS)
    assert outbox.append(b"x", MADE_MS) == 1


def test_after_a_failed_commit_the_same_number_gets_another_key(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nonce is the number: one key must never seal it twice."""
    sealed: set[tuple[bytes, int]] = set()
    real_seal = RecordSealer.seal

    def seal(self: RecordSealer, seq: int, body: bytes) -> bytes:
        pair = (self.wrapped.key_id, seq)
        assert pair not in sealed
        sealed.add(pair)
        return real_seal(self, seq, body)

    monkeypatch.setattr(RecordSealer, "seal", seal)
    for code in (IO_ERROR, sqlite3.SQLITE_FULL):
        outbox.append(b"kept", MADE_MS)
        break_writer(outbox, "COMMIT", code)
        with pytest.raises((OutboxBroken, OutboxFull)):
            outbox.append(b"not promised", MADE_MS)
    outbox.append(b"kept", MADE_MS)
    assert len({key for key, seq in sealed if seq == 2}) == 2


def test_what_waits_can_be_claimed_after_a_failed_append(bench: Bench, outbox: Outbox) -> None:
    """Nobody may come to the reader again today; the records must leave all the same."""
    outbox.append(b"kept", MADE_MS)
    break_writer(outbox, "COMMIT")
    with pytest.raises(OutboxBroken):
        outbox.append(b"not promised", MADE_MS)
    assert bench.waiting(outbox) == {1: b"kept"}


def test_a_failed_read_is_reported_and_the_next_one_works(bench: Bench, outbox: Outbox) -> None:
    outbox.append(b"kept", MADE_MS)
    break_reader(outbox)
    with pytest.raises(OutboxBroken):
        outbox.claim(0, 1)
    assert bench.waiting(outbox) == {1: b"kept"}


def test_a_failed_settling_changes_nothing_and_the_next_one_works(outbox: Outbox) -> None:
    outbox.append(b"x", MADE_MS)
    break_writer(outbox, "COMMIT")
    with pytest.raises(OutboxBroken):
        outbox.settle(receipt(outbox.origin, [(1, 1)]), EVERYTHING)
    assert outbox.depth.waiting == 1
    assert outbox.settle(receipt(outbox.origin, [(1, 1)]), EVERYTHING) == 1


def test_a_file_that_cannot_be_opened_again_is_reported_by_every_verb(
    bench: Bench, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.append(b"kept", MADE_MS)
    break_writer(outbox, "COMMIT")
    with pytest.raises(OutboxBroken):
        outbox.append(b"x", MADE_MS)

    def damaged(path: Path, _package: str) -> sqlite3.Connection:
        raise DatabaseError(f"{path}: damaged")

    with monkeypatch.context() as patch:
        patch.setattr(outbox_file, "open_database", damaged)
        with pytest.raises(OutboxBroken, match="damaged"):
            outbox.append(b"x", MADE_MS)
        with pytest.raises(OutboxBroken, match="damaged"):
            outbox.claim(0, 1)
        with pytest.raises(OutboxBroken, match="damaged"):
            outbox.settle(receipt(outbox.origin, [(1, 1)]), EVERYTHING)
    assert bench.waiting(outbox) == {1: b"kept"}


def test_nothing_opens_a_closed_outbox_again(outbox: Outbox) -> None:
    outbox.close()
    outbox.close()
    for verb in (
        lambda: outbox.append(b"x", MADE_MS),
        lambda: outbox.claim(0, 1),
        lambda: outbox.settle(receipt(outbox.origin, [(1, 1)]), EVERYTHING),
    ):
        with pytest.raises(OutboxBroken, match="closed"):
            verb()


def test_garbage_instead_of_a_file_is_named(bench: Bench) -> None:
    bench.path.write_bytes(b"this was an outbox once" * 100)
    with pytest.raises(DatabaseError, match=r"outbox\.db"):
        bench.open()


def test_a_file_without_its_epoch_is_named(bench: Bench) -> None:
    bench.open().close()
    with sqlite3.connect(bench.path) as db:
        db.execute("DROP TABLE waiting")
    db.close()
    with pytest.raises(DatabaseError, match=r"outbox\.db"):
        bench.open()


def test_sixteen_callers_get_distinct_gapless_numbers(bench: Bench, outbox: Outbox) -> None:
    barrier = threading.Barrier(16)

    def scan(caller: int) -> list[tuple[int, bytes]]:
        barrier.wait()
        bodies = [b"%d/%d" % (caller, number) for number in range(40)]
        return [(outbox.append(body, MADE_MS), body) for body in bodies]

    with ThreadPoolExecutor(16) as pool:
        made = [pair for pairs in pool.map(scan, range(16)) for pair in pairs]
    assert sorted(seq for seq, _ in made) == list(range(1, 16 * 40 + 1))
    assert bench.waiting(outbox) == dict(made)


def test_callers_that_wait_share_a_commit(outbox: Outbox) -> None:
    """While one commit is under way the others queue up for the next."""
    commits: list[int] = []
    real_commit = outbox._file.commit

    def commit() -> None:
        commits.append(1)
        real_commit()

    outbox._file.commit = commit  # type: ignore[method-assign]
    outbox._write_lock.acquire()  # a settling that takes its time
    with ThreadPoolExecutor(16) as pool:
        made = [pool.submit(outbox.append, b"x", MADE_MS) for _ in range(16)]
        while len(outbox._queue) < 15:  # the first leads and waits for the lock
            threading.Event().wait(0.001)
        outbox._write_lock.release()
        assert sorted(future.result(10) for future in made) == list(range(1, 17))
    assert len(commits) == 2


def test_when_a_shared_commit_fails_nobody_is_told_otherwise(bench: Bench, outbox: Outbox) -> None:
    outbox._write_lock.acquire()
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(outbox.append, b"x", MADE_MS) for _ in range(4)]
        while len(outbox._queue) < 3:
            threading.Event().wait(0.001)
        break_writer(outbox, "COMMIT")
        outbox._write_lock.release()
        errors = [future.exception(10) for future in made]
    assert [type(error) for error in errors if error is not None] == [OutboxBroken]
    assert len(bench.waiting(outbox)) == 3


def test_a_leader_that_dies_wakes_the_others(outbox: Outbox) -> None:
    class Stopped(BaseException):
        pass

    def stop() -> int:
        raise Stopped

    outbox._free_bytes, working = stop, outbox._free_bytes
    with pytest.raises(Stopped):
        outbox.append(b"x", MADE_MS)
    outbox._free_bytes = working
    assert outbox.append(b"x", MADE_MS) == 1


def test_the_depth_always_adds_up_while_others_write(outbox: Outbox) -> None:
    """Read by the event loop while threads append and settle: never half a change."""

    def scan() -> None:
        for _ in range(200):
            seq = outbox.append(b"x", MADE_MS)
            outbox.settle(receipt(outbox.origin, [(1, seq)]), EVERYTHING)

    thread = threading.Thread(target=scan)
    thread.start()
    stored = 0
    while thread.is_alive():
        depth = outbox.depth
        assert depth.captured - depth.waiting - depth.refused >= stored
        stored = depth.captured - depth.waiting - depth.refused
    thread.join()
    assert outbox.depth.captured == 200
