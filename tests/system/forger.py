"""Makes messages in a terminal's name, right and wrong ones: whoever stole it can do the same."""

import secrets
import time
from collections.abc import Iterable

from protocol.codec import encode_record
from protocol.envelope import VERSION, Envelope, Origin, RecordSealer, pack_envelope
from protocol.ids import MAX_EPOCH
from protocol.keys import GATEWAY_RADIO_ADDRESS, Enrolment, Identity, Peer, Role
from protocol.limits import KEY_ID_BYTES
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, TimeSource
from protocol.signed import Label, encode_signed, peek
from protocol.suites import OpeningKey, SigningKey
from protocol.verdict import Reason, Verdict

UNKNOWN_KIND_BODY = bytes([0x92, 0x7F, 0x01])  # msgpack [127, 1]: a kind of a later version


class Forger:
    """Has a terminal's keys and an outbox of its own."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.origin = Origin(identity.county, identity.node, secrets.randbelow(MAX_EPOCH) + 1)
        self._next_seq = 1
        self._sealer = self._new_sealer(identity.peers)

    def honest(self, body: bytes | None = None) -> bytes:
        """An envelope with the next record, as a terminal sends it."""
        return self._envelope(self._sealer, self._take_seq(), body, self.identity.signing_key)

    def badly_signed(self) -> bytes:
        """Another key's signature."""
        return self._envelope(self._sealer, self._take_seq(), None, SigningKey.generate())

    def sealed_to_a_stranger(self) -> bytes:
        """A record the gateway cannot open."""
        sealer = self._new_sealer([stranger(self.identity.county)])
        return self._envelope(sealer, self._take_seq(), None, self.identity.signing_key)

    def of_another_version(self) -> bytes:
        """An envelope of a version that does not exist yet."""
        envelope = peek(self.honest(), Envelope)
        later = Envelope(
            VERSION + 1,
            envelope.county,
            envelope.node,
            envelope.epoch,
            envelope.first_seq,
            envelope.keys,
            envelope.runs,
            envelope.sealed,
        )
        return encode_signed(Label.ENVELOPE, later, self.identity.signing_key)

    def rewritten(self, seq: int) -> bytes:
        """A number that was given out already, with another record."""
        sealer = self._new_sealer(self.identity.peers)
        return self._envelope(sealer, seq, None, self.identity.signing_key)

    @property
    def last_seq(self) -> int:
        """The last number given out."""
        return self._next_seq - 1

    def _take_seq(self) -> int:
        self._next_seq += 1
        return self.last_seq

    def _new_sealer(self, recipients: Iterable[Peer]) -> RecordSealer:
        return RecordSealer(self.origin, recipients, secrets.token_bytes(KEY_ID_BYTES))

    def _envelope(
        self, sealer: RecordSealer, seq: int, body: bytes | None, key: SigningKey
    ) -> bytes:
        sealed = sealer.seal(seq, body or check_in())
        return pack_envelope(self.origin, seq, [(0, sealed)], [sealer.wrapped], key)


def check_in() -> bytes:
    """A card nobody could read, just now: no two are alike."""
    at = Stamp(time.time_ns() // 1_000_000, secrets.randbits(40), 0, TimeSource.UNSET, 0)
    credential = Credential(CredentialKind.UNREADABLE)
    return encode_record(
        CheckIn(at, 0, "qingshan", 1, Verdict.LOOK, Reason.UNREADABLE, 0, None, credential)
    )


def stranger(county: str) -> Peer:
    """A gateway nobody vouches for."""
    signing, opening = SigningKey.generate(), OpeningKey.generate()
    return Peer(
        Enrolment(
            county,
            "stranger",
            Role.GATEWAY,
            signing.public_key().public_bytes_raw(),
            opening.public_key().public_bytes_raw(),
            "",
            0,
            GATEWAY_RADIO_ADDRESS,
        )
    )
