"""A terminal's outbox and a gateway on the radio, in memory, for tests without disk and air."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import msgspec

from protocol.codec import encode_record
from protocol.envelope import Envelope, Origin, RecordOpener, RecordSealer, Run, WrappedKey
from protocol.frames import FrameSealer, open_frame
from protocol.packed import fingerprint_of, unpack_batch
from protocol.radio_keys import Direction, group_radio_key, link_key, node_radio_key, receipt_key
from protocol.radio_schedule import (
    AllKind,
    Flags,
    ScheduleHead,
    Turn,
    pack_schedule,
    turn_for,
)
from protocol.radio_up import (
    Fare,
    Part,
    Progress,
    SealedRows,
    Status,
    UpKind,
    join_parts,
    split_progress,
    unpack_part,
    unpack_sealed,
    unpack_status,
)
from protocol.records import CheckIn, Credential, CredentialKind, Record
from protocol.replay import ReplayWindow
from protocol.roster_order import NOBODY, RosterOrder
from protocol.sequences import SeqSet
from protocol.suites import message_digest
from protocol.verdict import Reason, Verdict
from terminal.links.lora_counters import Counters
from terminal.links.lora_engine import LoraEngine, RadioKeys
from terminal.outbox import Batch
from tests.musters import roster, stamp
from tests.parties import COUNTY, NOW_MS, RADIO_KEY, Parties

NODE = "t1"
ADDRESS = 7
EPOCH = 0xE0C4
GATEWAY_EPOCH = 5
SLOT_S = 1.0
ROSTER = RosterOrder(roster())
GROUP_KEY = group_radio_key(RADIO_KEY, COUNTY)
NODE_KEY = node_radio_key(RADIO_KEY, COUNTY, NODE)
PARTIES = Parties()


def airtime_s(frame_bytes: int) -> float:
    """Four milliseconds a byte, as at SF9."""
    return 0.05 + frame_bytes * 0.004


def check_in(
    number: int = 1, *, at_s: int = 0, verdict: Verdict = Verdict.ACCEPTED, point: str = "qingshan"
) -> CheckIn:
    """Person 1 to 4 of the roster is there, or with a higher number nobody the roster knows."""
    known = ROSTER.place_of(number)
    person = None if known is None else ROSTER.people[known]
    reason = Reason.EXPECTED_HERE if verdict is Verdict.ACCEPTED else Reason.CARD_LOST
    digest = message_digest(b"%d" % number)[:16] if person is None else person.digest
    return CheckIn(
        stamp(NOW_MS + at_s * 1000),
        7,
        point,
        1,
        verdict,
        reason,
        1,
        number,
        Credential(CredentialKind.RESIDENT_ID, digest),
    )


class MemoryStore:
    """Implements `RecordStore` with a list; what it seals, the gateway of `PARTIES` opens."""

    def __init__(self) -> None:
        self.origin = Origin(COUNTY, NODE, EPOCH)
        self._waiting = SeqSet()
        self._bodies: dict[int, bytes] = {}
        self._rows: dict[int, tuple[WrappedKey, bytes]] = {}
        self._counters = 0
        self.captured = 0
        self.restart()

    def restart(self) -> None:
        """The process ends and begins: bodies and key are forgotten."""
        self._bodies.clear()
        self._first = self.captured + 1
        peers = [PARTIES.gateway_peer]
        self._sealer = RecordSealer(self.origin, peers, self._first.to_bytes(8, "big"))

    def append(self, record: Record | bytes) -> int:
        """One more record, or its body."""
        body = record if isinstance(record, bytes) else encode_record(record)
        self.captured += 1
        seq = self.captured
        self._rows[seq] = (self._sealer.wrapped, self._sealer.seal(seq, body))
        self._bodies[seq] = body
        self._waiting = SeqSet([*self._waiting, (seq, seq)])
        return seq

    def settle(self, stored: SeqSet) -> None:
        """These are at the county."""
        self._waiting = self._waiting.without(stored)

    def reserve_counters(self, count: int = 256) -> range:
        """As `Outbox.reserve_counters`."""
        self._counters += count
        return range(self._counters - count, self._counters)

    def waiting(self) -> SeqSet:
        """See `RecordStore.waiting`."""
        return self._waiting

    def first_in_memory(self) -> int:
        """See `RecordStore.first_in_memory`."""
        return self._first

    def body(self, seq: int) -> bytes | None:
        """See `RecordStore.body`."""
        return self._bodies.get(seq) if seq in self._waiting else None

    def claim(self, after_seq: int, limit: int) -> Batch | None:
        """See `RecordStore.claim`."""
        seqs = [seq for seq in self._rows if seq > after_seq and seq in self._waiting]
        if not seqs:
            return None
        run = [seq for place, seq in enumerate(seqs[:limit]) if seq == seqs[0] + place]
        keys = list({self._rows[seq][0].key_id: self._rows[seq][0] for seq in run}.values())
        return Batch(
            seqs[0], [(keys.index(self._rows[seq][0]), self._rows[seq][1]) for seq in run], keys
        )


def status_of(store: MemoryStore) -> Status:
    """How this terminal fares."""
    return Status(store.waiting().count, 0, Fare.READER_READY, None, 1, 0, 0)


def engine_of(
    store: MemoryStore, *, seed: int = 1, max_frame_bytes: int = 197, order: RosterOrder = ROSTER
) -> LoraEngine:
    """A terminal's radio with one block of counters."""
    counters = Counters()
    counters.add(store.reserve_counters())
    engine = LoraEngine(
        store,
        counters,
        RadioKeys(ADDRESS, NODE_KEY, GROUP_KEY),
        lambda: status_of(store),
        max_frame_bytes=max_frame_bytes,
        airtime_s=airtime_s,
        random=Random(seed),
    )
    engine.use_roster(order)
    return engine


