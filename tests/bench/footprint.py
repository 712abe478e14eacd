"""A terminal process until its page answers, and its memory then, against an idle interpreter."""

import subprocess
import sys
import time
from pathlib import Path

from sim.ports import free_port
from tests.bench.county import BenchCounty, muster, process, wait_for_page
from tests.bench.harness import Figure, medians

WATCHDOG_S = 120
ROUNDS = 5
POLL_S = 0.005
MARK_START_S = 1.0
MARK_MIB = 60.0
KIB_PER_MIB = 1024


class _Rounds:
    """Starts and stops one terminal again and again."""

    def __init__(self, folder: Path) -> None:
        self._port, self._log = free_port(), folder / "terminal.log"
        terminal = BenchCounty(folder).add_terminal("tcp://127.0.0.1:9", self._port)
        config = terminal / "terminal.toml"
        self._command = muster("terminal", "run", "--config", str(config))
        self.resident_mib: list[float] = []

    def terminal_s(self) -> float:
        start_s = time.perf_counter()
        with process(self._command, self._log) as running:
            wait_for_page(self._port, "/healthz", POLL_S)
            took_s = time.perf_counter() - start_s
            self.resident_mib.append(resident_mib(running.pid))
        return took_s


def bare_s() -> float:
    """Seconds an interpreter takes that does nothing."""
    start_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - start_s


def bare_mib() -> float:
    """Memory of an interpreter that does nothing."""
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as idle:
        if idle.stdout is None:
            raise RuntimeError("no pipe")
        idle.stdout.readline()
        held_mib = resident_mib(idle.pid)
        idle.communicate(b"\n")
    return held_mib


def resident_mib(pid: int) -> float:
    """Resident memory of a process (VmRSS of proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / KIB_PER_MIB


def measure(folder: Path) -> list[Figure]:
    """See the module."""
    rounds = _Rounds(folder)
    ours_s, idle_s = medians([rounds.terminal_s, bare_s], ROUNDS)
    return [
        _below("terminal start", ours_s, idle_s, "s", MARK_START_S),
        _below("terminal memory", max(rounds.resident_mib), bare_mib(), "MiB", MARK_MIB),
    ]


def _below(name: str, ours: float, peer: float, unit: str, mark: float) -> Figure:
    return Figure(
        name, ours, peer, unit, "idle python", mark, mark_is_absolute=True, less_is_better=True
    )
