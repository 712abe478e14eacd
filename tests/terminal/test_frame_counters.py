"""Counters are reserved in time, and a disk that fails delays them."""

import asyncio
from itertools import count

from sim.clock import Run
from terminal.errors import OutboxBroken
from terminal.frame_counters import LOOK_S, RETRY_S, keep_filled
from terminal.links.lora_counters import Counters
from tests.inline_threads import use_inline_threads

BLOCK = 100


class Disk:
    def __init__(self) -> None:
        self.blocks = count()
        self.is_broken = False

    def reserve(self) -> range:
        if self.is_broken:
            raise OutboxBroken("I/O error")
        first = next(self.blocks) * BLOCK
        return range(first, first + BLOCK)


def test_there_are_always_some_and_none_comes_twice(run: Run) -> None:
    async def main() -> list[int | None]:
        use_inline_threads()
        counters, disk = Counters(), Disk()
        task = asyncio.create_task(keep_filled(counters, disk.reserve))
        taken = []
        for _ in range(300):
            await asyncio.sleep(LOOK_S / 20)
            taken.append(counters.take())
        task.cancel()
        return taken

    assert run(main()) == list(range(300))


def test_a_disk_that_fails_is_asked_again(run: Run) -> None:
    async def main() -> None:
        use_inline_threads()
        counters, disk = Counters(), Disk()
        disk.is_broken = True
        task = asyncio.create_task(keep_filled(counters, disk.reserve))
        await asyncio.sleep(RETRY_S / 2)
        assert counters.take() is None
        disk.is_broken = False
        await asyncio.sleep(RETRY_S)
        assert counters.take() == 0
        task.cancel()

    run(main())
