"""The terminals of a county on the radio: their keys, what was heard of them, what they are owed.

Frames are opened here. No I/O; times are seconds of one monotonic clock.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.radio import UpFrame
from gateway.store.base import Stream, WindowRow
from protocol.errors import CannotOpen, Malformed, Replayed
from protocol.frames import FrameHeader, open_frame, parse_header
from protocol.radio_keys import Direction, LinkKey, link_key, node_radio_key, receipt_key
from protocol.radio_schedule import Flags
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet

GATHER_FIRST_S, GATHER_LIMIT_S = 8.0, 32.0  # twice as long each time it had no records
TRIED_EPOCHS = 4  # of a node, the latest: a frame that names none is opened with one of them


@dataclass(slots=True)
class FrameCounts:
    """What came off the air since this gateway started."""

    opened: int = 0
    malformed: int = 0
    cannot_open: int = 0
    """Of other counties, altered, or forged."""
    replayed: int = 0
    others: int = 0
    """Not from a terminal to a gateway."""


@dataclass(slots=True)
class _Outbox:
    """One epoch of a node: a key for its frames, one for its receipts, and what is held of it."""

    link_key: LinkKey
    receipt_key: bytes = field(repr=False)
    window: ReplayWindow = field(default_factory=ReplayWindow)
    stored: SeqSet = field(default_factory=SeqSet)
    is_known: bool = False
    """Whether the store knows the epoch, so that frames need not name it."""


@dataclass(slots=True)
class RadioNode:
    """One terminal on the radio, with all that decides when it is spoken to."""

    name: str
    address: int
    key: bytes = field(repr=False)
    outboxes: dict[int, _Outbox] = field(default_factory=dict, repr=False)
    """By epoch, the latest to be heard of last."""
    epoch: int = 0
    """Of the outbox it speaks of now; 0 until any is known."""
    want: int | None = None
    """Frames it is believed to have ready; `None`: nobody knows."""
    told_gaps: SeqSet = field(default_factory=SeqSet)
    """Of the last receipt it certainly heard: what it did not send then, it will not send."""
    misses: int = 0
    """Grants in a row that it did not take up."""
    ask_at_s: float = -math.inf
    """It is not granted anything before."""
    owed_since_s: float | None = None
    """Since when a receipt is owed to it."""
    uncommitted: int = 0
    """Frames of it on their way into the store."""
    lacks_our_roster: bool = False
    last_heard_s: float = -math.inf
    last_records_s: float = -math.inf
    gather_s: float = GATHER_FIRST_S
    """In a crowd, it is asked when it was not heard for so long."""
    last_status_s: float | None = None
    replayed: int = 0

    def outbox(self, epoch: int) -> _Outbox:
        """That of an epoch, new if need be."""
        if epoch not in self.outboxes:
            self.outboxes[epoch] = _Outbox(
                link_key(self.key, Direction.UP, self.address, epoch),
                receipt_key(self.key, epoch),
            )
        return self.outboxes[epoch]

    @property
    def current(self) -> _Outbox:
        """The outbox its receipts are about."""
        return self.outbox(self.epoch)

    @property
    def flags(self) -> Flags:
        """What it is told beside its receipt, whatever else there is."""
        flags = Flags.EPOCH_KNOWN if self.current.is_known else Flags.NOTHING
        return flags | Flags.NO_SUCH_ROSTER if self.lacks_our_roster else flags

    @property
    def is_wanting(self) -> bool:
        """Whether it should be granted frames: it has some, or nobody knows."""
        return self.want is None or self.want > 0

    def fresh_gaps(self) -> int:
        """Runs of records that are missing and that it was not told of when it last answered."""
        gaps = self.current.stored.gaps()
        return sum(first not in self.told_gaps for first, _ in gaps)


class RadioNodes:
    """Every enrolled terminal, by its radio address."""

    def __init__(self, county_radio_key: bytes, county: str, windows: Iterable[WindowRow]) -> None:
        self._county_radio_key, self._county = county_radio_key, county
        self._by_address: dict[int, RadioNode] = {}
        self._by_name: dict[str, RadioNode] = {}
        self._windows: dict[str, list[WindowRow]] = {}
        for row in windows:
            if row.direction == Direction.UP:
                self._windows.setdefault(row.node, []).append(row)
        self.counts = FrameCounts()

    def enrol(self, name: str, address: int) -> None:
        """Know a terminal; a second time changes nothing."""
        if name in self._by_name:
            return
        key = node_radio_key(self._county_radio_key, self._county, name)
        node = RadioNode(name, address, key)
        for row in self._windows.get(name, ()):
            outbox = node.outbox(row.epoch)
            outbox.window, outbox.is_known = row.window, True
            node.epoch = row.epoch
        self._by_name[name] = self._by_address[address] = node

    def named(self, name: str) -> RadioNode | None:
        """The terminal of this name, if it is enrolled."""
        return self._by_name.get(name)

    def at(self, address: int) -> RadioNode:
        """The enrolled terminal of this address."""
        return self._by_address[address]

    def __iter__(self) -> Iterator[RadioNode]:
        return iter(self._by_name.values())

    def stored(self, stream: Stream) -> None:
        """What the store holds of an outbox, by whatever way it came."""
        node = self._by_name.get(stream.node)
        if node is None:
            return
        outbox = node.outbox(stream.epoch)
        outbox.stored, outbox.is_known = stream.stored, True
        if node.last_heard_s == -math.inf:  # by radio: then it has said itself which one it has
            node.epoch = stream.epoch

    def open(self, frame: bytes) -> tuple[RadioNode | None, UpFrame | None]:
        """Who sent a frame, and what it brought; nothing if it had been taken before.

        A frame that is nobody's is counted, and nobody is returned.
        """
        try:
            header = parse_header(frame)
        except Malformed:
            self.counts.malformed += 1
            return None, None
        if header.direction is not Direction.UP:
            self.counts.others += 1
            return None, None
        node = self._by_address.get(header.address)
        if node is None:
            self.counts.cannot_open += 1
            return None, None
        return self._open_from(node, header, frame)

    def _open_from(
        self, node: RadioNode, header: FrameHeader, frame: bytes
    ) -> tuple[RadioNode | None, UpFrame | None]:
        for epoch in _epochs_to_try(node, header):
            outbox = node.outboxes.get(epoch) or _Outbox(
                link_key(node.key, Direction.UP, node.address, epoch), receipt_key(node.key, epoch)
            )
            try:
                opened = open_frame(outbox.link_key, frame, outbox.window)
            except CannotOpen:
                continue
            except Replayed:
                self.counts.replayed += 1
                node.replayed += 1
                return node, None
            # One that names its epoch may just have started, with a new block of counters.
            has_started = header.epoch is not None
            skipped = 0 if has_started else _skipped(outbox.window, opened.counter)
            outbox.window = opened.window
            node.outboxes.pop(epoch, None)
            node.outboxes[epoch], node.epoch = outbox, epoch
            self.counts.opened += 1
            return node, UpFrame(
                node.name, epoch, opened.window, skipped, opened.kind, opened.content
            )
        self.counts.cannot_open += 1
        return None, None


def _skipped(window: ReplayWindow, counter: int) -> int:
    return max(0, counter - window.highest - 1) if window.taken else counter


def _epochs_to_try(node: RadioNode, header: FrameHeader) -> list[int]:
    if header.epoch is not None:
        return [header.epoch]
    latest_first = [node.epoch, *reversed(node.outboxes)]
    return list(dict.fromkeys(latest_first))[:TRIED_EPOCHS]
