"""From the outbox to the verified receipt: terminal's uplink, TLS, mosquitto, `muster gateway run`.

Three processes as shipped, board and web included. Peer: a mosquitto bridge (see `bridge`), which
is done when the next broker has a message in memory; we are done when the record is in the county's
ledger, on disk, and the terminal has verified the receipt and let go of it.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sim.ports import free_port
from tests.bench.bridge import bridged, messages_per_s
from tests.bench.county import PEOPLE, POINT, BenchCounty
from tests.bench.harness import Figure, medians
from tests.bench.records import bodies

WATCHDOG_S = 420
EDGE_LIMIT_S = 60
POLL_S = 0.1
ROUNDS = 3
BRIDGED_RECORDS = 30_000
SEAL_BYTES = 16  # the peer's message is a sealed record too


@dataclass(frozen=True, slots=True)
class _Load:
    name: str
    how: str
    """See `edge`."""
    per_message: int
    records: int
    mark: float | None


LOADS = (
    _Load("end to end, backlog, 100 per message", "backlog", 100, 200_000, 120_000),
    _Load("end to end, backlog, 500 per message", "backlog", 500, 200_000, None),
    _Load("end to end, 64 callers appending", "live", 500, 20_000, None),
    _Load("end to end, 1 per message", "backlog", 1, 6_000, 3_000),
)


class _Rounds:
    """A new outbox for every round, at one terminal of one county."""

    def __init__(self, folder: Path, county: BenchCounty) -> None:
        self._folder, self._county = folder, county
        self._terminal = county.add_terminal("tcp://127.0.0.1:9", free_port())
        self._round = self._sent = 0

    def records_per_s(self, load: _Load) -> float:
        self._round += 1
        data = self._folder / f"edge-{self._round}"
        words = (str(self._terminal), str(data), load.how, str(load.per_message), str(load.records))
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.edge", *words],
            check=True,
            stdout=subprocess.PIPE,
            timeout=EDGE_LIMIT_S,
        )
        self._sent += load.records
        while self._county.folded() < self._sent:  # the next round finds the board at rest
            time.sleep(POLL_S)
        return load.records / float(done.stdout)


def measure(folder: Path) -> list[Figure]:
    """See the module."""
    county = BenchCounty(folder)
    rounds = _Rounds(folder, county)
    record = bodies(1, PEOPLE, POINT.name)[0] + bytes(SEAL_BYTES)
    with county.running(), bridged(folder / "bridge") as ports:
        runs = [lambda load=load: rounds.records_per_s(load) for load in LOADS]
        bridge, *ours = medians(
            [lambda: messages_per_s(ports, record, BRIDGED_RECORDS), *runs], ROUNDS
        )
    return [
        Figure(
            load.name,
            rate,
            bridge,
            "records/s",
            "mosquitto bridge",
            load.mark,
            mark_is_absolute=True,
        )
        for load, rate in zip(LOADS, ours, strict=True)
    ]
