"""The gateway's end of the radio: hears terminals, says whose turn it is and what is stored.

A state machine without I/O. Its shell hands in what was heard, has the frames it gets back
admitted, tells it what was committed, and sends what it is given. Times are seconds of one
monotonic clock.

The channel is half duplex and terminals do not hear each other, so nobody speaks unasked but for a
lone new record: after a schedule the engine listens until the terminals it granted frames have
nothing left to send, and then grants the next ones, while the store may still be busy with the
last. A receipt tells what was committed when it was written. When nothing is wanted it is silent.
"""

import math
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from gateway.links.lora_nodes import GATHER_FIRST_S, GATHER_LIMIT_S, RadioNode, RadioNodes
from gateway.links.lora_pace import Pace
from gateway.links.lora_plan import Plan, due_s, flags_for, plan
from gateway.links.lora_round import Round, Turn
from gateway.radio import UpFrame
from gateway.store.base import Stream
from protocol.frames import FrameSealer, overhead_bytes
from protocol.radio_keys import LinkKey
from protocol.radio_schedule import MAX_GRANT, AllKind, ScheduleHead, pack_schedule, turn_for
from protocol.radio_schedule import Turn as SaidTurn
from protocol.radio_up import UpKind

ASK_FIRST_S = 2.0  # how long one that did not answer is left alone; each time twice as long
HASTY_MISSES, ASK_LIMIT_S = 7, 300.0  # at half of all frames lost, one in seven needs as many
UNHEARD_HASTY_MISSES, UNHEARD_LIMIT_S = 1, 1800.0  # the same for one that was never heard


class News(Protocol):
    """What is to be told to all, a piece at a time, when the channel is free."""

    def next_part(self, now_s: float, limit_bytes: int) -> bytes | None:
        """The next piece that should go out now, at most so long."""

    def due_s(self) -> float:
        """When there will be one, infinity if never."""


class NoNews:
    """Nothing to tell."""

    def next_part(self, now_s: float, limit_bytes: int) -> bytes | None:  # noqa: ARG002  # protocol
        """See `News.next_part`."""
        return None

    def due_s(self) -> float:
        """See `News.due_s`."""
        return math.inf


FREE_WORTH_S = 3.0  # of silence saved is worth a short frame,
LISTENS_S = 900.0  # if anybody was heard within this, and may have something to say


