"""A device that pours garbage: the event loop goes on, and nothing piles up.

Judged by ratios within one run: turns of the loop with the flood and without, memory against what
was poured.
"""

import asyncio
import os
import subprocess
import sys
import time
import tracemalloc
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from drivers.port import BytePort, open_port
from drivers.readers.sdt import SdtReader
from drivers.supervisor import Ready, keep_open
from runtime.backoff import Backoff

POURED_BYTES = 2_000_000
TURN_S = 0.002
QUIET_TURNS = 300
LEAST_TURNS = 0.25  # of those of a quiet line, in the same time
MOST_MEMORY = 0.1  # of what was poured
# Pours a megabyte a second into a pty, from a process of its own: it takes no turns from ours.
POUR = """
import os, sys, time
device, pattern = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
os.set_blocking(device, True)
while True:
    data = pattern * (4000 // len(pattern)) if pattern else os.urandom(4000)
    os.write(device, data)
    time.sleep(len(data) / 1e6)
"""
PATTERNS = {
    "random": "",
    "zeros": "00",
    "longest frames begun again and again": "AA AA AA 96 69 09 60",
    "answers to nothing": "AA AA AA 96 69 00 04 00 00 90 94",
}


class Reading:
    """A reader kept open on a line, and how much came in."""

    def __init__(self) -> None:
        self.poured_bytes = 0

    async def keep(self, url: str) -> None:
        await keep_open(
            url,
            self._drive,
            open_at=self._open,
            on_state=lambda *_: None,
            backoff=Backoff(0.01, 0.05, Random(0)),
        )

    async def _open(self, url: str) -> BytePort:
        return Counting(await open_port(url), self)

    async def _drive(self, port: BytePort, ready: Ready) -> None:
        async for _ in SdtReader(port, on_ready=ready).events():
            raise AssertionError("garbage became a card")


class Counting:
    """A port that counts what comes in."""

    def __init__(self, port: BytePort, reading: Reading) -> None:
        self._port, self._reading = port, reading

    async def read(self) -> bytes:
        data = await self._port.read()
        self._reading.poured_bytes += len(data)
        return data

    async def write(self, data: bytes) -> None:
        await self._port.write(data)

    async def close(self) -> None:
        await self._port.close()


async def turns_per_s(is_over: Callable[[int], bool]) -> float:
    """How often a task that sleeps a moment gets its turn."""
    turns, began_s = 0, time.perf_counter()
    while not is_over(turns):
        await asyncio.sleep(TURN_S)
        turns += 1
    return turns / (time.perf_counter() - began_s)


@contextmanager
def flooding(device: int, pattern: str) -> Iterator[None]:
    command = [sys.executable, "-c", POUR, str(device), pattern]
    with subprocess.Popen(command, pass_fds=[device]) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def pty() -> Iterator[tuple[int, str]]:
    device, host = os.openpty()
    tty.setraw(host)
    try:
        yield device, f"serial://{os.ttyname(host)}"
    finally:
        os.close(device)
        os.close(host)


async def measure(pattern: str) -> tuple[float, float]:
    """Turns of the loop against a quiet line's, and memory against what was poured."""
    with pty() as (device, url):
        reading = Reading()
        keeping = asyncio.create_task(reading.keep(url))
        quiet = await turns_per_s(lambda turns: turns == QUIET_TURNS)
        tracemalloc.start()
        with flooding(device, pattern):
            flooded = await turns_per_s(lambda _: reading.poured_bytes >= POURED_BYTES)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    return flooded / quiet, peak_bytes / reading.poured_bytes


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_a_flood_starves_nobody_and_piles_up_nowhere(pattern: str) -> None:
    async def main() -> tuple[float, float]:
        async with asyncio.timeout(120):
            return await measure(pattern)

    turns, memory = asyncio.run(main())
    print(f"{turns:.0%} of the turns, {memory:.1%} of the bytes in memory")
    assert turns >= LEAST_TURNS
    assert memory <= MOST_MEMORY
