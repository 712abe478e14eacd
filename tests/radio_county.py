"""A county on one radio channel in virtual time: a real gateway engine, terminals by the book.

The terminals are no more than the wire format asks: they seal frames, take up grants, believe
genuine receipts, and contend for the channel with a lone frame. A frame's body is a range of
sequence numbers, and the store commits what it gets after `commit_s`.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from gateway.links.lora_engine import LoraEngine, NoNews
from gateway.links.lora_nodes import RadioNodes
from gateway.links.lora_pace import Pace
from gateway.radio import UpFrame
from gateway.store.base import Stream
from protocol.errors import ProtocolError
from protocol.frames import FrameSealer, open_frame, parse_header
from protocol.octets import Octets, pack_number
from protocol.radio_keys import (
    EPOCH_BYTES,
    Direction,
    group_radio_key,
    link_key,
    node_radio_key,
    receipt_key,
)
from protocol.radio_schedule import AllKind, Turn, unpack_schedule
from protocol.radio_up import Progress, UpKind
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet
from sim.air.lora import LoraSettings, airtime_s

COUNTY = "demo"
COUNTY_RADIO_KEY = bytes(range(64, 96))
GATEWAY_EPOCH = 99
SEND_LAG_S, RECEIVE_LAG_S = 0.02, 0.03
"""From a host's decision to the first symbol, and from the last symbol to a host."""
GAP_S = 0.06
ANSWER_S = 0.15
FRAME_BYTES = 115
PATIENCE_S = (15.0, 30.0)
"""How long a terminal hears no schedule before it speaks unasked."""
SF9 = LoraSettings(frequency_hz=471_100_000, spreading_factor=9)


def pace(turns_per_schedule: int = 1) -> Pace:
    """SF9 and frames that are legal in Europe."""
    return Pace(lambda size: airtime_s(SF9, size), FRAME_BYTES, turns_per_schedule, ANSWER_S, GAP_S)


class BookTerminal:
    """One terminal: frames of ten records each, sent until a receipt covers them."""

    def __init__(self, name: str, address: int, frames: int, frame_bytes: int) -> None:
        self.name, self.address = name, address
        self._key = node_radio_key(COUNTY_RADIO_KEY, COUNTY, name)
        self._group = group_radio_key(COUNTY_RADIO_KEY, COUNTY)
        self.epoch = address + 1000
        self._sealer = FrameSealer(link_key(self._key, Direction.UP, address, self.epoch))
        self._counters = itertools.count()
        self._receipt_key = receipt_key(self._key, self.epoch)
        self._body_bytes = frame_bytes - 15
        self._windows: dict[int, ReplayWindow] = {}
        self.waiting = [(each * 10 + 1, each * 10 + 10) for each in range(frames)]
        self.receipts = 0
        self.epoch_is_known = False

    def add(self, count: int = 1) -> None:
        """New records."""
        first = max((last for _, last in self.waiting), default=self.highest) + 1
        self.waiting.append((first, first + count - 1))

    highest = 0
    is_deaf = False
    """Hears no schedule, and does not speak unasked."""
    told_s = 0.0
    """When it last heard a schedule: while there are any, it waits for its turn."""

    def heard(self, frame: bytes) -> Turn | None:
        """Its turn in a schedule."""
        header = parse_header(frame)
        if header.direction is not Direction.ALL:
            return None
        epochs = list(self._windows) if header.epoch is None else [header.epoch]
        for epoch in epochs:
            key = link_key(self._group, Direction.ALL, 0, epoch)
            try:
                opened = open_frame(key, frame, self._windows.get(epoch, ReplayWindow()))
            except ProtocolError:
                continue
            self._windows[epoch] = opened.window
            if opened.kind != AllKind.SCHEDULE:
                return None
            _, turns = unpack_schedule(opened.content)
            for turn in turns:
                if turn.turn.address == self.address:
                    if turn.is_genuine(self._receipt_key):
                        self._settle(turn.turn)
                    return turn.turn
        return None

    def burst(self, grant: int) -> list[bytes]:
        """What it sends for a grant, the oldest first; a status if there is nothing."""
        bodies = self.waiting[:grant]
        if not bodies:
            return [self._frame(UpKind.STATUS, Progress(0, 0), bytes(9))]
        backlog = len(self.waiting) - len(bodies)
        return [
            self._frame(
                UpKind.PACKED,
                Progress(len(bodies) - 1 - place, backlog),
                (pack_number(first) + pack_number(last)).ljust(self._body_bytes, b"\0"),
            )
            for place, (first, last) in enumerate(bodies)
        ]

    def _frame(self, kind: UpKind, progress: Progress, body: bytes) -> bytes:
        room = self._body_bytes - (0 if self.epoch_is_known else EPOCH_BYTES)
        return self._sealer.seal(
            kind,
            next(self._counters),
            progress.pack() + body[:room],
            names_epoch=not self.epoch_is_known,
        )

    def _settle(self, turn: Turn) -> None:
        self.receipts += 1
        self.epoch_is_known = bool(turn.flags & 1)
        stored = turn.stored()
        self.highest = max([self.highest, *(last for _, last in self.waiting)])
        self.waiting = [each for each in self.waiting if each[0] not in stored]


