"""Simulated MRZ reader: a swipe or full-page reader that pushes the zone it has seen.

Written from hw/mrz.md 3, never from drivers/, so that the two can disagree.
Modelled: one zone for each document laid on it, its lines with a separator; characters it cannot
make out, sent as `*`; characters it takes for others. Not modelled: images, documents laid
askew or upside down, the chip, the maker's own commands (ignored) and page layouts. On a
`KeyboardLine` it is the same reader as a keyboard.
"""

import asyncio
from random import Random

from sim.devices.line import DeviceLine
from sim.devices.travel import TravelDocument, zone

UNREADABLE = "*"
LOOKALIKES = str.maketrans("0O1I8B5S2Z", "O0I1B8S5Z2")


class SimMrz:
    """A reader at the end of `line`; `present` and `remove` are the hand with the document."""

    def __init__(self, line: DeviceLine, *, separator: bytes = b"\r", seed: int = 0) -> None:
        self._line, self._separator = line, separator
        self._random = Random(seed)
        self._document: TravelDocument | None = None
        self._laid = asyncio.Event()
        self._smudges = 0
        self._misreads = 0

    def present(self, document: TravelDocument) -> None:
        """Lay `document` on it, in place of what was there."""
        self._document = document
        self._laid.set()

    def remove(self) -> None:
        """Take the document away."""
        self._document = None

    def smudge(self) -> None:
        """Make out one character too few the next time."""
        self._smudges += 1

    def misread(self) -> None:
        """Take every character that looks like another for that other the next time."""
        self._misreads += 1

    async def run(self) -> None:
        """Read for ever."""
        while True:
            await self._laid.wait()
            self._laid.clear()
            if self._document is not None:
                text = self._seen("\r".join(zone(self._document)) + "\r")
                await self._line.write(text.encode().replace(b"\r", self._separator))

    def _seen(self, text: str) -> str:
        if self._misreads:
            self._misreads -= 1
            text = text.translate(LOOKALIKES)
        if self._smudges:
            self._smudges -= 1
            at = self._random.choice([n for n, each in enumerate(text) if each != "\r"])
            text = text[:at] + UNREADABLE + text[at + 1 :]
        return text
