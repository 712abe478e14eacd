"""Emptying the outbox: claim and settle by receipts, against bare SELECT and DELETE.

Both read 500 rows at a time, delete them and commit; ours also checks for gaps, looks up wrapped
keys and keeps its counts.
"""

import sqlite3
import time
from pathlib import Path

from protocol.keys import Identity, decode_identity
from protocol.limits import MAX_RECORDS_PER_ENVELOPE
from protocol.receipts import Receipt
from protocol.sequences import SeqSet
from terminal.outbox import Outbox
from tests.bench.county import PEOPLE, POINT, BenchCounty
from tests.bench.harness import Figure, medians
from tests.bench.records import bodies, fill_outbox

WATCHDOG_S = 120
ROUNDS = 5
RECORDS = 50_000
MARK_PER_S = 150_000


class _Rounds:
    """Makes a full outbox for every round."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder, self._identity = folder, identity
        self._records = bodies(RECORDS, PEOPLE, POINT.name)
        self._round = 0

    def ours(self) -> float:
        identity, path = self._identity, self._full()
        outbox = Outbox(path, identity.county, identity.node, identity.peers)
        origin, upto, sent = outbox.origin, 0, SeqSet()
        start_s = time.perf_counter()
        while (batch := outbox.claim(upto, MAX_RECORDS_PER_ENVELOPE)) is not None:
            upto = batch.last_seq
            sent.add(batch.first_seq, batch.last_seq)
            names = origin.county, origin.node, origin.epoch
            outbox.settle(Receipt(*names, upto, (), (), "gateway", 1), sent)
        took_s = time.perf_counter() - start_s
        outbox.close()
        return RECORDS / took_s

    def bare(self) -> float:
        database = sqlite3.connect(self._full(), isolation_level=None)
        database.execute("PRAGMA synchronous=FULL")
        upto = 0
        select = "SELECT seq, key, sealed FROM waiting WHERE seq > ? ORDER BY seq LIMIT ?"
        start_s = time.perf_counter()
        while rows := database.execute(select, (upto, MAX_RECORDS_PER_ENVELOPE)).fetchall():
            upto = rows[-1][0]
            database.execute("DELETE FROM waiting WHERE seq <= ?", (upto,))
        took_s = time.perf_counter() - start_s
        database.close()
        return RECORDS / took_s

    def _full(self) -> Path:
        self._round += 1
        path = self._folder / f"drain-{self._round}.db"
        fill_outbox(path, self._identity, self._records)
        return path


def measure(folder: Path) -> list[Figure]:
    """See the module."""
    terminal = BenchCounty(folder).add_terminal("tcp://127.0.0.1:9", 8081)
    identity = decode_identity((terminal / "identity" / "node.identity").read_bytes())
    rounds = _Rounds(folder, identity)
    ours, bare = medians([rounds.ours, rounds.bare], ROUNDS)
    return [
        Figure(
            "drain",
            ours,
            bare,
            "records/s",
            "bare SELECT and DELETE",
            MARK_PER_S,
            mark_is_absolute=True,
        )
    ]
