"""Frame counters at hand: blocks reserved on disk, given out one by one. Pure."""

from collections import deque

LOW = 64  # frames: a minute's worth at least, in which a disk can reserve the next block


class Counters:
    """Counters nobody has used. Whoever holds this fills it when it is low."""

    def __init__(self) -> None:
        self._blocks: deque[range] = deque()

    def add(self, block: range) -> None:
        """Take in a block that is durably reserved, above all before it."""
        self._blocks.append(block)

    @property
    def is_low(self) -> bool:
        """Whether it is time to reserve more."""
        return sum(map(len, self._blocks)) < LOW

    @property
    def is_empty(self) -> bool:
        """Whether `take` would find none."""
        return not self._blocks

    def take(self) -> int | None:
        """The next one, which is never given again; None: there is none yet."""
        while self._blocks:
            block = self._blocks.popleft()
            if len(block) > 1:
                self._blocks.appendleft(block[1:])
            if block:
                return block[0]
        return None
