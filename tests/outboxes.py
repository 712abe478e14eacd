"""An outbox under a test's control: its disk, its failures, and what the county can read of it."""

from collections.abc import Iterable
from pathlib import Path

from protocol.envelope import Origin, RecordOpener, pack_envelope, unpack_envelope
from protocol.ids import MAX_SEQ
from protocol.keys import Identity
from protocol.receipts import Receipt, receipt_for
from protocol.sequences import Range, SeqSet
from terminal.outbox import FLOOR_BYTES, Outbox
from tests.parties import COUNTY, GATEWAY, NOW_MS, Parties

PLENTY_BYTES = FLOOR_BYTES + 10**9


class Bench:
    """One terminal's outbox file, opened and closed at will, and a gateway that can read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parties = Parties()
        self.terminal = self.parties.terminal("t1")
        self.free_bytes = PLENTY_BYTES
        self._opener = RecordOpener([self.parties.gateway.opening_key])

    def open(self, *, recipients: bool = True) -> Outbox:
        """Open the outbox; without `recipients` nobody could ever read what it seals."""
        return Outbox(
            self.path,
            COUNTY,
            self.terminal.node,
            self.terminal.peers if recipients else (),
            free_bytes=lambda: self.free_bytes,
        )

    def envelopes(self, outbox: Outbox, limit: int = 500) -> list[bytes]:
        """Everything that waits, as it would travel."""
        return envelopes(outbox, self.terminal, limit)

    def waiting(self, outbox: Outbox, limit: int = 500) -> dict[int, bytes | None]:
        """Everything that waits, as the county opens it, by sequence number."""
        bodies: dict[int, bytes | None] = {}
        for message in self.envelopes(outbox, limit):
            envelope = unpack_envelope(message, self.terminal.signing_key.public_key())
            bodies.update(enumerate(self._opener.open(envelope), envelope.first_seq))
        return bodies

    def nonces(self, outbox: Outbox) -> set[tuple[bytes, int, bytes]]:
        """(key id, sequence number, sealed bytes) of everything that waits."""
        found = set()
        after = 0
        while batch := outbox.claim(after, 500):
            after = batch.last_seq
            for seq, (key, sealed) in enumerate(batch.rows, batch.first_seq):
                found.add((batch.keys[key].key_id, seq, sealed))
        return found


def envelopes(outbox: Outbox, identity: Identity, limit: int = 500) -> list[bytes]:
    """Everything that waits in an outbox, packed as the uplink packs it."""
    messages = []
    after = 0
    while batch := outbox.claim(after, limit):
        after = batch.last_seq
        messages.append(
            pack_envelope(
                outbox.origin, batch.first_seq, batch.rows, batch.keys, identity.signing_key
            )
        )
    return messages


EVERYTHING = SeqSet([(1, MAX_SEQ)])
"""As if all there is had been sent."""


def receipt(origin: Origin, stored: Iterable[Range], refused: Iterable[Range] = ()) -> Receipt:
    """What a gateway says that holds exactly these."""
    return receipt_for(
        origin.county,
        origin.node,
        origin.epoch,
        SeqSet(stored),
        SeqSet(refused),
        gateway=GATEWAY,
        gateway_ms=NOW_MS,
    )
