"""Intake against bare multi-row inserts of the same records, in transactions of the same size.

Ours verifies the envelope, opens every record, deduplicates, links the hash chain and signs the
receipt; the bare loop inserts what it is given into the same table with the same index.
"""

import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from gateway.intake import Incoming, Intake
from gateway.registry import Registry
from gateway.store.sqlite import SqliteLedger
from protocol.envelope import pack_envelope
from protocol.keys import Identity, decode_identity
from runtime.database import open_database
from terminal.outbox import Outbox
from tests.bench.county import PEOPLE, POINT, BenchCounty
from tests.bench.harness import Figure, medians
from tests.bench.records import bodies, fill_outbox

WATCHDOG_S = 120
ROUNDS = 5
RECORDS = 50_000
PER_MESSAGE = 100
PER_COMMIT = 1000
ROWS_PER_STATEMENT = 200


class _Rounds:
    """The same messages into a new ledger every round."""

    def __init__(self, folder: Path, county: BenchCounty, terminal: Identity) -> None:
        self._folder, self._county = folder, county
        self._gateway = decode_identity(
            (county.paths.gateway / "identity" / "node.identity").read_bytes()
        )
        self._records = bodies(RECORDS, PEOPLE, POINT.name)
        self._messages = _packed(folder / "outbox.db", terminal, self._records)
        self._round = 0

    def ours(self) -> float:
        ledger = SqliteLedger(self._path())
        registry = Registry(self._county.paths.enrolments, self._gateway)
        intake = Intake(self._gateway, ledger, registry.find, lambda: 1)
        step = PER_COMMIT // PER_MESSAGE
        start_s = time.perf_counter()
        for start in range(0, len(self._messages), step):
            intake.admit(self._messages[start : start + step])
        took_s = time.perf_counter() - start_s
        ledger.close()
        return RECORDS / took_s

    def bare(self) -> float:
        database = open_database(self._path(), "gateway")
        database.execute("INSERT INTO stream VALUES (1, 'bare', 1, x'90', x'90')")
        rows = ", ".join(["(1, ?, ?)"] * ROWS_PER_STATEMENT)
        insert = f"INSERT INTO record (stream, seq, body) VALUES {rows}"  # noqa: S608  # constant
        start_s = time.perf_counter()
        for commit in range(0, RECORDS, PER_COMMIT):
            database.execute("BEGIN IMMEDIATE")
            for start in range(commit, commit + PER_COMMIT, ROWS_PER_STATEMENT):
                part = self._records[start : start + ROWS_PER_STATEMENT]
                database.execute(insert, list(chain.from_iterable(enumerate(part, start))))
            database.execute("COMMIT")
        took_s = time.perf_counter() - start_s
        database.close()
        return RECORDS / took_s

    def _path(self) -> Path:
        self._round += 1
        return self._folder / f"ledger-{self._round}.db"


def measure(folder: Path) -> list[Figure]:
    """See the module."""
    county = BenchCounty(folder)
    terminal = county.add_terminal("tcp://127.0.0.1:9", 8081)
    identity = decode_identity((terminal / "identity" / "node.identity").read_bytes())
    rounds = _Rounds(folder, county, identity)
    ours, bare = medians([rounds.ours, rounds.bare], ROUNDS)
    return [Figure("intake with dedupe", ours, bare, "records/s", "bare multi-row INSERT")]


def _packed(path: Path, terminal: Identity, records: Sequence[bytes]) -> list[Incoming]:
    fill_outbox(path, terminal, records)
    outbox = Outbox(path, terminal.county, terminal.node, terminal.peers)
    messages: list[Incoming] = []
    upto = 0
    while (batch := outbox.claim(upto, PER_MESSAGE)) is not None:
        upto = batch.last_seq
        message = pack_envelope(
            outbox.origin, batch.first_seq, batch.rows, batch.keys, terminal.signing_key
        )
        messages.append(Incoming(terminal.node, message))
    outbox.close()
    return messages
