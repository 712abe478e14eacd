"""What a device that only talks says, and when: independent of the line that carries it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from sim.devices.line import DeviceLine


@dataclass(frozen=True, slots=True)
class Burst:
    """Bytes, and when the last of them has left, counted from switching the device on."""

    after_s: float
    data: bytes


async def play(bursts: Iterable[Burst], line: DeviceLine, *, speed: float = 1.0) -> None:
    """Send each burst when it is due; those already due go out at once.

    `speed` 2 is twice as fast, 0 does not wait at all.
    """
    loop = asyncio.get_running_loop()
    on_since_s = loop.time()
    for burst in bursts:
        due_s = on_since_s + burst.after_s / speed if speed else 0.0
        await asyncio.sleep(due_s - loop.time())
        await line.write(burst.data)
