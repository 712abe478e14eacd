"""Simulated barcode and QR scanner: reads what is held before it and pushes the text.

Written from hw/scanner.md, never from drivers/, so that the two can disagree.
Modelled: one shot for each presentation, as with a trigger; or, with `reread_s`, looking by itself
and reading the same code again for as long as it is there; prefix and suffix. Not modelled: light,
distance, damaged print, symbologies and their identifiers, set-up codes, flow control. What the
host sends is ignored. On a `KeyboardLine` it is the same scanner as a keyboard.
"""

import asyncio
from contextlib import suppress

from sim.devices.line import DeviceLine


class SimScanner:
    """A scanner at the end of `line`; `present` and `remove` are the hand with the code."""

    def __init__(
        self,
        line: DeviceLine,
        *,
        prefix: bytes = b"",
        suffix: bytes = b"\r",
        reread_s: float | None = None,
    ) -> None:
        self._line = line
        self._prefix, self._suffix = prefix, suffix
        self._reread_s = reread_s
        self._code: str | None = None
        self._changed = asyncio.Event()

    def present(self, code: str) -> None:
        """Hold `code` before it, in place of what was there."""
        self._code = code
        self._changed.set()

    def remove(self) -> None:
        """Take the code away."""
        self._code = None
        self._changed.set()

    def wire(self, code: str) -> bytes:
        """What goes out for `code`."""
        return self._prefix + code.encode() + self._suffix

    async def run(self) -> None:
        """Scan for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while (code := self._code) is not None and not self._changed.is_set():
                await self._line.write(self.wire(code))
                if self._reread_s is None:
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._reread_s):
                        await self._changed.wait()