@dataclass(frozen=True, slots=True)
class Opened:
    """One frame as the gateway read it."""

    kind: UpKind
    progress: Progress
    content: bytes
    counter: int
    names_epoch: bool


@dataclass
class PlainGateway:
    """Opens and stores everything; speaks when it is told to."""

    orders: Sequence[RosterOrder] = (ROSTER, NOBODY)
    key: bytes = NODE_KEY
    epoch: int = EPOCH
    """Of the terminal's outbox."""
    frames: list[Opened] = field(default_factory=list)
    bodies: dict[int, bytes | None] = field(default_factory=dict)
    """By number; a packed record's as it arrived, rounded."""
    statuses: list[Status] = field(default_factory=list)
    lacks_roster: bool = False
    stored: SeqSet = field(default_factory=SeqSet)
    keys: dict[bytes, WrappedKey] = field(default_factory=dict)
    parts: dict[tuple[int, int], dict[int, Part]] = field(default_factory=dict)
    _window: ReplayWindow = field(default_factory=ReplayWindow)
    _counter: int = 0

    def hear(self, frame: bytes) -> Opened:
        """Take a frame and store what is in it."""
        key = link_key(self.key, Direction.UP, ADDRESS, self.epoch)
        opened = open_frame(key, frame, self._window)
        self._window = opened.window
        progress, content = split_progress(opened.content)
        read = Opened(UpKind(opened.kind), progress, content, opened.counter, bool(frame[0] & 8))
        self.frames.append(read)
        self._take(read.kind, content)
        return read

    def schedule(
        self,
        grant: int = 0,
        flags: Flags = Flags.EPOCH_KNOWN,
        *,
        others: Sequence[Turn] = (),
        stored: SeqSet | None = None,
        names_epoch: bool = True,
    ) -> bytes:
        """A schedule that names the others, and then this terminal."""
        if self.lacks_roster:
            flags |= Flags.NO_SUCH_ROSTER
        held = self.stored if stored is None else stored
        turn = turn_for(ADDRESS, held, grant=grant, flags=flags)
        return self.say([*others, turn], names_epoch=names_epoch)

    def say(self, turns: Sequence[Turn], *, names_epoch: bool = True) -> bytes:
        """A schedule of these turns."""
        keys = {ADDRESS: receipt_key(self.key, self.epoch)}
        content, _ = pack_schedule(
            ScheduleHead(NOW_MS // 1000, SLOT_S),
            turns,
            lambda address: keys.get(address, bytes(32)),
            limit_bytes=200,
        )
        return self.to_all(AllKind.SCHEDULE, content, names_epoch=names_epoch)

    def to_all(self, kind: AllKind, content: bytes, *, names_epoch: bool = True) -> bytes:
        """A frame to all."""
        self._counter += 1
        key = link_key(GROUP_KEY, Direction.ALL, 0, GATEWAY_EPOCH)
        return FrameSealer(key).seal(kind, self._counter, content, names_epoch=names_epoch)

    def _take(self, kind: UpKind, content: bytes) -> None:
        if kind is UpKind.STATUS:
            self.statuses.append(unpack_status(content))
        elif kind is UpKind.PACKED:
            self._take_packed(content)
        elif kind is UpKind.KEY:
            wrapped = msgspec.msgpack.decode(content, type=WrappedKey)
            self.keys[wrapped.key_id] = wrapped
        elif kind is UpKind.SEALED:
            self._take_sealed(unpack_sealed(content))
        else:
            self._take_part(unpack_part(content))

    def _take_packed(self, content: bytes) -> None:
        order = next(
            (each for each in self.orders if each.fingerprint == fingerprint_of(content)), None
        )
        if order is None:
            self.lacks_roster = True
            return
        for seq, record in unpack_batch(content, order):
            body = encode_record(record) if isinstance(record, Record) else record.body
            self._store(seq, body)

    def _take_sealed(self, rows: SealedRows) -> None:
        wrapped = self.keys.get(rows.key_id)
        if wrapped is None:
            return
        envelope = Envelope(
            1,
            COUNTY,
            NODE,
            EPOCH,
            rows.first_seq,
            (wrapped,),
            (Run(0, len(rows.rows)),),
            tuple(rows.rows),
        )
        opener = RecordOpener([PARTIES.gateway.opening_key])
        for seq, body in enumerate(opener.open(envelope), rows.first_seq):
            self._store(seq, body)

    def _take_part(self, part: Part) -> None:
        parts = self.parts.setdefault((part.number, part.last), {})
        parts[part.place] = part
        if len(parts) == part.last + 1:
            del self.parts[part.number, part.last]
            self._take(*join_parts(list(parts.values())))

    def _store(self, seq: int, body: bytes | None) -> None:
        self.bodies.setdefault(seq, body)
        self.stored = SeqSet([*self.stored, (seq, seq)])


def run_turn(
    engine: LoraEngine, gateway: PlainGateway, now_s: float, *, loses: Sequence[bool] = ()
) -> list[bytes]:
    """All that the engine sends in its turn; those marked lost do not arrive."""
    sent: list[bytes] = []
    while (frame := engine.next_transmission(now_s)) is not None:
        if len(sent) >= len(loses) or not loses[len(sent)]:
            gateway.hear(frame)
        now_s += airtime_s(len(frame))
        sent.append(frame)
        engine.sent(now_s)
    return sent
