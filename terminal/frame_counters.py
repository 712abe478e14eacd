"""Keeps frame counters at hand: reserved on disk before anything is sealed with them."""

import asyncio
import logging
from collections.abc import Callable

from terminal.errors import OutboxBroken
from terminal.links.lora_counters import Counters

log = logging.getLogger(__name__)

LOOK_S = 1.0  # the last 64 go in twelve seconds at the fastest: `terminal.neighbours.HURRY_S`
RETRY_S = 5.0


async def keep_filled(counters: Counters, reserve: Callable[[], range]) -> None:
    """Reserve blocks until cancelled. One task only: blocks must be added in their order.

    `reserve` returns a block once that is durable; it may take its time, or raise `OutboxBroken`.
    """
    while True:
        while counters.is_low:
            try:
                counters.add(await asyncio.to_thread(reserve))
            except OutboxBroken as error:
                log.error("no frame counters: %s", error)
                await asyncio.sleep(RETRY_S)
        await asyncio.sleep(LOOK_S)
