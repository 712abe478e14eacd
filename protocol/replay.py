"""Which counters of a sender have been taken: the window of RFC 6479 as a value.

A receiver keeps one for each sender, direction and epoch, and stores the new one in the transaction
that stores what the frame brought.
"""

from typing import NamedTuple

COUNTER_BITS = 48
CLEAR_BITS = 24  # of the counter, in the frame's header
WINDOW = 64  # counters; a burst has at most 16 frames, so four bursts may overtake each other

_CLEAR_SPAN = 1 << CLEAR_BITS
_MAX_COUNTER = (1 << COUNTER_BITS) - 1


class ReplayWindow(NamedTuple):
    """The highest counter taken, and which of the `WINDOW` up to it.

    Bit n of `taken` stands for `highest - n`. A window that has seen nothing has no bit set.
    """

    highest: int = 0
    taken: int = 0

    def whole(self, clear: int) -> int:
        """The counter nearest to `highest` whose low 24 bits are `clear`."""
        base = self.highest - self.highest % _CLEAR_SPAN + clear
        near = (base - _CLEAR_SPAN, base, base + _CLEAR_SPAN)
        possible = (counter for counter in near if 0 <= counter <= _MAX_COUNTER)
        return min(possible, key=lambda counter: abs(counter - self.highest))

    def is_fresh(self, counter: int) -> bool:
        """Whether `counter` is known not to have been taken; one below the window is not."""
        age = self.highest - counter
        return age < 0 or (age < WINDOW and not self.taken >> age & 1)

    def after(self, counter: int) -> "ReplayWindow":
        """The window once `counter`, which must be fresh, is taken."""
        age = self.highest - counter
        if age >= 0:
            return ReplayWindow(self.highest, self.taken | 1 << age)
        kept = self.taken << -age if -age < WINDOW else 0
        return ReplayWindow(counter, (kept | 1) & ((1 << WINDOW) - 1))
