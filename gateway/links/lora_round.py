"""One schedule's worth of listening: who was granted frames, who took them up, when it is over.

Pure: times are arguments, seconds of one monotonic clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.links.lora_nodes import RadioNode
from gateway.links.lora_pace import Pace
from protocol.radio_up import Progress

# A first frame that is lost must not make the gateway speak into the rest of the burst: where more
# are expected, it waits for a second one before it believes that nobody took the grant up.
PATIENCE_FRAMES = 2


@dataclass(slots=True)
class Turn:
    """One terminal's part of a round, as it turned out."""

    node: RadioNode
    grant: int
    told_gaps: Sequence[tuple[int, int]]
    start_s: float = 0.0
    last_left: int | None = None
    """Of the last frame heard; `None`: no frame was."""
    lost: int = 0
    """Frames that must have been sent before the last one heard."""
    backlog: int = 0
    deadline_s: float = math.inf
    expected: int = field(init=False)
    """The longest its burst can be believed to become."""

    def __post_init__(self) -> None:
        """After a turn that was missed, counters tell of older losses too: then go by its word."""
        want = self.node.want
        has_word = self.node.misses > 0 and want is not None
        self.expected = min(self.grant, want) if has_word and want is not None else self.grant


class Round:
    """From a schedule's last symbol until nobody granted by it has anything left to send."""

    def __init__(self, turns: Sequence[Turn], sent_s: float, pace: Pace) -> None:
        self.turns, self._pace = turns, pace
        self._by_name = {turn.node.name: turn for turn in turns}
        start_s = sent_s
        for turn in turns:
            turn.start_s = start_s
            believed = turn.grant if turn.node.want is None else max(1, turn.node.want)
            patience = min(PATIENCE_FRAMES, turn.grant, believed)
            turn.deadline_s = start_s + pace.answer_s + patience * pace.slot_s
            start_s += turn.grant * pace.slot_s

    def heard(self, node: RadioNode, progress: Progress, skipped: int, now_s: float) -> bool:
        """A frame came; whether the sender has a turn in this round.

        `skipped` says how many of the sender's were lost before it.
        """
        turn = self._by_name.get(node.name)
        if turn is None:
            return False
        if turn.last_left is None:
            turn.lost = max(0, min(skipped, turn.expected - 1 - progress.left))
        else:
            turn.lost += max(0, turn.last_left - 1 - progress.left)
        turn.last_left, turn.backlog = progress.left, progress.backlog
        wait_s = progress.left * self._pace.slot_s + self._pace.answer_s
        turn.deadline_s = now_s + wait_s if progress.left else now_s
        return True

    def heard_again(self, node: RadioNode, now_s: float) -> None:
        """A frame came that had been taken before: it is speaking, nobody knows for how long."""
        turn = self._by_name.get(node.name)
        if turn is not None:
            wait_s = self._pace.slot_s + self._pace.answer_s
            turn.deadline_s = max(turn.deadline_s, now_s + wait_s)

    @property
    def promised_until_s(self) -> float:
        """Until when terminals that were not granted anything keep silent, for all they know."""
        last = self.turns[-1]
        return last.start_s + last.grant * self._pace.slot_s

    @property
    def over_at_s(self) -> float:
        """When nobody will use this round any more, as far as is known now."""
        return self.turns[-1].deadline_s

    def wanted_after(self, turn: Turn) -> int:
        """How many frames a terminal that took up its turn is believed to have now."""
        return turn.backlog + turn.lost + (turn.last_left or 0)
