"""Machine-readable zones out of the lines of a reader: two or three that belong together. Pure."""

import re
from math import inf

from drivers.readers.framer import Damage
from drivers.readers.line_framer import LineFramer

# hw/mrz.md 3: a reader that types, key by key, takes up to 0.7 s for a line.
BLOCK_GAP_S = 1.0
LINES = {30: 3, 36: 2, 44: 2}
"""How many lines a zone has, by the length of its lines: TD1, TD2, TD3."""

_LINE = re.compile(r"[A-Z0-9<]+", re.ASCII)
_UNBROKEN = {length * count: length for length, count in LINES.items()}  # some send no separator


class MrzFramer:
    """A `Framer` whose texts are whole zones: lines of one length, joined without a separator.

    Any line that is not one of a zone is torn: with it goes what had come of its zone.
    """

    def __init__(self) -> None:
        self._lines = LineFramer()
        self._block: list[str] = []
        self._last_s = -inf

    @property
    def ends_at_s(self) -> float | None:
        """See `Framer.ends_at_s`."""
        if (line_ends_at_s := self._lines.ends_at_s) is not None:
            return line_ends_at_s
        return self._last_s + BLOCK_GAP_S if self._block else None

    def feed(self, data: bytes, now_s: float) -> list[str | Damage]:
        """See `Framer.feed`."""
        found = self._late(now_s)
        for line in self._lines.feed(data, now_s):
            found += self._take(line)
        self._last_s = now_s
        return found

    def give_up(self, now_s: float) -> list[str | Damage]:
        """See `Framer.give_up`."""
        found: list[str | Damage] = []
        for line in self._lines.give_up(now_s):
            found += self._take(line)
        return found + self._late(now_s)

    def _late(self, now_s: float) -> list[str | Damage]:
        """What had begun and was not continued in time."""
        if not self._block or now_s < self._last_s + BLOCK_GAP_S:
            return []
        self._block.clear()
        return [Damage.TORN]

    def _take(self, line: str | Damage) -> list[str | Damage]:
        if isinstance(line, Damage) or not _LINE.fullmatch(line):
            self._block.clear()
            return [Damage.TORN]
        if len(line) in _UNBROKEN:
            self._block.clear()
            return [line]
        if len(line) not in LINES:
            self._block.clear()
            return [Damage.TORN]
        torn: list[str | Damage] = []
        if self._block and len(self._block[0]) != len(line):
            self._block.clear()
            torn = [Damage.TORN]
        self._block.append(line)
        if len(self._block) < LINES[len(line)]:
            return torn
        zone = "".join(self._block)
        self._block.clear()
        return [*torn, zone]
