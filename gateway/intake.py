"""Intake: unseal, verify, deduplicate, store, then issue the receipt, in that order, in batches.

Runs on a worker thread. Records come in envelopes or in radio frames; one that comes both ways is
one record, and the ledger keeps what came first (docs/decisions/0018). A message that cannot be
admitted goes to quarantine with its reason and never stands in the way of the next. What is held of
every stream is worked out on copies, which take effect once the store has committed: nobody ever
sees, or is told, more than what is durable.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.radio import UpFrame
from gateway.radio_contents import FindOrder, RadioContents
from gateway.store.base import (
    KeyRow,
    LedgerStore,
    NewRun,
    Quarantined,
    RadioState,
    StoreError,
    Stream,
    WindowRow,
)
from protocol.envelope import Envelope, RecordOpener, claimed_head, unpack_envelope
from protocol.errors import (
    BadSignature,
    CannotOpen,
    Malformed,
    OtherRoster,
    ProtocolError,
    Unsupported,
)
from protocol.keys import Identity, Peer
from protocol.radio_keys import Direction
from protocol.radio_up import Status
from protocol.receipts import Refusal, RefusalReason, pack_receipt, pack_refusal, receipt_for
from protocol.roster_order import NOBODY, RosterOrder
from protocol.same_record import is_same_record
from protocol.sequences import SeqSet
from protocol.suites import message_digest

StreamName = tuple[str, int]
"""Node and epoch."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message from a terminal's `records` topic."""

    node: str
    """Whose topic it came on; the broker lets nobody else publish there."""
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to publish to one terminal, signed."""

    node: str
    message: bytes
    is_receipt: bool


@dataclass(slots=True)
class Admitted:
    """What one batch of messages and frames came to."""

    replies: list[Reply] = field(default_factory=list)
    """To messages. What is said by radio, its link works out from `streams`."""
    streams: Sequence[Stream] = ()
    """Those that something came for, as they are now held."""
    statuses: list[tuple[str, Status]] = field(default_factory=list)
    """Of terminals, by radio."""
    other_roster: set[str] = field(default_factory=set)
    """Terminals whose packed batches cannot be unpacked here."""
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class _Work:
    """One batch of messages and frames on its way into the store."""

    touched: dict[StreamName, Stream] = field(default_factory=dict)
    asked: set[StreamName] = field(default_factory=set)
    """Streams that messages came for: their receipts go the same way back."""
    runs: list[NewRun] = field(default_factory=list)
    quarantine: list[Quarantined] = field(default_factory=list)
    windows: dict[StreamName, WindowRow] = field(default_factory=dict)
    keys: list[KeyRow] = field(default_factory=list)
    duplicates: int = 0

    @property
    def radio(self) -> RadioState:
        """What the frames leave behind beside their records."""
        return RadioState(list(self.windows.values()), self.keys)


class _Refused(Exception):
    """This message goes to quarantine."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.name)
        self.reason = reason


_REASONS: Mapping[type[ProtocolError], RefusalReason] = {
    Malformed: RefusalReason.MALFORMED,
    Unsupported: RefusalReason.UNSUPPORTED,
    BadSignature: RefusalReason.BAD_SIGNATURE,
    CannotOpen: RefusalReason.CANNOT_OPEN,
}


def _nobody(fingerprint: bytes) -> RosterOrder | None:
    return NOBODY if fingerprint == NOBODY.fingerprint else None


