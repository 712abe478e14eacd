"""What the gateway needs of a database: one narrow contract, whatever stands behind it.

An implementation must make `commit` atomic and durable before it returns, must refuse a record that
is already there (same stream and number), and must hand records back in the order of their ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from protocol.envelope import WrappedKey
from protocol.radio_keys import Direction
from protocol.receipts import RefusalReason
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet


@dataclass(slots=True)
class Stream:
    """One outbox of one terminal, as far as the ledger has it."""

    number: int
    node: str
    epoch: int
    stored: SeqSet = field(default_factory=SeqSet)
    refused: SeqSet = field(default_factory=SeqSet)

    def copy(self) -> "Stream":
        """One that can be changed without changing this."""
        return Stream(self.number, self.node, self.epoch, SeqSet(self.stored), SeqSet(self.refused))


@dataclass(frozen=True, slots=True)
class NewRun:
    """Records with consecutive numbers on their way into the ledger."""

    stream: Stream
    first_seq: int
    bodies: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that could not be admitted."""

    received_ms: int
    node: str
    reason: RefusalReason
    digest: bytes
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """What the operator is told of a message in quarantine."""

    number: int
    """Rises with each new message; one that comes again keeps its number."""
    received_ms: int
    """When it came first."""
    node: str
    reason: RefusalReason
    times: int
    """How often it came."""


@dataclass(frozen=True, slots=True)
class WindowRow:
    """Which radio frames of one sender have been taken, in one direction and epoch."""

    node: str
    epoch: int
    direction: Direction
    window: ReplayWindow


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A record key that came by radio, apart from the records sealed under it."""

    node: str
    epoch: int
    key: WrappedKey


@dataclass(frozen=True, slots=True)
class RadioState:
    """What radio frames leave behind beside their records."""

    windows: Sequence[WindowRow] = ()
    keys: Sequence[KeyRow] = ()


NO_RADIO = RadioState()


class LedgerEntry(Struct, frozen=True, gc=False):  # read by the thousand, and never in a cycle
    """A record in the ledger."""

    number: int
    node: str
    epoch: int
    seq: int
    body: bytes

    def __repr__(self) -> str:
        """Which record, not what it says."""
        return f"LedgerEntry({self.number}, {self.node}.{self.epoch:08x}.{self.seq})"


class LedgerStore(Protocol):
    """The append-only part of the store. Used from one thread at a time."""

    def streams(self) -> list[Stream]:
        """Every stream, with what is held of it."""

    def new_stream(self, node: str, epoch: int) -> Stream:
        """A stream that has not been heard of before; stored with the next `commit`."""

    def commit(
        self,
        runs: Sequence[NewRun],
        streams: Sequence[Stream],
        quarantined: Sequence[Quarantined],
        at_ms: int,
        radio: RadioState = NO_RADIO,
    ) -> None:
        """Store everything or nothing. Raises `StoreError` when nothing was stored."""

    def radio_state(self) -> RadioState:
        """All that radio frames left behind, the latest last."""

    def body_of(self, stream: Stream, seq: int) -> bytes | None:
        """What is held under a number, to compare with what came again. Raises `StoreError`."""

    def entries(self, after: int, limit: int) -> list[LedgerEntry]:
        """Records with ids above `after`, in order."""

    def quarantine_count(self) -> int:
        """How many messages could not be admitted."""

    def quarantine(self, limit: int) -> list[QuarantinedRow]:
        """The latest of them, newest first."""

    def verify_chain(self) -> Iterator[str]:
        """Recompute the hash chain; yields one sentence per link that does not hold."""


class StoreError(RuntimeError):
    """Nothing was stored; the broker keeps the messages. The operator must act."""
