"""How time goes by on one radio channel: what a gateway has to know of its modem and the law."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from protocol.radio_schedule import SLOT_STEPS_PER_S


@dataclass(frozen=True)
class Pace:
    """Settings of one channel. All times are seconds."""

    airtime_s: Callable[[int], float] = field(repr=False)
    """How long a frame of so many bytes is on the air."""
    limit_bytes: int
    """The longest frame that is legal here."""
    turns_per_schedule: int
    """1: the gateway polls, which wastes no slot on a terminal that did not hear it. More: a
    beacon, which needs less of the gateway's own airtime."""
    answer_s: float
    """From the end of a schedule on the air to the first symbol of the answer, and from the last
    symbol of a frame to its arrival here: lines, hosts and listening before talking, at most."""
    gap_s: float
    """Between two frames of one burst, at most."""

    @cached_property
    def frame_s(self) -> float:
        """The longest frame on the air."""
        return self.airtime_s(self.limit_bytes)

    @cached_property
    def slot_s(self) -> float:
        """One granted frame and the pause before the next, in the steps a schedule counts in."""
        return math.ceil((self.frame_s + self.gap_s) * SLOT_STEPS_PER_S) / SLOT_STEPS_PER_S
