"""A county on the radio in virtual time: real outboxes, a real ledger, both engines, no medium.

Frames pass one at a time; what gets through, and when, is for whoever holds the world to say.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from random import Random

from gateway.intake import Incoming, Intake
from gateway.links.lora_engine import LoraEngine as GatewayEngine
from gateway.links.lora_engine import NoNews
from gateway.links.lora_nodes import RadioNodes
from gateway.links.lora_pace import Pace
from gateway.radio import UpFrame
from gateway.store.base import LedgerEntry
from gateway.store.sqlite import SqliteLedger
from protocol.codec import encode_record
from protocol.envelope import pack_envelope
from protocol.ids import RecordId, parse_name
from protocol.radio_keys import Direction, link_key
from protocol.radio_up import Fare, Status
from protocol.records import Record
from protocol.roster_order import NOBODY, RosterOrder
from protocol.sequences import SeqSet
from terminal.links.lora_counters import Counters
from terminal.links.lora_engine import LoraEngine as TerminalEngine
from terminal.links.lora_engine import RadioKeys
from terminal.outbox import FLOOR_BYTES, Outbox
from tests.lora_terminals import airtime_s
from tests.parties import COUNTY, GATEWAY, NOW_MS, Parties

FRAME_BYTES = 197  # the second that Chinese law allows, at SF9
PLENTY_BYTES = FLOOR_BYTES + 10**9
MAX_EVENTS = 20_000  # of one stretch of time: an engine that spins fails the test
_ENVELOPE = 500

Loses = Callable[[], bool]
"""Whether the next frame does not get to the next listener."""


class WorldTerminal:
    """One terminal, which may lose its memory or its whole card."""

    def __init__(self, name: str, parties: Parties, folder: Path, order: RosterOrder) -> None:
        self.name = name
        self.identity = parties.terminal(name)
        self._folder, self._order = folder, order
        self._files, self._lives = count(1), count(1)
        self.appended: dict[RecordId, bytes] = {}
        """Everything that was ever captured here."""
        self.lost: set[RecordId] = set()
        """What waited on a card that was lost: it may be at the county, or nowhere."""
        self._open(0.0)

    def _open(self, now_s: float, *, anew: bool = True) -> None:
        if anew:
            self._path = self._folder / f"{self.name}-{next(self._files)}.db"
        identity = self.identity
        self.outbox = Outbox(
            self._path, COUNTY, self.name, identity.peers, free_bytes=lambda: PLENTY_BYTES
        )
        self._counters = Counters()
        self.engine = TerminalEngine(
            self.outbox,
            self._counters,
            RadioKeys(identity.radio_address, identity.radio_key, identity.group_radio_key),
            self._status,
            max_frame_bytes=FRAME_BYTES,
            airtime_s=airtime_s,
            random=Random(f"{self.name} {next(self._lives)}"),
            windows=self.outbox.windows(),
        )
        self.engine.use_roster(self._order)
        self.engine.begin(now_s)

    def restart(self, now_s: float) -> None:
        """The process ends; what it had in memory is gone."""
        self.outbox.close()
        self._open(now_s, anew=False)

    def lose_card(self, now_s: float) -> None:
        """Another card takes the place of the old one: new outbox, new epoch, new counters."""
        self.lost |= {self._id(seq) for seq in _numbers(self.outbox.waiting())}
        self.outbox.close()
        self._open(now_s)

    def close(self) -> None:
        """Close the outbox."""
        self.outbox.close()

    def append(self, record: Record, now_s: float) -> None:
        """Somebody is checked in."""
        body = encode_record(record)
        self.appended[self._id(self.outbox.append(body, NOW_MS))] = body
        self.engine.appended(now_s)

    def envelope(self) -> bytes | None:
        """What waits first, as another link would take it to the county."""
        batch = self.outbox.claim(0, _ENVELOPE)
        if batch is None:
            return None
        key = self.identity.signing_key
        return pack_envelope(self.outbox.origin, batch.first_seq, batch.rows, batch.keys, key)

    def heard(self, frame: bytes, now_s: float) -> None:
        """A frame arrives."""
        heeded = self.engine.heard(frame, now_s, -90)
        self.outbox.settle_numbers(heeded.stored, self.engine.sent_numbers)
        self.outbox.keep_windows(self.engine.windows)

    def next_transmission(self, now_s: float) -> bytes | None:
        """A frame to send now."""
        if self._counters.is_low:
            self._counters.add(self.outbox.reserve_counters())
        return self.engine.next_transmission(now_s)

    def settled(self) -> set[RecordId]:
        """What this outbox has let go of."""
        gone = SeqSet([(1, self.outbox.depth.captured)] if self.outbox.depth.captured else [])
        return {self._id(seq) for seq in _numbers(gone.without(self.outbox.waiting()))}

    def _id(self, seq: int) -> RecordId:
        return RecordId(parse_name(self.name), self.outbox.origin.epoch, seq)

    def _status(self) -> Status:
        return Status(self.outbox.waiting().count, 0, Fare.READER_READY, None, 1, 0, 0)


class WorldGateway:
    """The gateway and its ledger."""

    def __init__(
        self,
        parties: Parties,
        terminals: Sequence[WorldTerminal],
        path: Path,
        order: RosterOrder | None,
        *,
        turns_per_schedule: int,
    ) -> None:
        """`order` None: it lacks the roster that terminals pack by."""
        self._parties, self._path, self._order = parties, path, order
        self._peers = {each.name: parties.peer(each.identity) for each in terminals}
        self._pace = Pace(airtime_s, FRAME_BYTES, turns_per_schedule, answer_s=0.3, gap_s=0.05)
        self._epochs = count(1)
        self._open(0.0)

    def _open(self, now_s: float) -> None:
        identity, counters = self._parties.gateway, count()
        self.ledger = SqliteLedger(self._path)
        self.intake = Intake(
            identity, self.ledger, self._peers.get, lambda: NOW_MS, find_order=self._find_order
        )
        nodes = RadioNodes(identity.radio_key, COUNTY, self.ledger.radio_state().windows)
        for name, peer in self._peers.items():
            nodes.enrol(name, peer.enrolment.radio_address)
        key = link_key(identity.group_radio_key, Direction.ALL, 0, next(self._epochs))
        now = NOW_MS // 1000
        self.engine = GatewayEngine(
            nodes, key, lambda: next(counters), lambda: now, self._pace, NoNews()
        )
        self.engine.committed([], self.intake.streams, now_s)
        self._pending: list[UpFrame] = []

    def restart(self, now_s: float) -> None:
        """The process ends; what was not committed is gone, and so are its counters."""
        self.ledger.close()
        self._open(now_s)

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    def heard(self, frame: bytes, now_s: float) -> None:
        """A frame arrives."""
        up = self.engine.heard(frame, now_s)
        if up is not None:
            self._pending.append(up)

    def next_transmission(self, now_s: float) -> bytes | None:
        """A frame to send now."""
        return self.engine.next_transmission(now_s)

    def commit(self, now_s: float) -> None:
        """Store what was heard."""
        pending, self._pending = self._pending, []
        if pending:
            admitted = self.intake.admit([], pending)
            self.engine.committed(pending, admitted.streams, now_s, admitted.other_roster)

    def take_envelope(self, terminal: WorldTerminal, now_s: float) -> None:
        """Something comes by another link."""
        message = terminal.envelope()
        if message is not None:
            admitted = self.intake.admit([Incoming(terminal.name, message)])
            self.engine.committed([], admitted.streams, now_s)

    def entries(self) -> list[LedgerEntry]:
        """The whole ledger."""
        return self.ledger.entries(0, 1_000_000)

    def _find_order(self, fingerprint: bytes) -> RosterOrder | None:
        known = [NOBODY] if self._order is None else [NOBODY, self._order]
        return next((each for each in known if each.fingerprint == fingerprint), None)


class World:
    """Terminals, a gateway, and every frame that was ever on the air."""

    def __init__(
        self,
        folder: Path,
        order: RosterOrder,
        names: Iterable[str],
        *,
        turns_per_schedule: int = 1,
        gateway_has_roster: bool = True,
    ) -> None:
        parties = Parties()
        self.terminals = [WorldTerminal(name, parties, folder, order) for name in names]
        self.gateway = WorldGateway(
            parties,
            self.terminals,
            folder / f"{GATEWAY}.db",
            order if gateway_has_roster else None,
            turns_per_schedule=turns_per_schedule,
        )
        self.now_s = 0.0
        self.frames: list[bytes] = []

    def close(self) -> None:
        """Close every file."""
        for each in self._everybody:
            each.close()

    def pass_time(self, span_s: float, loses: Loses, *, until_empty: bool = False) -> None:
        """Let everybody speak for so long; or only until nothing waits any more."""
        end_s = self.now_s + span_s
        for _ in range(MAX_EVENTS):
            if self.now_s >= end_s or (until_empty and self.is_empty):
                return
            if not self._somebody_speaks(loses):
                self.now_s = min(end_s, max(self._wake_s(), self.now_s + 0.001))
        raise AssertionError("somebody wakes again and again and does nothing")

    def deliver(self, frame: bytes) -> None:
        """A frame arrives at everybody, be it late or once more."""
        for each in self.terminals:
            each.heard(frame, self.now_s)
        self.gateway.heard(frame, self.now_s)
        self.gateway.commit(self.now_s)

    @property
    def is_empty(self) -> bool:
        """Whether every outbox is."""
        return not any(each.outbox.waiting() for each in self.terminals)

    @property
    def _everybody(self) -> list[WorldGateway | WorldTerminal]:
        return [self.gateway, *self.terminals]

    def _somebody_speaks(self, loses: Loses) -> bool:
        for speaker in self._everybody:
            frame = speaker.next_transmission(self.now_s)
            if frame is not None:
                self._transmit(speaker, frame, loses)
                return True
        return False

    def _transmit(self, speaker: WorldGateway | WorldTerminal, frame: bytes, loses: Loses) -> None:
        self.frames.append(frame)
        self.now_s += airtime_s(len(frame))
        if isinstance(speaker, WorldTerminal):
            speaker.engine.sent(self.now_s)
        for listener in self._everybody:
            if listener is not speaker and not loses():
                listener.heard(frame, self.now_s)
        self.gateway.commit(self.now_s)

    def _wake_s(self) -> float:
        moments = (each.engine.wake_at_s() for each in self._everybody)
        return min((each for each in moments if each is not None), default=math.inf)


def _numbers(held: SeqSet) -> Iterable[int]:
    return (seq for first, last in held for seq in range(first, last + 1))