class LoraEngine:
    """One gateway on one channel. Single-threaded."""

    def __init__(
        self,
        nodes: RadioNodes,
        key: LinkKey,
        next_counter: Callable[[], int],
        time_s: Callable[[], int],
        pace: Pace,
        news: News,
    ) -> None:
        """`next_counter` gives counters that are reserved on disk, `time_s` Unix time or 0."""
        self._nodes, self._pace, self._news = nodes, pace, news
        self._sealer, self._next_counter, self._time_s = FrameSealer(key), next_counter, time_s
        self._room_bytes = pace.limit_bytes - overhead_bytes(names_epoch=True)
        self._on_air: list[Turn] | None = None
        """Turns of the frame that is being sent, `None` when none is."""
        self._receipted: list[tuple[RadioNode, float]] = []
        """Whose receipts the last schedule held, and since when they were owed."""
        self._round: Round | None = None
        self._busy_until_s = self._held_until_s = -math.inf
        self._said_news = False
        self._promised_until_s = -math.inf
        """The last round was to last until then; an empty schedule says that it is over."""

    def heard(self, frame: bytes, now_s: float) -> UpFrame | None:
        """A frame came off the air; what of it must be stored, if anything is new in it."""
        node, up = self._nodes.open(frame)
        if node is None:
            return None
        is_late = node.misses > 0
        node.last_heard_s, node.misses, node.ask_at_s = now_s, 0, -math.inf
        if up is None:
            self._heard_again(node, now_s)
            return None
        progress = up.progress
        if self._round is None or not self._round.heard(node, progress, up.skipped, now_s):
            # The rest of a burst that was given up may have been lost before it.
            node.want = progress.backlog + (min(up.skipped, MAX_GRANT) if is_late else 0)
            if progress.left:
                busy_s = progress.left * self._pace.slot_s + self._pace.answer_s
                self._busy_until_s = max(self._busy_until_s, now_s + busy_s)
        node.uncommitted += 1
        if up.kind == UpKind.STATUS:
            node.last_status_s = now_s
            if now_s - node.last_records_s > GATHER_FIRST_S:
                node.gather_s = min(2 * node.gather_s, GATHER_LIMIT_S)
        else:
            node.last_records_s, node.gather_s = now_s, GATHER_FIRST_S
        return up

    def committed(
        self,
        frames: Iterable[UpFrame],
        streams: Iterable[Stream],
        now_s: float,
        other_roster: Collection[str] = (),
    ) -> None:
        """These frames are safe, and this is what the store now holds of these outboxes.

        `streams` may come from any link. `other_roster` names the terminals whose batches cannot be
        unpacked.
        """
        for stream in streams:
            self._nodes.stored(stream)
        for frame in frames:
            node = self._nodes.named(frame.node)
            if node is None:
                continue
            node.uncommitted -= 1
            node.outbox(frame.epoch).is_known = True
            if frame.kind == UpKind.PACKED:
                node.lacks_our_roster = frame.node in other_roster
            if frame.kind != UpKind.STATUS and node.owed_since_s is None:
                node.owed_since_s = now_s
            if node.want == 0:
                node.want = min(node.fresh_gaps(), 1)

    def held_back(self, until_s: float) -> None:
        """The law does not let the last frame out before `until_s`: it was not sent."""
        self._on_air = None
        self._held_until_s = until_s
        for node, since_s in self._receipted:
            node.owed_since_s = since_s
        self._receipted = []

    def next_transmission(self, now_s: float) -> bytes | None:
        """A frame to send now, or nothing.

        To be asked after everything that happens, when `wake_at_s` has come, and when a frame has
        left the antenna; never while one is being sent.
        """
        if self._on_air is not None:
            self._round = Round(self._on_air, now_s, self._pace) if self._on_air else None
            self._on_air = None
        if now_s < self._quiet_until_s:
            return None
        if self._round is not None:
            self._end(self._round, now_s)
            self._promised_until_s = self._round.promised_until_s
            self._round = None
        next_plan = plan(self._nodes, now_s, self._pace)
        has_turns = bool(next_plan.grants or next_plan.receipts)
        if not (has_turns and self._said_news) and (frame := self._news_frame(now_s)) is not None:
            return frame
        self._said_news = False
        is_waited_for = self._promised_until_s > now_s + FREE_WORTH_S and any(
            now_s - node.last_heard_s < LISTENS_S for node in self._nodes
        )
        self._promised_until_s = -math.inf
        return self._schedule_frame(next_plan, now_s) if has_turns or is_waited_for else None

    def wake_at_s(self) -> float | None:
        """When to ask again if nothing happens until then."""
        if self._on_air is not None:
            return None
        wake_s = max(self._quiet_until_s, -math.inf)
        if self._round is None:
            wake_s = max(wake_s, min(due_s(self._nodes), self._news.due_s()))
        return wake_s if math.isfinite(wake_s) else None

    @property
    def _quiet_until_s(self) -> float:
        over_s = self._round.over_at_s if self._round is not None else -math.inf
        return max(over_s, self._busy_until_s, self._held_until_s)

    def _heard_again(self, node: RadioNode, now_s: float) -> None:
        """It has not heard its receipt, or it would not send that again."""
        if node.owed_since_s is None:
            node.owed_since_s = now_s
        if self._round is not None:
            self._round.heard_again(node, now_s)

    def _end(self, ended: Round, now_s: float) -> None:
        for turn in ended.turns:
            node = turn.node
            if turn.last_left is None:
                node.misses += 1
                node.ask_at_s = now_s + _patience_s(node)
                continue
            for first, last in turn.told_gaps:
                node.told_gaps.add(first, last)
            node.want = ended.wanted_after(turn)
            if not node.want and not node.uncommitted:
                node.want = min(node.fresh_gaps(), 1)

    def _news_frame(self, now_s: float) -> bytes | None:
        part = self._news.next_part(now_s, self._room_bytes)
        if part is None:
            return None
        self._said_news = True
        self._on_air, self._receipted = [], []
        return self._seal(AllKind.NEWS, part)

    def _schedule_frame(self, next_plan: Plan, now_s: float) -> bytes:
        granted = [(node, self._said(node, grant, now_s)) for node, grant in next_plan.grants]
        receipts = [(node, self._said(node, 0, now_s)) for node in next_plan.receipts]
        both = granted + receipts
        # Who has records hears what time it is later: when it is asked how it fares.
        is_hurried = any(node.is_wanting for node, _ in granted)
        content, taken = pack_schedule(
            ScheduleHead(0 if is_hurried else self._time_s(), self._pace.slot_s),
            [said for _, said in both],
            lambda address: self._nodes.at(address).current.receipt_key,
            limit_bytes=self._room_bytes,
        )
        self._on_air = [Turn(node, said.grant, said.gaps) for node, said in granted[:taken]]
        told = [node for node, _ in both[:taken]]
        self._receipted = [
            (node, node.owed_since_s) for node in told if node.owed_since_s is not None
        ]
        for node in told:
            node.owed_since_s = None
        return self._seal(AllKind.SCHEDULE, content)

    def _seal(self, kind: AllKind, content: bytes) -> bytes:
        return self._sealer.seal(kind, self._next_counter(), content, names_epoch=True)

    def _said(self, node: RadioNode, grant: int, now_s: float) -> SaidTurn:
        return turn_for(
            node.address,
            node.current.stored,
            grant=grant,
            flags=flags_for(node, now_s),
        )


def _patience_s(node: RadioNode) -> float:
    """How long one that did not take up its grant is left alone."""
    was_heard = node.last_heard_s > -math.inf
    hasty = HASTY_MISSES if was_heard else UNHEARD_HASTY_MISSES
    limit_s = ASK_LIMIT_S if was_heard else UNHEARD_LIMIT_S
    if node.misses <= hasty:
        return 0.0
    return min(ASK_FIRST_S * 2.0 ** (node.misses - hasty), limit_s)
