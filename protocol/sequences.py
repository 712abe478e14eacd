"""Which sequence numbers are held: a set of whole numbers from 1, kept as ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

Range = tuple[int, int]
"""First and last number, both included; never empty."""

_first, _last = itemgetter(0), itemgetter(1)


class SeqSet:
    """Sorted, disjoint, non-touching ranges. Every operation on one range costs O(log n)."""

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._ranges: list[Range] = []
        for first, last in ranges:
            self.add(first, last)

    def add(self, first: int, last: int) -> list[Range]:
        """Add a range; returns the parts of it that were not held before."""
        ranges = self._ranges
        start = bisect_left(ranges, first - 1, key=_last)
        end = bisect_right(ranges, last + 1, lo=start, key=_first)
        touched = ranges[start:end]
        new: list[Range] = []
        at = first
        for low, high in touched:
            if at < low:
                new.append((at, low - 1))
            at = max(at, high + 1)
        if at <= last:
            new.append((at, last))
        if touched:
            first, last = min(first, touched[0][0]), max(last, touched[-1][1])
        ranges[start:end] = [(first, last)]
        return new

    def discard(self, first: int, last: int) -> None:
        """Remove a range, held or not."""
        ranges = self._ranges
        start = bisect_left(ranges, first, key=_last)
        end = bisect_right(ranges, last, lo=start, key=_first)
        if start == end:
            return
        low, high = ranges[start][0], ranges[end - 1][1]
        before = [(low, first - 1)] if low < first else []
        after = [(last + 1, high)] if high > last else []
        ranges[start:end] = before + after

    def common(self, other: "SeqSet") -> "SeqSet":
        """What both hold."""
        both = SeqSet()
        mine, theirs = list(self), list(other)
        while mine and theirs:
            low, high = max(mine[0][0], theirs[0][0]), min(mine[0][1], theirs[0][1])
            if low <= high:
                both.add(low, high)
            ends_first = mine if mine[0][1] <= theirs[0][1] else theirs
            ends_first.pop(0)
        return both

    def without(self, ranges: Iterable[Range]) -> "SeqSet":
        """Another set: what is held here and in none of the ranges."""
        rest = SeqSet(self)
        for first, last in ranges:
            rest.discard(first, last)
        return rest

    def __contains__(self, seq: int) -> bool:
        place = bisect_left(self._ranges, seq, key=_last)
        return place < len(self._ranges) and self._ranges[place][0] <= seq

    def __iter__(self) -> Iterator[Range]:
        return iter(self._ranges)

    def __bool__(self) -> bool:
        return bool(self._ranges)

    @property
    def count(self) -> int:
        """How many numbers are held. No `len`: it would promise `list` as many elements."""
        return sum(last - first + 1 for first, last in self._ranges)

    @property
    def highest(self) -> int:
        """The highest number held, 0 when empty."""
        return self._ranges[-1][1] if self._ranges else 0

    def gaps(self) -> list[Range]:
        """Numbers from 1 below `highest` that are not held, as ranges."""
        missing: list[Range] = []
        expected = 1
        for first, last in self._ranges:
            if first > expected:
                missing.append((expected, first - 1))
            expected = last + 1
        return missing
