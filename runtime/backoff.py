"""How long to wait before trying again."""

from random import Random

_JITTER_FROM = 0.5  # a wait is between this share of its ceiling and the whole of it


class Backoff:
    """Exponential delays with jitter, so that a county's terminals do not retry in step.

    The ceiling starts at `first_s`, doubles with every delay and stays at `limit_s`.
    """

    def __init__(self, first_s: float, limit_s: float, random: Random) -> None:
        if not 0 < first_s <= limit_s:
            raise ValueError(f"backoff from {first_s} s to {limit_s} s is not a rising range")
        self._first_s, self._limit_s, self._random = first_s, limit_s, random
        self._ceiling_s = first_s

    def next_s(self) -> float:
        """The delay to wait now, in seconds."""
        delay_s = self._ceiling_s * self._random.uniform(_JITTER_FROM, 1.0)
        self._ceiling_s = min(self._ceiling_s * 2, self._limit_s)
        return delay_s

    def reset(self) -> None:
        """Start again from the first delay: the thing waited for works."""
        self._ceiling_s = self._first_s
