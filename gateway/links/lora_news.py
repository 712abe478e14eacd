"""Tells the bulletin to all by radio, again and again until those that listen have it. Pure.

The first round begins at once. The rounds after it come ever more seldom, and only while somebody
who was heard lately has not said that it has the latest one. Times are seconds of one monotonic
clock.
"""

import math

from protocol.radio_news import Piece, split_message

LISTENS_S = 900.0  # a terminal on the radio says how it fares every ten minutes
AGAIN_FIRST_S, AGAIN_LIMIT_S = 30.0, 600.0


class NewsRounds:
    """Implements `gateway.links.lora_engine.News`."""

    def __init__(self) -> None:
        self._number = 0
        self._message = b""
        self._left: list[Piece] = []
        self._split_for_bytes = 0
        self._next_round_s = math.inf
        self._pause_s = AGAIN_FIRST_S
        self._heard_s: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def publish(self, number: int, message: bytes, now_s: float) -> None:
        """This is the bulletin now; whatever was told before is told no more."""
        self._number, self._message = number, message
        self._left, self._split_for_bytes = [], 0
        self._next_round_s, self._pause_s = now_s, AGAIN_FIRST_S

    def heard(self, node: str, now_s: float) -> None:
        """A terminal is on the radio."""
        is_back = now_s - self._heard_s.get(node, -math.inf) > LISTENS_S
        self._heard_s[node] = now_s
        if is_back and self._lacks_it(node):
            self._pause_s = AGAIN_FIRST_S
            self._next_round_s = min(self._next_round_s, now_s)

    def told(self, node: str, number: int) -> None:
        """A terminal said which bulletin it has."""
        self._held[node] = number
        if self._next_round_s == math.inf and self._lacks_it(node):  # it had it, and lost it
            self._next_round_s = self._heard_s.get(node, math.inf)

    def next_part(self, now_s: float, limit_bytes: int) -> bytes | None:
        """See `News.next_part`."""
        if not self._left and now_s < self.due_s():
            return None
        if not self._left and not self._is_wanted(now_s):
            self._next_round_s = math.inf  # until one of those that lack it is heard again
            return None
        if not self._left or limit_bytes < self._split_for_bytes:
            self._left = split_message(self._message, self._number, limit_bytes)
            self._split_for_bytes = limit_bytes
        piece = self._left.pop(0)
        if not self._left:
            self._next_round_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, AGAIN_LIMIT_S)
        return piece.pack()

    def due_s(self) -> float:
        """See `News.due_s`."""
        if not self._message or not any(map(self._lacks_it, self._heard_s)):
            return math.inf
        return -math.inf if self._left else self._next_round_s

    def _is_wanted(self, now_s: float) -> bool:
        return any(
            now_s - heard_s <= LISTENS_S and self._lacks_it(node)
            for node, heard_s in self._heard_s.items()
        )

    def _lacks_it(self, node: str) -> bool:
        return bool(self._number) and self._held.get(node) != self._number
