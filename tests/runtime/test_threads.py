"""A blocking call gives its result or error, and nobody waits for one that was abandoned."""

import asyncio
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from runtime.threads import in_daemon_thread

PROJECT = Path(__file__).parents[2]
ENDS_WITHIN_S = 20
STUCK = """
import asyncio, socket
from runtime.threads import in_daemon_thread

async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    stuck = asyncio.create_task(in_daemon_thread(lambda: client.recv(1)))
    await asyncio.sleep(0)
    stuck.cancel()

asyncio.run(main())
"""


def test_result_and_errors_come_through() -> None:
    def fail(error: BaseException) -> None:
        raise error

    assert asyncio.run(in_daemon_thread(lambda: 42)) == 42
    for expected in (ConnectionRefusedError("no"), ValueError("no")):
        with pytest.raises(type(expected), match="no"):
            asyncio.run(in_daemon_thread(partial(fail, expected)))


def test_a_bug_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    was_reported = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: was_reported.set())
    with pytest.raises(RuntimeError, match="foresaw"):
        asyncio.run(in_daemon_thread(lambda: 1 // 0))
    assert was_reported.wait(ENDS_WITHIN_S)


def test_a_process_ends_although_a_call_is_stuck() -> None:
    command = [sys.executable, "-c", STUCK]
    subprocess.run(command, cwd=PROJECT, check=True, timeout=ENDS_WITHIN_S)
