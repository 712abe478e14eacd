"""Processes of a simulated county."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.processes import Process, ProcessDied

PATIENCE_S = 10.0
PARENT = """
import asyncio, sys
from pathlib import Path
from sim.processes import Process

async def main():
    child = Process("child", ["sleep", "60"], Path(sys.argv[1]))
    await child.start()
    print(child.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1][:3]


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_child_does_not_outlive_a_killed_demo(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"sleep"))
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(child))


def test_a_process_that_ends_by_itself_is_named_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def scenario() -> None:
        process = Process("short", ["true"], log)
        await process.start()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                process.check()
                await asyncio.sleep(0)

    with pytest.raises(ProcessDied, match=str(log)):
        asyncio.run(scenario())


def test_stop_insists_and_start_begins_again(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, int]:
        process = Process("again", ["sleep", "60"], tmp_path / "log")
        await process.start()
        first = process.pid
        await process.stop()
        await process.start()
        second = process.pid
        await process.kill()
        return first, second

    first, second = asyncio.run(scenario())
    assert first != second
    assert not is_alive(first)
    assert not is_alive(second)
