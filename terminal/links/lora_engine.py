"""The terminal's radio protocol: frames in, frames out. Pure: no I/O, times are arguments.

It joins the ears, the supply of records and the right to speak. Whoever holds it feeds `heard`,
`appended`, `sent` or `not_sent`, and asks `next_transmission` after each of these and at
`wake_at_s`. All times are seconds of one monotonic clock.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple, Protocol

from protocol.errors import Malformed
from protocol.frames import FrameSealer, overhead_bytes
from protocol.radio_keys import Direction, link_key, receipt_key
from protocol.radio_schedule import AllKind, Flags, HeardTurn, ScheduleHead, unpack_schedule
from protocol.radio_up import Progress, Status, UpKind
from protocol.replay import ReplayWindow
from protocol.roster_order import RosterOrder
from protocol.sequences import Range, SeqSet
from terminal.links.lora_access import Access, Occasion
from terminal.links.lora_counters import Counters
from terminal.links.lora_ears import Ears
from terminal.links.lora_loads import Load, RecordStore
from terminal.links.lora_supply import Supply
from terminal.radio_memory import Sender

TELL_BELOW_PERCENT = 30  # of the lawful airtime; the rest is for records
TELL_AGAIN_S = 60.0  # how soon to look whether it is below that again
_PROGRESS_BYTES = 1
_PART_NUMBERS = 256
_HEARD_BYTES = 4  # of one node in a status


class RadioKeys(NamedTuple):
    """Who we are on the radio; of an `Identity`."""

    address: int
    radio_key: bytes
    group_radio_key: bytes

    def __repr__(self) -> str:
        """The address only: keys must not reach a log through a repr."""
        return f"RadioKeys({self.address})"


@dataclass(frozen=True, slots=True)
class Heeded:
    """What a frame meant to us."""

    stored: SeqSet = field(default_factory=SeqSet)
    """Waiting records that a genuine receipt covers: to be settled."""
    gateway_s: int | None = None
    """The gateway's clock in Unix seconds, from a genuine receipt."""
    news: bytes | None = field(default=None, repr=False)
    """A piece of an announcement, which has to prove itself."""


_NOTHING = Heeded()


@dataclass(frozen=True, slots=True)
class _InHand:
    """The frame that was given out last, until it was sent or not."""

    load: Load | None
    """None: a status."""
    occasion: Occasion
    backlog: int


class Tellings(Protocol):
    """What is said between the lanes of a point: `terminal.neighbours.Neighbours`."""

    def frame_for_radio(self, limit_bytes: int) -> bytes | None:
        """A sealed frame to send now, or `None`."""

    def ask_for_radio_s(self) -> float | None:
        """When to ask for one again."""

    def take_from_radio(self, frame: bytes) -> None:
        """A frame between lanes was heard; nobody has verified it."""


