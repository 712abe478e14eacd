"""How long until nothing waits any more, by how fast the county has been receiving. Pure."""

from collections import deque

WINDOW_S = 300.0  # some rounds of a crowded channel; older ones say little about now


class Drain:
    """Watches how many records the county has. Times are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._stored: deque[tuple[float, int]] = deque()
        """When there were first so many; one of before the window, and all within."""

    def take(self, now_s: float, stored: int) -> None:
        """So many records of ours have been receipted."""
        if not self._stored or stored != self._stored[-1][1]:
            self._stored.append((now_s, stored))
        while len(self._stored) > 1 and self._stored[1][0] <= now_s - WINDOW_S:
            self._stored.popleft()

    def left_s(self, now_s: float, waiting: int) -> float | None:
        """About how long the rest takes; None while nothing has been receipted lately."""
        if not self._stored:
            return None
        since_s, before = self._stored[0]
        gained = self._stored[-1][1] - before
        if gained <= 0:
            return None
        return waiting * (now_s - max(since_s, now_s - WINDOW_S)) / gained

    def forget(self) -> None:
        """The way to the county has changed: what was fast there says nothing here."""
        self._stored.clear()
