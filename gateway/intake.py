"""Intake: unseal, verify, deduplicate, store, then issue the receipt, in that order, in batches.

Runs on a worker thread. A message that cannot be admitted goes to quarantine with its reason and
never stands in the way of the next. What is held of every stream is worked out on copies, which
take effect once the store has committed: nobody ever sees, or is told, more than what is durable.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.store.base import LedgerStore, NewRun, Quarantined, Stream
from protocol.envelope import Envelope, RecordOpener, claimed_head, unpack_envelope
from protocol.errors import BadSignature, CannotOpen, Malformed, ProtocolError, Unsupported
from protocol.keys import Identity, Peer
from protocol.receipts import Refusal, RefusalReason, pack_receipt, pack_refusal, receipt_for
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
    """What one batch of messages came to."""

    replies: list[Reply] = field(default_factory=list)
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class _Work:
    """One batch of messages on its way into the store."""

    touched: dict[StreamName, Stream] = field(default_factory=dict)
    runs: list[NewRun] = field(default_factory=list)
    quarantine: list[Quarantined] = field(default_factory=list)
    duplicates: int = 0


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
        self._streams: Mapping[StreamName, Stream] = {
            (each.node, each.epoch): each for each in store.streams()
        }
        """As committed. Replaced as a whole: the board reads it on another thread."""

    def admit(self, messages: Iterable[Incoming]) -> Admitted:
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
        touched = list(work.touched.values())
        self._store.commit(work.runs, touched, work.quarantine, now_ms)
        self._streams = {**self._streams, **work.touched}
        outcome.stored = sum(len(run.bodies) for run in work.runs)
        outcome.duplicates, outcome.quarantined = work.duplicates, len(work.quarantine)
        outcome.replies += [
            Reply(stream.node, signed_receipt(self._identity, stream, now_ms), is_receipt=True)
            for stream in touched
        ]
        return outcome

    @property
    def streams(self) -> Sequence[Stream]:
        """Every stream, with what is durably held of it; not to be changed. From any thread."""
        return list(self._streams.values())

    def _admit_one(self, incoming: Incoming, work: _Work) -> RefusalReason | None:
        try:
            envelope = self._verify(incoming)
            bodies = self._opener.open(envelope)
        except ProtocolError as error:
            return _REASONS[type(error)]
        except _Refused as error:
            return error.reason
        return self._take(self._working_copy(envelope, work), envelope.first_seq, bodies, work)

    def _verify(self, incoming: Incoming) -> Envelope:
        head = claimed_head(incoming.message)
        if (head.node, head.county) != (incoming.node, self._identity.county):
            raise _Refused(RefusalReason.WRONG_SENDER)
        peer = self._find_peer(incoming.node)
        if peer is None:
            raise _Refused(RefusalReason.UNKNOWN_NODE)
        return unpack_envelope(incoming.message, peer.verify_key)

    def _working_copy(self, envelope: Envelope, work: _Work) -> Stream:
        name = (envelope.node, envelope.epoch)
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
                    if self._held(stream, seq, work.runs) != opened[seq - first]:
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
