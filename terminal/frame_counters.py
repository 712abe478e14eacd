"""Frame counters that are reserved on disk before anything is sealed with them."""

import asyncio
import logging
from collections.abc import Callable
from itertools import chain

from terminal.errors import OutboxBroken

log = logging.getLogger(__name__)

LOW = 32  # so many last for six seconds of telling in a hurry: longer than a card takes to write
RETRY_S = 5.0


class FrameCounters:
    """Hands out counters of reserved blocks, each once and ascending.

    `reserve` gives a block no other has been given, once that is durable; it may take its time, and
    raise `OutboxBroken`.
    """

    def __init__(self, reserve: Callable[[], range]) -> None:
        self._reserve = reserve
        self._counters = iter(range(0))
        self._left = 0
        self._is_low = asyncio.Event()
        self._is_low.set()

    def next(self) -> int | None:
        """A counter, or `None` while there is none."""
        counter = next(self._counters, None)
        self._left -= counter is not None
        if self._left < LOW:
            self._is_low.set()
        return counter

    async def run(self) -> None:
        """Keep a supply until cancelled."""
        while True:
            await self._is_low.wait()
            self._is_low.clear()
            try:
                block = await asyncio.to_thread(self._reserve)
            except OutboxBroken as error:
                log.error("no frame counters: %s", error)
                await asyncio.sleep(RETRY_S)
                self._is_low.set()
            else:
                self._counters = chain(self._counters, block)
                self._left += len(block)
