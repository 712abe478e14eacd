"""How a framer is fuzzed; the rows are in `framers`.

A row knows how to make the framer, how the driver tells it that the line is quiet, what valid
traffic looks like, and what must come out of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Feed:
    """One framer, with the parser behind it."""

    feed: Callable[[bytes], Sequence[object]]
    """Take bytes as they come; what they complete, read as far as a driver reads it."""
    quiet: Callable[[], Sequence[object]]
    """Nothing more comes, for longer than the driver waits."""
    held_bytes: Callable[[], int]


Traffic = Callable[[Random], tuple[bytes, object]]
"""Makes a whole frame as the device sends it, and what `Feed.feed` makes of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of framer is fuzzed."""

    make: Callable[[], Feed]
    traffic: Traffic
    held_limit_bytes: int
    """What a framer may hold between two calls, however long the garbage."""
    head: bytes
    """What frames begin with: the worst kind of garbage is made of it."""
    is_cut: bool = True
    """Whether it takes a stream in any pieces, or one message at a time."""
