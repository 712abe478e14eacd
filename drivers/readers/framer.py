"""What cuts a stream of bytes into texts: the shape of every framer of a device that talks by
itself, and the ways a text can be damaged."""

from enum import Enum, auto
from typing import Protocol


class Damage(Enum):
    """Why bytes that arrived are no text."""

    TORN = auto()  # something is missing or was changed on the way: present it again
    NOT_TEXT = auto()  # whole, but not in the encoding or alphabet that is read here
    TOO_LONG = auto()  # longer than anything that is meant for us


class Framer(Protocol):
    """Cuts a stream into texts. No I/O; time is an argument, on a clock that never goes back.

    It is total: any bytes in any pieces give texts and damages, never an exception, and what it
    keeps is bounded. The same stream gives the same result in any pieces that arrive in time.
    """

    @property
    def ends_at_s(self) -> float | None:
        """When the unfinished text is over unless more comes; None if nothing is unfinished."""

    def feed(self, data: bytes, now_s: float) -> list[str | Damage]:
        """Take bytes that arrived at `now_s`; return what they complete."""

    def give_up(self, now_s: float) -> list[str | Damage]:
        """Return what is over at `now_s` because nothing more came."""
