"""The outbox against a model: whatever happens to it, it holds what it promised, and no more."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.sequences import SeqSet
from terminal.carried import CarriedOutbox
from terminal.errors import OutboxBroken, OutboxFull
from terminal.outbox import FLOOR_BYTES
from tests.outboxes import EVERYTHING, PLENTY_BYTES, Bench, receipt
from tests.quick_disk import quick_disk

MADE_MS = 1_790_000_000_000
ranges = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 6)).map(lambda pair: (pair[0], sum(pair))),
    max_size=4,
)


class CommitFails:
    """A connection whose next COMMIT fails; `is_written` is whether it reached the disk."""

    def __init__(self, inner: sqlite3.Connection, code: int, *, is_written: bool) -> None:
        self._inner, self._code, self._is_written = inner, code, is_written

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement == "COMMIT" and self._code:
            if self._is_written:
                self._inner.execute("COMMIT")
            error = sqlite3.OperationalError("injected")
            error.sqlite_errorcode, self._code = self._code, 0
            raise error
        return self._inner.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class OutboxMachine(RuleBasedStateMachine):
    """The model: bodies that wait, numbers that were refused, and how many there ever were."""

    @initialize()
    def make(self) -> None:
        self.cleanup = ExitStack()
        self.cleanup.enter_context(quick_disk())
        self.folder = Path(tempfile.mkdtemp())
        self.bench = Bench(self.folder / "outbox.db")
        self.outbox = self.bench.open()
        self.waiting: dict[int, bytes] = {}
        self.refused: set[int] = set()
        self.captured = 0
        self.exported: set[int] = set()
        """What a courier was given."""
        self.sealed: dict[tuple[bytes, int], bytes] = {}
        """What every (key, number) was ever seen to have sealed."""

    @rule(body=st.binary(min_size=1, max_size=40))
    def append(self, body: bytes) -> None:
        seq = self.outbox.append(body, MADE_MS)
        assert seq == self.captured + 1
        self.captured, self.waiting[seq] = seq, body

    @rule()
    def append_on_a_full_disk(self) -> None:
        self.bench.free_bytes = FLOOR_BYTES
        self._must_raise(lambda: self.outbox.append(b"x", MADE_MS), OutboxFull)
        self.bench.free_bytes = PLENTY_BYTES

    @rule(code=st.sampled_from([sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR]))
    def append_that_fails(self, code: int) -> None:
        self._break_commit(code, is_written=False)
        self._must_raise(lambda: self.outbox.append(b"x", MADE_MS), (OutboxBroken, OutboxFull))

    @rule()
    def append_that_fails_after_it_was_written(self) -> None:
        """Nobody was promised anything, and there it is: a record more, never a number twice."""
        self._break_commit(sqlite3.SQLITE_IOERR, is_written=True)
        self._must_raise(lambda: self.outbox.append(b"unpromised", MADE_MS), OutboxBroken)
        self.captured += 1
        self.waiting[self.captured] = b"unpromised"
        self.outbox.claim(0, 1)  # opens the file anew

    @rule(stored=ranges, refused=ranges)
    def settle(self, stored: list[tuple[int, int]], refused: list[tuple[int, int]]) -> None:
        held, aside = SeqSet(stored), SeqSet(refused)
        for first, last in held:
            aside.discard(first, last)
        known = {seq for seq in self.waiting if seq in held}
        assert self.outbox.settle(receipt(self.outbox.origin, held, aside), EVERYTHING) == len(
            known
        )
        for seq in known:
            del self.waiting[seq]
        self.refused = {seq for seq in self.refused if seq not in held}
        moved = {seq for seq in self.waiting if seq in aside}
        for seq in moved:
            del self.waiting[seq]
        self.refused |= moved

    @rule()
    def a_courier_takes_what_waits(self) -> None:
        with closing(CarriedOutbox(self.bench.path, self.bench.terminal)) as carried:
            for export in carried.exports():
                carried.note(export.head)
        self.exported |= set(self.waiting)

    @rule(upto=st.integers(1, 30))
    def settle_what_only_a_courier_had(self, upto: int) -> None:
        due = {seq for seq in self.exported if seq <= upto}
        known = due & set(self.waiting)
        word = receipt(self.outbox.origin, [(1, upto)])
        assert self.outbox.settle(word, SeqSet()) == len(known)
        for seq in known:
            del self.waiting[seq]
        self.refused -= due

    @precondition(lambda self: self.waiting)
    @rule()
    def settle_that_fails(self) -> None:
        self._break_commit(sqlite3.SQLITE_IOERR, is_written=False)
        everything = receipt(self.outbox.origin, [(1, self.captured)])
        self._must_raise(lambda: self.outbox.settle(everything, EVERYTHING), OutboxBroken)

    @rule(flip=st.integers(1, 2**31))
    def settle_for_another_epoch(self, flip: int) -> None:
        origin = self.outbox.origin
        other = type(origin)(origin.county, origin.node, origin.epoch ^ flip)
        assert self.outbox.settle(receipt(other, [(1, 100)]), EVERYTHING) == 0

    @rule()
    def restart(self) -> None:
        self.outbox.close()
        self.outbox = self.bench.open()

    @rule(limit=st.integers(1, 7))
    def everything_that_waits_can_be_claimed_and_opened(self, limit: int) -> None:
        assert self.bench.waiting(self.outbox, limit) == self.waiting

    @invariant()
    def counts_add_up(self) -> None:
        depth = self.outbox.depth
        assert (depth.captured, depth.waiting) == (self.captured, len(self.waiting))
        assert depth.refused == len(self.refused)
        assert (depth.oldest_made_ms is None) == (not self.waiting)

    @invariant()
    def no_key_sealed_a_number_twice(self) -> None:
        for key, seq, sealed in self.bench.nonces(self.outbox):
            assert self.sealed.setdefault((key, seq), sealed) == sealed

    def teardown(self) -> None:
        self.outbox.close()
        self.cleanup.close()
        shutil.rmtree(self.folder)

    def _break_commit(self, code: int, *, is_written: bool) -> None:
        file = self.outbox._file
        file._writer = CommitFails(file._writer, code, is_written=is_written)  # type: ignore[assignment]

    def _must_raise(
        self, work: Callable[[], int], error: type[Exception] | tuple[type[Exception], ...]
    ) -> None:
        try:
            work()
        except error:
            return
        raise AssertionError("it said nothing")


OutboxMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestOutbox = OutboxMachine.TestCase