class LoraEngine:
    """One terminal on the radio.

    `status` tells how the terminal fares, all but whom it hears; `airtime_s` how long a frame of so
    many bytes takes; `windows` what was kept of an earlier run. Until `begin` it only answers.
    """

    def __init__(
        self,
        store: RecordStore,
        counters: Counters,
        keys: RadioKeys,
        status: Callable[[], Status],
        *,
        max_frame_bytes: int,
        airtime_s: Callable[[int], float],
        random: Random,
        windows: Mapping[Sender, ReplayWindow] | None = None,
        tellings: Tellings | None = None,
    ) -> None:
        epoch = store.origin.epoch
        self._address, self._status, self._counters = keys.address, status, counters
        self._max_frame_bytes = max_frame_bytes
        self._sealer = FrameSealer(link_key(keys.radio_key, Direction.UP, keys.address, epoch))
        self._receipt_key = receipt_key(keys.radio_key, epoch)
        self._names_epoch = True
        self._supply = Supply(store, self._limit_bytes(), random.randrange(_PART_NUMBERS))
        self._access = Access(airtime_s, max_frame_bytes, random)
        self._ears = Ears(keys.group_radio_key, windows or {})
        self._tellings = tellings
        self._tells_from_s = 0.0
        """Before it, airtime is too dear to tell neighbours anything."""
        self._is_active = False
        self._wants_status = False
        self._burst: deque[Load | None] | None = None
        """What is left to be sent in our turn; None: that was not decided yet."""
        self._in_hand: _InHand | None = None
        self.last_answer_s: float | None = None
        """When a genuine receipt was heard last."""

    @property
    def windows(self) -> Mapping[Sender, ReplayWindow]:
        """What is to be kept of what was heard."""
        return self._ears.windows

    @property
    def sent_numbers(self) -> SeqSet:
        """Every record that was sent since this process began."""
        return self._supply.sent

    def begin(self, now_s: float, sent_otherwise: Iterable[Range] = ()) -> None:
        """Records go by radio from now on; some were sent by another link, and may be receipted."""
        self._is_active = True
        for first, last in sent_otherwise:
            self._supply.sent.add(first, last)
        self._access.begin(now_s)

    def stop(self) -> None:
        """Records go another way; the gateway still gets an answer."""
        self._is_active = False
        self._burst = None
        self._access.stop()

    def use_roster(self, order: RosterOrder) -> None:
        """Pack by this roster from now on."""
        self._supply.use_roster(order)

    def appended(self, now_s: float) -> None:
        """The outbox has something new."""
        self._access.want(now_s)

    def heard(self, frame: bytes, now_s: float, rssi_dbm: int | None = None) -> Heeded:
        """A frame was received whole."""
        try:
            header, opened = self._ears.listen(frame, rssi_dbm)
        except Malformed:
            return _NOTHING
        if opened is not None and header.kind == AllKind.SCHEDULE:
            try:
                head, turns = unpack_schedule(opened)
            except Malformed:
                return _NOTHING
            return self._heed(head, turns, now_s)
        self._access.heard(now_s)
        if header.direction is Direction.PEER and self._tellings is not None:
            self._tellings.take_from_radio(frame)
        is_news = opened is not None and header.kind == AllKind.NEWS
        return Heeded(news=opened) if is_news else _NOTHING

    def next_transmission(self, now_s: float) -> bytes | None:
        """The frame to send now; None: nothing. It wants to hear `sent` or `not_sent` of each."""
        occasion = self._access.occasion(now_s) if self._in_hand is None else None
        if occasion is None:
            return self._next_telling(now_s)
        if occasion is Occasion.TURN:
            return self._next_of_turn(now_s)
        self._supply.begin_round()
        load = self._supply.next_load() if occasion is Occasion.ASKING else None
        return self._frame(load, occasion, left=0)

    def sent(self, now_s: float) -> None:
        """The frame given out last has left the antenna."""
        in_hand, self._in_hand = self._in_hand, None
        if in_hand is None:
            return
        if in_hand.occasion is Occasion.TELLING:
            self._access.told(now_s)
            return
        if in_hand.occasion is Occasion.TURN and self._burst:
            self._burst.popleft()
        if in_hand.load is not None:
            self._supply.was_sent(in_hand.load)
        else:
            self._wants_status = False
            self._ears.told_neighbours()
        self._access.spoke(
            in_hand.occasion,
            now_s,
            in_hand.backlog,
            is_owed_receipt=self._supply.is_under_way(),
        )

    def not_sent(self, free_at_s: float) -> None:
        """The frame given out last was not sent; nothing may be before `free_at_s`."""
        self._in_hand = None
        self._access.held(free_at_s)

    def wake_at_s(self) -> float | None:
        """When to ask again if nothing is heard until then; None: never."""
        if self._in_hand is not None:
            return None
        moments = self._access.wake_at_s(), self._tells_at_s()
        return min((moment for moment in moments if moment is not None), default=None)

    def _tells_at_s(self) -> float | None:
        asks_s = self._tellings.ask_for_radio_s() if self._tellings is not None else None
        idle_s = self._access.tells_at_s()
        if asks_s is None or idle_s is None:
            return None
        return max(asks_s, idle_s, self._tells_from_s)

    def _next_telling(self, now_s: float) -> bytes | None:
        """A frame to the other lanes, if the channel is idle and airtime is not dear."""
        at_s = self._tells_at_s() if self._in_hand is None else None
        if self._tellings is None or at_s is None or now_s < at_s:
            return None
        if self._status().airtime_percent >= TELL_BELOW_PERCENT:
            self._tells_from_s = now_s + TELL_AGAIN_S
            return None
        frame = self._tellings.frame_for_radio(self._max_frame_bytes)
        if frame is not None:
            self._in_hand = _InHand(None, Occasion.TELLING, 0)
        return frame

    def _heed(self, head: ScheduleHead, turns: tuple[HeardTurn, ...], now_s: float) -> Heeded:
        self._burst = None
        said = [each.turn for each in turns]
        self._access.scheduled(now_s, said, head.slot_s, self._address)
        ours = next((each for each in turns if each.turn.address == self._address), None)
        if ours is None:
            return _NOTHING
        stored = SeqSet()
        self._wants_status |= Flags.SAY_STATUS in ours.turn.flags
        is_genuine = ours.is_genuine(self._receipt_key)
        if not ours.turn.has_receipt:  # a gateway that knows nothing of us, perhaps any more
            self._name_epoch(is_needed=True)
        if is_genuine:
            self.last_answer_s = now_s
            stored = self._take_receipt(ours)
        self._supply.begin_round()
        self._access.answered(now_s, has_more=self._is_active and self._supply.has_more())
        gateway_s = head.time_s if is_genuine and head.time_s else None
        return Heeded(stored, gateway_s)

    def _take_receipt(self, ours: HeardTurn) -> SeqSet:
        flags = ours.turn.flags
        self._name_epoch(is_needed=Flags.EPOCH_KNOWN not in flags)
        if Flags.NO_SUCH_ROSTER in flags:
            self._supply.roster_is_useless()
        return self._supply.take_receipt(ours.turn.stored())

    def _name_epoch(self, *, is_needed: bool) -> None:
        if is_needed != self._names_epoch:
            self._names_epoch = is_needed
            self._supply.use_limit(self._limit_bytes())

    def _next_of_turn(self, now_s: float) -> bytes | None:
        if self._burst is None:
            self._burst = self._plan(self._access.granted)
        if self._burst:
            load = self._burst[0]
            frame = self._frame(load, Occasion.TURN, left=len(self._burst) - 1)
            if frame is None or self._access.fits(now_s, len(frame)):
                return frame
            self._in_hand = None
        self._access.end_turn()
        return None

    def _plan(self, grant: int) -> deque[Load | None]:
        """What a turn is used for: records, and a status if one is wanted or nothing else is."""
        burst: deque[Load | None] = deque()
        for_records = grant - self._wants_status if self._is_active else 0
        while len(burst) < for_records and (load := self._supply.next_load()) is not None:
            burst.append(load)
        if self._wants_status or not burst:
            burst.append(None)
        return burst

    def _frame(self, load: Load | None, occasion: Occasion, *, left: int) -> bytes | None:
        counter = self._counters.take()
        if counter is None:
            return None
        backlog = self._supply.frames_left() if self._is_active else 0
        kind, content = (
            (UpKind.STATUS, self._status_content()) if load is None else (load.kind, load.content)
        )
        self._in_hand = _InHand(load, occasion, backlog)
        content = Progress(left, backlog).pack() + content
        return self._sealer.seal(kind, counter, content, names_epoch=self._names_epoch)

    def _status_content(self) -> bytes:
        status = self._status()
        room = (self._limit_bytes() - len(status.pack())) // _HEARD_BYTES
        return replace(status, heard=self._ears.neighbours()[: max(0, room)]).pack()

    def _limit_bytes(self) -> int:
        overhead = overhead_bytes(names_epoch=self._names_epoch)
        return self._max_frame_bytes - overhead - _PROGRESS_BYTES
