"""Sealed durable appends: one caller against a bare append+fdatasync loop, 64 callers against one.

Ours seals the record, gives it its number and commits it to SQLite; the bare loop only writes the
same number of bytes and waits for the disk.
"""

import os
import statistics
import threading
import time
from pathlib import Path

from protocol.keys import decode_identity
from terminal.outbox import Outbox
from tests.bench.county import PEOPLE, POINT, BenchCounty
from tests.bench.harness import Figure, medians
from tests.bench.records import bodies

WATCHDOG_S = 120
ROUNDS = 5
RECORDS = 1500
CALLERS = 64
CROWD_RECORDS = 9600
TAG_BYTES = 16


def measure(folder: Path) -> list[Figure]:
    """See the module."""
    terminal = BenchCounty(folder).add_terminal("tcp://127.0.0.1:9", 8081)
    identity = decode_identity((terminal / "identity" / "node.identity").read_bytes())
    records = bodies(CROWD_RECORDS, PEOPLE, POINT.name)
    size_bytes = round(statistics.mean(map(len, records))) + TAG_BYTES
    outbox = Outbox(folder / "outbox.db", identity.county, identity.node, identity.peers)
    bare, one, many = medians(
        [
            lambda: _bare(folder / "bare", size_bytes),
            lambda: _appended(outbox, records[:RECORDS], 1),
            lambda: _appended(outbox, records, CALLERS),
        ],
        ROUNDS,
    )
    outbox.close()
    return [
        Figure("append, 1 caller", one, bare, "records/s", "bare append+fdatasync", 0.85),
        Figure("append, 64 callers", many, one, "records/s", "append, 1 caller", 4.5),
    ]


def _bare(path: Path, size_bytes: int) -> float:
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    line = bytes(size_bytes)
    start_s = time.perf_counter()
    for _ in range(RECORDS):
        os.write(file, line)
        os.fdatasync(file)
    took_s = time.perf_counter() - start_s
    os.close(file)
    return RECORDS / took_s


def _appended(outbox: Outbox, records: list[bytes], callers: int) -> float:
    def caller(share: list[bytes]) -> None:
        for body in share:
            outbox.append(body, 1)

    threads = [
        threading.Thread(target=caller, args=(records[number::callers],))
        for number in range(callers)
    ]
    start_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(records) / (time.perf_counter() - start_s)