class Intake:
    """Admits envelopes and the contents of radio frames into a ledger. One thread at a time."""

    def __init__(
        self,
        identity: Identity,
        store: LedgerStore,
        find_peer: Callable[[str], Peer | None],
        now_ms: Callable[[], int],
        find_order: FindOrder = _nobody,
    ) -> None:
        """`find_order` finds the roster a packed batch counts people by."""
        self._identity, self._store = identity, store
        self._find_peer, self._now_ms = find_peer, now_ms
        self._opener = RecordOpener([identity.opening_key])
        self._contents = RadioContents(
            identity.county, self._opener, find_order, store.radio_state().keys
        )
        self._streams: Mapping[StreamName, Stream] = {
            (each.node, each.epoch): each for each in store.streams()
        }
        """As committed. Replaced as a whole: the board reads it on another thread."""

    def admit(self, messages: Iterable[Incoming], frames: Iterable[UpFrame] = ()) -> Admitted:
        """Admit a batch; on return everything admitted is durable.

        Raises `StoreError`; then nothing was admitted and the same batch may be tried again.
        """
        now_ms = self._now_ms()
        work, outcome = _Work(), Admitted()
        for incoming in messages:
            refused = self._admit_one(incoming, work)
            if refused is not None:
                digest = message_digest(incoming.message)
                work.quarantine.append(
                    Quarantined(now_ms, incoming.node, refused, digest, incoming.message)
                )
                outcome.replies.append(self._refusal(incoming.node, digest, refused, now_ms))
        for frame in frames:
            refused = self._admit_frame(frame, work, outcome)
            if refused is not None:
                content = bytes([frame.kind]) + frame.content
                work.quarantine.append(
                    Quarantined(now_ms, frame.node, refused, message_digest(content), content)
                )
        outcome.streams = self._store_all(work, now_ms)
        outcome.stored = sum(len(run.bodies) for run in work.runs)
        outcome.duplicates, outcome.quarantined = work.duplicates, len(work.quarantine)
        outcome.replies += [
            Reply(
                name[0], signed_receipt(self._identity, work.touched[name], now_ms), is_receipt=True
            )
            for name in work.touched
            if name in work.asked
        ]
        return outcome

    @property
    def streams(self) -> Sequence[Stream]:
        """Every stream, with what is durably held of it; not to be changed. From any thread."""
        return list(self._streams.values())

    def _store_all(self, work: _Work, now_ms: int) -> Sequence[Stream]:
        touched = list(work.touched.values())
        try:
            self._store.commit(work.runs, touched, work.quarantine, now_ms, work.radio)
        except StoreError:
            self._contents.give_back()
            raise
        self._contents.settle()
        self._streams = {**self._streams, **work.touched}
        return touched

    def _admit_frame(self, frame: UpFrame, work: _Work, outcome: Admitted) -> RefusalReason | None:
        """Take a frame that was opened; the reason to quarantine its content."""
        name = (frame.node, frame.epoch)
        work.windows[name] = WindowRow(*name, Direction.UP, frame.window)
        try:
            brought = self._contents.open(frame)
        except OtherRoster:
            outcome.other_roster.add(frame.node)
            return None
        except ProtocolError as error:
            return _REASONS[type(error)]
        if brought.key is not None:
            work.keys.append(brought.key)
        if brought.status is not None:
            outcome.statuses.append((frame.node, brought.status))
        reason: RefusalReason | None = None
        for first_seq, bodies in brought.runs:
            reason = self._take(self._working_copy(name, work), first_seq, bodies, work) or reason
        return reason

    def _admit_one(self, incoming: Incoming, work: _Work) -> RefusalReason | None:
        try:
            envelope = self._verify(incoming)
            bodies = self._opener.open(envelope)
        except ProtocolError as error:
            return _REASONS[type(error)]
        except _Refused as error:
            return error.reason
        name = (envelope.node, envelope.epoch)
        work.asked.add(name)
        return self._take(self._working_copy(name, work), envelope.first_seq, bodies, work)

    def _verify(self, incoming: Incoming) -> Envelope:
        head = claimed_head(incoming.message)
        if (head.node, head.county) != (incoming.node, self._identity.county):
            raise _Refused(RefusalReason.WRONG_SENDER)
        peer = self._find_peer(incoming.node)
        if peer is None:
            raise _Refused(RefusalReason.UNKNOWN_NODE)
        return unpack_envelope(incoming.message, peer.verify_key)

    def _working_copy(self, name: StreamName, work: _Work) -> Stream:
        if name not in work.touched:
            held = self._streams.get(name)
            work.touched[name] = self._store.new_stream(*name) if held is None else held.copy()
        return work.touched[name]

    def _take(
        self, stream: Stream, first_seq: int, bodies: Sequence[bytes | None], work: _Work
    ) -> RefusalReason | None:
        """Sort opened records into new, duplicate and unopenable; the reason to quarantine."""
        reason: RefusalReason | None = None
        for start, opened in _opened_runs(bodies):
            first, last = first_seq + start, first_seq + start + len(opened) - 1
            repeated = SeqSet([(first, last)])
            for low, high in stream.stored.add(first, last):
                work.runs.append(NewRun(stream, low, opened[low - first : high - first + 1]))
                repeated.discard(low, high)
            for low, high in repeated:
                work.duplicates += high - low + 1
                for seq in range(low, high + 1):
                    held = self._held(stream, seq, work.runs)
                    if held is None or not is_same_record(held, opened[seq - first]):
                        reason = RefusalReason.CONFLICT
            if stream.refused:
                stream.refused.discard(first, last)
        for place, body in enumerate(bodies):
            if body is None and first_seq + place not in stream.stored:
                stream.refused.add(first_seq + place, first_seq + place)
                reason = RefusalReason.CANNOT_OPEN
        return reason

    def _held(self, stream: Stream, seq: int, runs: Sequence[NewRun]) -> bytes | None:
        for run in runs:
            if run.stream is stream and 0 <= seq - run.first_seq < len(run.bodies):
                return run.bodies[seq - run.first_seq]
        return self._store.body_of(stream, seq)

    def _refusal(self, node: str, digest: bytes, reason: RefusalReason, now_ms: int) -> Reply:
        identity = self._identity
        refusal = Refusal(identity.county, node, digest, reason, identity.node, now_ms)
        return Reply(node, pack_refusal(refusal, identity.signing_key), is_receipt=False)


def signed_receipt(identity: Identity, stream: Stream, now_ms: int) -> bytes:
    """What a gateway that has committed `stream` promises its terminal."""
    receipt = receipt_for(
        identity.county,
        stream.node,
        stream.epoch,
        stream.stored,
        stream.refused,
        gateway=identity.node,
        gateway_ms=now_ms,
    )
    return pack_receipt(receipt, identity.signing_key)


def _opened_runs(bodies: Sequence[bytes | None]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """(place, bodies) of every stretch without a record that could not be opened."""
    stretch: list[bytes] = []
    for place, body in enumerate(bodies):
        if body is not None:
            stretch.append(body)
        elif stretch:
            yield place - len(stretch), stretch
            stretch = []
    if stretch:
        yield len(bodies) - len(stretch), stretch
