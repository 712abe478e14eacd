"""Which sequence numbers are held: a set of whole numbers from 1, kept as ranges."""

from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""First and last number, both included."""


class SeqSet:
    """Sorted, disjoint, non-touching ranges. Appending in order costs O(1)."""

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._ranges: list[Range] = []
        for first, last in ranges:
            self.add(first, last)

    def add(self, first: int, last: int) -> list[Range]:
        """Add a range; returns the parts of it that were not held before."""
        ranges = self._ranges
        if not ranges or first > ranges[-1][1] + 1:
            ranges.append((first, last))
            return [(first, last)]
        if first == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], last)
            return [(first, last)]
        return self._merge(first, last)

    def discard(self, first: int, last: int) -> None:
        """Remove a range, held or not."""
        kept: list[Range] = []
        for low, high in self._ranges:
            if low < first:
                kept.append((low, min(high, first - 1)))
            if high > last:
                kept.append((max(low, last + 1), high))
        self._ranges = kept

    def __contains__(self, seq: int) -> bool:
        return any(first <= seq <= last for first, last in self._ranges)

    def __iter__(self) -> Iterator[Range]:
        return iter(self._ranges)

    def __len__(self) -> int:
        """How many numbers are held."""
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

    def _merge(self, first: int, last: int) -> list[Range]:
        new: list[Range] = []
        before: list[Range] = []
        after: list[Range] = []
        low, high, start = first, last, first
        for held_first, held_last in self._ranges:
            if held_last < first - 1:
                before.append((held_first, held_last))
            elif held_first > last + 1:
                after.append((held_first, held_last))
            else:
                if start < held_first:
                    new.append((start, min(last, held_first - 1)))
                start = max(start, held_last + 1)
                low, high = min(low, held_first), max(high, held_last)
        if start <= last:
            new.append((start, last))
        self._ranges = [*before, (low, high), *after]
        return new