@dataclass(order=True)
class _Event:
    at_s: float
    order: int
    call: Callable[[], None] = field(compare=False)


class RadioCounty:
    """One gateway, its terminals and the air between them. Frames that overlap are both lost."""

    def __init__(
        self,
        terminals: int,
        frames: int,
        *,
        turns_per_schedule: int = 1,
        loss: float = 0.0,
        commit_s: float = 0.0,
        seed: int = 0,
        frame_bytes: int = FRAME_BYTES,
    ) -> None:
        self.pace = pace(turns_per_schedule)
        self._dice = Random(f"county {seed}")
        self._loss, self._commit_s = loss, commit_s
        self.now_s = 0.0
        self._events: list[_Event] = []
        self._order = itertools.count()
        self.terminals = [
            BookTerminal(f"t{number:02}", number, frames, frame_bytes)
            for number in range(1, terminals + 1)
        ]
        self.streams: dict[str, Stream] = {}
        self.gateway_counters = itertools.count()
        self.gateway_frames: list[tuple[float, bytes]] = []
        self.gateway_air_s = 0.0
        self.heard_frames = 0
        self._gateway_sends = False
        self._on_air: list[list[float]] = []
        self.engine = self._engine()
        self._wake_s: float | None = None
        self._at(0.0, self.attend)
        for each in self.terminals:
            self._at(self._dice.uniform(*PATIENCE_S), partial(self._lose_patience, each))

    def restart_gateway(self) -> None:
        """Everything in its memory is gone; what was committed is not."""
        self.engine = self._engine()
        self._at(self.now_s, self.attend)

    def _engine(self) -> LoraEngine:
        self.nodes = RadioNodes(COUNTY_RADIO_KEY, COUNTY, ())
        for each in self.terminals:
            self.nodes.enrol(each.name, each.address)
        for stream in self.streams.values():
            self.nodes.stored(stream)
        group = group_radio_key(COUNTY_RADIO_KEY, COUNTY)
        return LoraEngine(
            self.nodes,
            link_key(group, Direction.ALL, 0, GATEWAY_EPOCH),
            lambda: next(self.gateway_counters),
            lambda: 1_790_000_000,
            self.pace,
            NoNews(),
        )

    def run(self, is_over: Callable[[], bool], limit_s: float) -> float:
        """Go on until it is over; when that was."""
        while not is_over():
            assert self._events, "nobody will ever do anything again"
            event = heapq.heappop(self._events)
            assert event.at_s <= limit_s, "it takes too long"
            self.now_s = event.at_s
            event.call()
        return self.now_s

    def run_until(self, until_s: float) -> None:
        """Go on until then."""
        is_there = False

        def arrive() -> None:
            nonlocal is_there
            is_there = True

        self._at(until_s, arrive)
        self.run(lambda: is_there, until_s)

    def all_stored(self) -> bool:
        """Whether the store has everything there is."""
        return all(
            (not each.waiting) or all(first in self._stored(each.name) for first, _ in each.waiting)
            for each in self.terminals
        )

    def all_settled(self) -> bool:
        """Whether every terminal knows that everything is stored."""
        return not any(each.waiting for each in self.terminals)

    def contend(self, terminal: BookTerminal, at_s: float) -> None:
        """A terminal sends a lone frame, unasked."""
        self._at(at_s, lambda: self._send_burst(terminal.burst(1)))

    def _lose_patience(self, terminal: BookTerminal) -> None:
        idle = self.now_s - terminal.told_s > PATIENCE_S[0]
        if terminal.waiting and idle and not (self._is_busy or terminal.is_deaf):
            self._send_burst(terminal.burst(1))
        self._at(
            self.now_s + self._dice.uniform(*PATIENCE_S), partial(self._lose_patience, terminal)
        )

    @property
    def _is_busy(self) -> bool:
        return any(start_s <= self.now_s <= end_s for start_s, end_s, _ in self._on_air)

    def attend(self) -> None:
        """Ask the engine, as a shell does."""
        if self._gateway_sends:
            return
        frame = self.engine.next_transmission(self.now_s)
        if frame is not None:
            self._gateway_sends = True
            self._at(self.now_s + SEND_LAG_S, lambda: self._gateway_starts(frame))
            return
        wake_s = self.engine.wake_at_s()
        if wake_s is not None:
            assert wake_s > self.now_s, "the engine spins"
            self._wake_s = wake_s
            self._at(wake_s, lambda: self._wake(wake_s))

    def _wake(self, wake_s: float) -> None:
        if wake_s == self._wake_s:
            self.attend()

    def _gateway_starts(self, frame: bytes) -> None:
        air_s = self.pace.airtime_s(len(frame))
        flight = self._fly(air_s)
        self.gateway_frames.append((self.now_s, frame))
        self.gateway_air_s += air_s
        self._at(self.now_s + air_s, lambda: self._gateway_sent(frame, flight))

    def _gateway_sent(self, frame: bytes, flight: list[float]) -> None:
        self._gateway_sends = False
        if flight[2]:
            self.attend()
            return
        for terminal in self.terminals:
            if self._dice.random() < self._loss or terminal.is_deaf:
                continue
            turn = terminal.heard(frame)
            terminal.told_s = self.now_s + 10
            if turn is not None and turn.grant:
                start_s = self.now_s + RECEIVE_LAG_S + SEND_LAG_S + self._offset_s(frame, terminal)
                self._at(start_s, partial(self._take_up, terminal, turn.grant))
        self.attend()

    def _offset_s(self, frame: bytes, terminal: BookTerminal) -> float:
        header = parse_header(frame)
        group = group_radio_key(COUNTY_RADIO_KEY, COUNTY)
        key = link_key(group, Direction.ALL, 0, GATEWAY_EPOCH)
        head, turns = unpack_schedule(
            open_frame(key, frame, ReplayWindow(header.clear_counter)).content
        )
        before = itertools.takewhile(lambda t: t.turn.address != terminal.address, turns)
        return head.slot_s * sum(each.turn.grant for each in before)

    def _take_up(self, terminal: BookTerminal, grant: int) -> None:
        self._send_burst(terminal.burst(grant))

    def _send_burst(self, frames: list[bytes]) -> None:
        def send_next() -> None:
            if not frames:
                return
            frame = frames.pop(0)
            air_s = self.pace.airtime_s(len(frame))
            flight = self._fly(air_s)

            def arrive() -> None:
                if not flight[2] and self._dice.random() >= self._loss:
                    self._at(self.now_s + RECEIVE_LAG_S, lambda: self._deliver(frame))
                self._at(self.now_s + SEND_LAG_S, send_next)

            self._at(self.now_s + air_s, arrive)

        send_next()

    def _fly(self, air_s: float) -> list[float]:
        """A transmission as [start, end, whether it was hit]."""
        self._on_air = [each for each in self._on_air if each[1] > self.now_s + 1e-9]
        flight = [self.now_s, self.now_s + air_s, 0.0]
        for other in self._on_air:
            other[2] = flight[2] = 1.0
        self._on_air.append(flight)
        return flight

    def _deliver(self, frame: bytes) -> None:
        self.heard_frames += 1
        up = self.engine.heard(frame, self.now_s)
        if up is not None:
            self._at(self.now_s + self._commit_s, lambda: self._commit(up))
        self.attend()

    def _commit(self, up: UpFrame) -> None:
        stream = self.streams.setdefault(
            up.node, Stream(len(self.streams) + 1, up.node, up.epoch)
        ).copy()
        if up.kind == UpKind.PACKED:
            octets = Octets(up.content[1:])
            stream.stored.add(octets.number(), octets.number())
        self.streams[up.node] = stream
        self.engine.committed([up], [stream], self.now_s)
        self.attend()

    def _stored(self, name: str) -> SeqSet:
        stream = self.streams.get(name)
        return SeqSet() if stream is None else stream.stored

    def _at(self, at_s: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, _Event(at_s, next(self._order), call))


def ideal_s(terminals: int, frames: int) -> float:
    """Every frame once, back to back."""
    return terminals * frames * airtime_s(SF9, FRAME_BYTES)
