"""When a terminal may speak on the shared channel. Pure: times are seconds of one monotonic clock.

Granted frames go in their turn, at once or when the slots of those before are over. Without a turn
a terminal asks: after a random while it waits until the channel has been idle for longer than
anybody pauses within a burst, then a random slot more, and sends one frame, which says how much is
behind it. What it asked for twice in vain it asks for ever more seldom, and only with a status:
a gateway that comes back hears it so, and a channel full of terminals nobody answers stays usable.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from protocol.radio_schedule import Turn
from runtime.backoff import Backoff

BATCH_S = 10.0  # what happens within it shares a frame; also keeps a county from asking in step
IDLE_GAP_S = 0.12  # longer than a gateway takes to answer (reference/radio.md 4.2)
SLOT_S = 0.15  # within it a modem that listens first notices who began before: 12 symbols at SF9
SLOTS = 16
TRIES = 2
ANSWER_S = 6.0  # receipts of lone frames wait 2 s for company; whoever serves others is heard to
HELLO_FIRST_S, HELLO_LIMIT_S = 30.0, 600.0
SILENCE_S = 600.0  # then a status says that we are still there
PATIENCE_S = 30.0  # a gateway that serves nobody else has answered or granted within it
GATEWAY_S = 60.0  # who heard a schedule within it need not wonder whether there is a gateway
_LATE_S = 0.05  # what hosts and lines may add to a slot


class Occasion(Enum):
    """Why it may speak."""

    TURN = "turn"
    ASKING = "asking"
    HELLO = "hello"
    """Asking again after silence, with a status: a gateway may be listening by now."""
    TELLING = "telling"
    """Not to the gateway but to the other lanes of the point."""


@dataclass(slots=True)
class _OwnTurn:
    start_s: float
    end_s: float
    left: int


class Access:
    """One terminal's right to speak. `airtime_s` is that of a frame of so many bytes."""

    def __init__(
        self, airtime_s: Callable[[int], float], max_frame_bytes: int, random: Random
    ) -> None:
        self._airtime_s, self._random = airtime_s, random
        self._frame_s = airtime_s(max_frame_bytes)
        self._hello = Backoff(HELLO_FIRST_S, HELLO_LIMIT_S, random)
        self._turn: _OwnTurn | None = None
        self._idle_from_s = 0.0
        """From when the channel counts as idle, as far as is known."""
        self._slots = random.randrange(SLOTS)
        self._held_until_s = 0.0
        """By the law, or by a modem that is away."""
        self._ask_at_s: float | None = None
        self._tries = 0
        self._answer_by_s: float | None = None
        """Asked, and nothing has come back yet."""
        self._granted_by_s: float | None = None
        """The gateway knows of a backlog: not asked for before."""
        self._told_backlog = 0
        self._heard_gateway_s = -math.inf
        self._greets_at_s: float | None = None
        """When silence has lasted too long; None: this terminal asks for nothing by itself."""

    def begin(self, now_s: float) -> None:
        """From now on this terminal speaks without being asked; it says soon that it is there."""
        self._greets_at_s = now_s + SILENCE_S
        self.want(now_s)

    def stop(self) -> None:
        """From now on it only answers."""
        self._greets_at_s = None
        self._ask_at_s = self._answer_by_s = self._granted_by_s = None
        self._tries = 0
        self._hello.reset()

    def want(self, now_s: float) -> None:
        """There is something to say."""
        waits = (self._ask_at_s, self._answer_by_s, self._granted_by_s)
        if self._greets_at_s is not None and waits == (None, None, None):
            self._ask_at_s = now_s + self._random.uniform(0, BATCH_S)

    def heard(self, now_s: float) -> None:
        """Somebody sent a frame, and may go on."""
        self._busy_until(max(self._idle_from_s, now_s + self._frame_s + IDLE_GAP_S))

    def scheduled(self, now_s: float, turns: Sequence[Turn], slot_s: float, address: int) -> None:
        """A schedule came: from now on it alone says who speaks when."""
        at_s = now_s
        others_s = 0.0
        self._turn, self._heard_gateway_s = None, now_s
        for turn in turns:
            end_s = at_s + turn.grant * slot_s
            if turn.address != address:
                others_s += end_s - at_s
            elif turn.grant:
                self._turn = _OwnTurn(at_s, end_s + _LATE_S, turn.grant)
            at_s = end_s
        if self._turn is not None and self._turn.end_s >= at_s:  # nobody follows: no hurry
            self._turn.end_s += slot_s
        is_polling = at_s > now_s  # the next schedule follows then
        # It may be lost here, and what it grants be behind a hill: wait as long once more.
        follows_s = others_s + self._frame_s if is_polling else 0.0
        if others_s and self._granted_by_s is not None:
            self._granted_by_s = max(self._granted_by_s, at_s + PATIENCE_S)
        self._busy_until(at_s + IDLE_GAP_S + follows_s)

    def answered(self, now_s: float, *, has_more: bool) -> None:
        """The gateway has named us: it is there, and knows the backlog we told it last."""
        self._tries = 0
        self._hello.reset()
        self._ask_at_s = self._answer_by_s = self._granted_by_s = None
        if has_more and self._told_backlog:
            self._granted_by_s = now_s + PATIENCE_S
        elif has_more:
            self.want(now_s)

    @property
    def granted(self) -> int:
        """How many frames of our turn are left."""
        return self._turn.left if self._turn is not None else 0

    def occasion(self, now_s: float) -> Occasion | None:
        """Whether it may speak now, and why."""
        if now_s < self._held_until_s:
            return None
        if self._turn is not None:
            if now_s >= self._turn.end_s:
                self._turn = None
            else:
                return Occasion.TURN if now_s >= self._turn.start_s else None
        self._look_at_timers(now_s)
        asks_at_s = self._asks_at_s()
        if asks_at_s is None or now_s < asks_at_s:
            return None
        return Occasion.ASKING if self._tries < TRIES else Occasion.HELLO

    def tells_at_s(self) -> float | None:
        """When neighbours may be told something: on an idle channel, and not in a turn."""
        if self._turn is not None:
            return None
        return max(self._idle_from_s + self._slots * SLOT_S, self._held_until_s)

    def told(self, now_s: float) -> None:
        """A frame to neighbours has left the antenna: the gateway knows no more than before."""
        self._busy_until(now_s + IDLE_GAP_S)

    def fits(self, now_s: float, frame_bytes: int) -> bool:
        """Whether a frame would be over before our turn is."""
        return self._turn is not None and now_s + self._airtime_s(frame_bytes) <= self._turn.end_s

    def end_turn(self) -> None:
        """Nothing is left to be said in it."""
        self._turn = None

    def spoke(
        self, occasion: Occasion, now_s: float, backlog: int, *, is_owed_receipt: bool
    ) -> None:
        """A frame has left the antenna, which said that so much waits behind what was sent."""
        self._told_backlog = backlog
        if self._greets_at_s is not None:
            self._greets_at_s = now_s + SILENCE_S
        self._ask_at_s = self._answer_by_s = self._granted_by_s = None
        if occasion is not Occasion.TURN:
            self._tries += 1
            self._answer_by_s = now_s + ANSWER_S
            self._draw()
            return
        if self._turn is not None:
            self._turn.left -= 1
            if not self._turn.left:
                self._turn = None
        if self._greets_at_s is not None and (backlog or is_owed_receipt):
            self._granted_by_s = now_s + PATIENCE_S

    def held(self, until_s: float) -> None:
        """Nothing may be sent before."""
        self._held_until_s = max(self._held_until_s, until_s)

    def wake_at_s(self) -> float | None:
        """When `occasion` may change by itself."""
        moments = (
            [self._turn.start_s]
            if self._turn is not None
            else [self._asks_at_s(), self._answer_by_s, self._granted_by_s, self._greets_at_s]
        )
        known = [moment for moment in moments if moment is not None]
        return max(min(known), self._held_until_s) if known else None

    def _asks_at_s(self) -> float | None:
        if self._ask_at_s is None:
            return None
        return max(self._ask_at_s, self._idle_from_s + self._slots * SLOT_S)

    def _look_at_timers(self, now_s: float) -> None:
        if self._answer_by_s is not None and now_s >= self._answer_by_s:
            self._answer_by_s = None
            if now_s - self._heard_gateway_s < GATEWAY_S:  # it speaks: there are many of us
                self._tries = min(self._tries, TRIES - 1)
            is_in_vain = self._tries >= TRIES
            pause_s = self._hello.next_s() if is_in_vain else self._random.uniform(0, BATCH_S)
            self._ask_at_s = now_s + pause_s
        if self._granted_by_s is not None and now_s >= self._granted_by_s:
            self._granted_by_s, self._ask_at_s = None, now_s
        if self._greets_at_s is not None and now_s >= self._greets_at_s:
            self._greets_at_s = now_s + SILENCE_S
            self.want(now_s)

    def _busy_until(self, at_s: float) -> None:
        self._idle_from_s = at_s
        self._draw()

    def _draw(self) -> None:
        self._slots = self._random.randrange(SLOTS)
