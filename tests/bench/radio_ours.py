"""Our own scheme on a channel: the engines that terminals and gateway run, without their disks.

Outboxes and the county's store are in memory. What the gateway took is committed, in its turn,
`COMMIT_S` later; only then may a receipt say so.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from random import Random

from gateway.links.lora_engine import LoraEngine as GatewayEngine
from gateway.links.lora_engine import NoNews
from gateway.links.lora_nodes import RadioNodes
from gateway.links.lora_pace import Pace
from gateway.radio import UpFrame
from gateway.store.base import Stream
from protocol.codec import encode_record
from protocol.envelope import Origin
from protocol.frames import overhead_bytes
from protocol.packed import Numbered, pack_batch, unpack_batch
from protocol.radio_keys import Direction, group_radio_key, link_key, node_radio_key
from protocol.radio_up import (
    Fare,
    Part,
    Status,
    UpKind,
    join_parts,
    split_progress,
    unpack_part,
)
from protocol.roster_order import RosterOrder
from protocol.sequences import SeqSet
from sim.air.lora import LoraSettings, airtime_s
from terminal.links.lora_counters import Counters
from terminal.links.lora_engine import LoraEngine as TerminalEngine
from terminal.links.lora_engine import RadioKeys
from terminal.outbox import Batch
from tests.bench.radio_channel import GATEWAY, Channel, Modem
from tests.bench.radio_peers import Delivery
from tests.bench.radio_size import PREFIX_BYTES
from tests.bench.radio_stories import Story
from tests.bench.radio_stories import backlog as endless_backlog

COMMIT_S = 0.02  # the way to the worker thread, the transaction, and back
_MARGIN_S = 0.01
_COUNTY = "bench"
_COUNTY_KEY = bytes(range(32))
_GATEWAY_EPOCH = 1
_UNIX_S = 1_795_000_000
_COUNTERS = 1_000_000  # more than any run sends


def pace_of(
    settings: LoraSettings, modem: Modem, frame_bytes: int, turns_per_schedule: int
) -> Pace:
    """What a gateway knows of such a channel and modem."""
    return Pace(
        lambda size_bytes: airtime_s(settings, size_bytes),
        frame_bytes,
        turns_per_schedule,
        answer_s=2 * modem.receive_lag_s + modem.send_lag_s + 2 * _MARGIN_S,
        gap_s=modem.send_lag_s + _MARGIN_S,
    )


class _Outbox:
    """What the engine asks of an outbox; every body is known."""

    def __init__(self, node: str, epoch: int) -> None:
        self.origin = Origin(_COUNTY, node, epoch)
        self._bodies: dict[int, bytes] = {}
        self._waiting = SeqSet()

    def append(self, seq: int, body: bytes) -> None:
        self._bodies[seq] = body
        self._waiting.add(seq, seq)

    def settle(self, stored: SeqSet) -> None:
        self._waiting = self._waiting.without(stored)

    def waiting(self) -> SeqSet:
        return self._waiting

    def first_in_memory(self) -> int:
        return 1

    def body(self, seq: int) -> bytes | None:
        return self._bodies[seq] if seq in self._waiting else None

    def claim(self, after_seq: int, limit: int) -> Batch | None:  # noqa: ARG002  # its contract
        return None  # nothing is sealed here


class OurTerminal:
    """One terminal."""

    def __init__(self, name: str, address: int, order: RosterOrder, pace: Pace, seed: int) -> None:
        self.name, self.address = name, address
        self.outbox = _Outbox(name, address + 1)
        key = node_radio_key(_COUNTY_KEY, _COUNTY, name)
        counters = Counters()
        counters.add(range(_COUNTERS))
        self.engine = TerminalEngine(
            self.outbox,
            counters,
            RadioKeys(address, key, group_radio_key(_COUNTY_KEY, _COUNTY)),
            self._status,
            max_frame_bytes=pace.limit_bytes,
            airtime_s=pace.airtime_s,
            random=Random(f"{seed} {name}"),
        )
        self.engine.use_roster(order)
        self._sends = False

    def fill(self, records: Iterable[Numbered]) -> None:
        """These have waited since before the run."""
        for seq, record in records:
            self.outbox.append(seq, encode_record(record))

    def append(self, each: Numbered, now_s: float) -> None:
        """Somebody has just shown a card."""
        self.fill([each])
        self.engine.appended(now_s)

    def heard(self, frame: bytes, now_s: float) -> None:
        """See `Station.heard`."""
        self.outbox.settle(self.engine.heard(frame, now_s, -100).stored)

    def next_transmission(self, now_s: float) -> bytes | None:
        """See `Station.next_transmission`."""
        if self._sends:
            self._sends = False
            self.engine.sent(now_s)
        frame = self.engine.next_transmission(now_s)
        self._sends = frame is not None
        return frame

    def wake_at_s(self) -> float | None:
        """See `Station.wake_at_s`."""
        return self.engine.wake_at_s()

    def _status(self) -> Status:
        fare = Fare.READER_READY | Fare.CLOCK_TRUSTED
        return Status(self.outbox.waiting().count, 0, fare, None, 1, 0, 0)


class OurGateway:
    """The gateway, and what the county holds."""

    def __init__(self, terminals: Mapping[str, int], order: RosterOrder, pace: Pace) -> None:
        """`terminals` are addresses by name."""
        nodes = RadioNodes(_COUNTY_KEY, _COUNTY, ())
        for name, address in terminals.items():
            nodes.enrol(name, address)
        counters = count()
        self.engine = GatewayEngine(
            nodes,
            link_key(group_radio_key(_COUNTY_KEY, _COUNTY), Direction.ALL, 0, _GATEWAY_EPOCH),
            lambda: next(counters),
            lambda: _UNIX_S,
            pace,
            NoNews(),
        )
        self._order = order
        self._streams: dict[str, Stream] = {}
        self._parts: dict[tuple[str, int], dict[int, Part]] = {}
        self._commits: deque[tuple[float, UpFrame]] = deque()
        self.held_at_s: dict[tuple[str, int], float] = {}
        """Since when the store holds a check-in, by terminal and number."""

    def heard(self, frame: bytes, now_s: float) -> None:
        """See `Station.heard`."""
        up = self.engine.heard(frame, now_s)
        if up is not None:
            self._commits.append((now_s + COMMIT_S, up))

    def next_transmission(self, now_s: float) -> bytes | None:
        """See `Station.next_transmission`."""
        while self._commits and self._commits[0][0] <= now_s:
            _, up = self._commits.popleft()
            self.engine.committed([up], [self._stored(up, now_s)], now_s)
        return self.engine.next_transmission(now_s)

    def wake_at_s(self) -> float | None:
        """See `Station.wake_at_s`."""
        moments = [self.engine.wake_at_s(), self._commits[0][0] if self._commits else None]
        return min((each for each in moments if each is not None), default=None)

    def _stored(self, up: UpFrame, now_s: float) -> Stream:
        stream = self._streams.get(up.node)
        if stream is None:
            stream = Stream(len(self._streams) + 1, up.node, up.epoch)
        stream = stream.copy()
        for each in self._records(up, UpKind(up.kind), split_progress(up.content)[1]):
            stream.stored.add(each.seq, each.seq)
            self.held_at_s.setdefault((up.node, each.seq), now_s)
        self._streams[up.node] = stream
        return stream

    def _records(self, up: UpFrame, kind: UpKind, content: bytes) -> Sequence[Numbered]:
        if kind is UpKind.PACKED:
            return unpack_batch(content, self._order)
        if kind is UpKind.STATUS:
            return ()
        part = unpack_part(content)
        parts = self._parts.setdefault((up.node, part.number), {})
        parts[part.place] = part
        if len(parts) <= part.last:
            return ()
        return self._records(up, *join_parts(list(parts.values())))


@lru_cache(maxsize=64)
def backlog_of(seed: int, frames: int, frame_bytes: int) -> Story:
    """A story that fills so many frames, while each of them names its epoch."""
    story = endless_backlog(seed)
    limit_bytes = frame_bytes - overhead_bytes(names_epoch=True) - PREFIX_BYTES
    end = 0
    for _ in range(frames):
        rest = story.records[end:]
        end += pack_batch(rest, story.order, limit_bytes=limit_bytes).taken
    return story._replace(records=story.records[:end])


def deliver_ours(
    channel: Channel,
    settings: LoraSettings,
    terminals: Sequence[str],
    *,
    backlog: int,
    frame_bytes: int,
    seed: int,
    limit_s: float,
) -> Delivery:
    """Have terminals deliver a backlog each; the gateway polls, and knows nothing beforehand."""
    pace = pace_of(settings, channel.modem, frame_bytes, turns_per_schedule=1)
    stories = {
        name: backlog_of(seed * len(terminals) + place, backlog, frame_bytes)
        for place, name in enumerate(terminals)
    }
    order = stories[terminals[0]].order
    addresses = {name: address for address, name in enumerate(terminals, 1)}
    gateway = OurGateway(addresses, order, pace)
    channel.join(GATEWAY, gateway, listens_first=True)
    for name, story in stories.items():
        terminal = OurTerminal(name, addresses[name], order, pace, seed)
        terminal.fill(story.records)
        terminal.engine.begin(channel.now_s)
        channel.join(name, terminal, listens_first=True)
    everything = sum(len(story.records) for story in stories.values())
    if not channel.run(lambda: len(gateway.held_at_s) == everything, limit_s):
        raise RuntimeError("ours did not deliver the backlog")
    return Delivery(channel.now_s, sum(channel.sent[name] for name in terminals))
