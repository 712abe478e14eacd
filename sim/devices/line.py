"""The seam below every simulated device: its end of the cable."""

import asyncio
from typing import Protocol

_PACE_STEP_S = 0.005  # about one scheduler tick: finer pacing would only cost wake-ups
BITS_PER_BYTE = 10  # start bit, eight data bits, stop bit


class DeviceLine(Protocol):
    """What a simulated device sees of the cable.

    `read` waits while nothing is plugged in; `write` loses bytes nobody is there to take, as a
    serial line does.
    """

    async def read(self) -> bytes:
        """Wait for bytes from the host; at least one."""

    async def write(self, data: bytes) -> None:
        """Send bytes to the host."""


class PacedLine:
    """A line that takes as long as a UART of `baud` for what the device sends; None: no time."""

    def __init__(self, line: DeviceLine, baud: int | None) -> None:
        self._line = line
        self.baud = baud

    async def read(self) -> bytes:
        """See `DeviceLine.read`; what the host sends is not paced, it is short."""
        return await self._line.read()

    async def write(self, data: bytes) -> None:
        """See `DeviceLine.write`; returns when the last byte is on its way."""
        if self.baud is None:
            await self._line.write(data)
            return
        byte_time_s = BITS_PER_BYTE / self.baud
        step_bytes = max(1, int(_PACE_STEP_S / byte_time_s))
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for start in range(0, len(data), step_bytes):
            step = data[start : start + step_bytes]
            due_s += len(step) * byte_time_s  # from the start, so that errors do not add up
            await asyncio.sleep(due_s - loop.time())
            await self._line.write(step)
