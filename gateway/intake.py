"""Intake: unseal, verify, deduplicate, store, then issue the receipt, in that order, in batches.

Runs on a worker thread. A message that cannot be admitted goes to quarantine with its reason and
never stands in the way of the next. The in-memory picture of what is held changes only after the
store has committed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.store.base import LedgerStore, NewRun, Quarantined, StoreError, Stream
from protocol.envelope import Envelope, RecordOpener, claimed_head, unpack_envelope
from protocol.errors import BadSignature, CannotOpen, Malformed, ProtocolError, Unsupported
from protocol.keys import Identity, Peer
from protocol.receipts import Refusal, RefusalReason, pack_receipt, pack_refusal, receipt_for
from protocol.sequences import SeqSet
from protocol.suites import message_digest


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
    """What one batch of messages came to."""

    replies: list[Reply] = field(default_factory=list)
    runs: list[NewRun] = field(default_factory=list)
    last_record: int = 0
    """Ledger id of the newest record after the commit."""
    duplicates: int = 0
    quarantined: int = 0


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


class Intake:
    """Admits envelopes into a ledger. One thread at a time."""

    def __init__(
        self,
        identity: Identity,
        store: LedgerStore,
        find_peer: Callable[[str], Peer | None],
        now_ms: Callable[[], int],
    ) -> None:
        self._identity, self._store = identity, store
        self._find_peer, self._now_ms = find_peer, now_ms
        self._opener = RecordOpener([identity.opening_key])
        self._streams: dict[tuple[str, int], Stream] = {}
        self._load_streams()

    def admit(self, messages: Iterable[Incoming]) -> Admitted:
        """Admit a batch; on return everything admitted is durable. Raises `StoreError`."""
        now_ms = self._now_ms()
        outcome = Admitted()
        touched: dict[int, Stream] = {}
        quarantine: list[Quarantined] = []
        for incoming in messages:
            try:
                envelope = self._verify(incoming)
                bodies = self._opener.open(envelope)
            except ProtocolError as error:
                refused: RefusalReason | None = _REASONS[type(error)]
            except _Refused as error:
                refused = error.reason
            else:
                stream = self._stream(envelope)
                touched[stream.number] = stream
                refused = self._take(stream, envelope.first_seq, bodies, outcome)
            if refused is not None:
                digest = message_digest(incoming.message)
                quarantine.append(
                    Quarantined(now_ms, incoming.node, refused, digest, incoming.message)
                )
                outcome.replies.append(self._refusal(incoming.node, digest, refused, now_ms))
        try:
            outcome.last_record = self._store.commit(
                outcome.runs, list(touched.values()), quarantine, now_ms
            )
        except StoreError:
            self._load_streams()
            raise
        outcome.quarantined = len(quarantine)
        outcome.replies += [self._receipt(stream, now_ms) for stream in touched.values()]
        return outcome

    @property
    def streams(self) -> Sequence[Stream]:
        """Every stream, with what is held of it."""
        return list(self._streams.values())

    def _load_streams(self) -> None:
        self._streams = {(each.node, each.epoch): each for each in self._store.streams()}

    def _verify(self, incoming: Incoming) -> Envelope:
        head = claimed_head(incoming.message)
        if (head.node, head.county) != (incoming.node, self._identity.county):
            raise _Refused(RefusalReason.WRONG_SENDER)
        peer = self._find_peer(incoming.node)
        if peer is None:
            raise _Refused(RefusalReason.UNKNOWN_NODE)
        return unpack_envelope(incoming.message, peer.verify_key)

    def _stream(self, envelope: Envelope) -> Stream:
        name = (envelope.node, envelope.epoch)
        if name not in self._streams:
            self._streams[name] = self._store.new_stream(*name)
        return self._streams[name]

    def _take(
        self, stream: Stream, first_seq: int, bodies: Sequence[bytes | None], outcome: Admitted
    ) -> RefusalReason | None:
        """Sort opened records into new, duplicate and unopenable; the reason to quarantine."""
        reason: RefusalReason | None = None
        for start, opened in _opened_runs(bodies):
            first, last = first_seq + start, first_seq + start + len(opened) - 1
            repeated = SeqSet([(first, last)])
            for low, high in stream.stored.add(first, last):
                outcome.runs.append(NewRun(stream, low, opened[low - first : high - first + 1]))
                repeated.discard(low, high)
            for low, high in repeated:
                outcome.duplicates += high - low + 1
                for seq in range(low, high + 1):
                    if self._held(stream, seq, outcome.runs) != opened[seq - first]:
                        reason = RefusalReason.CONFLICT
            if len(stream.refused):
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

    def _receipt(self, stream: Stream, now_ms: int) -> Reply:
        identity = self._identity
        receipt = receipt_for(
            identity.county,
            stream.node,
            stream.epoch,
            stream.stored,
            stream.refused,
            gateway=identity.node,
            gateway_ms=now_ms,
        )
        return Reply(stream.node, pack_receipt(receipt, identity.signing_key), is_receipt=True)

    def _refusal(self, node: str, digest: bytes, reason: RefusalReason, now_ms: int) -> Reply:
        identity = self._identity
        refusal = Refusal(identity.county, node, digest, reason, identity.node, now_ms)
        return Reply(node, pack_refusal(refusal, identity.signing_key), is_receipt=False)


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
