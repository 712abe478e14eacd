"""Envelopes: consecutive records, each sealed when it was made, the batch signed once.

A record is sealed under a key that lives in the terminal's memory only. The key is wrapped (HPKE)
to every recipient when it is made, and the wrapped form travels with the records: a terminal cannot
read its own outbox. The nonce is the sequence number, so a key must never seal one number twice;
whoever holds a `RecordSealer` drops it when an append fails (docs/wire-format.md section 3).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from protocol import suites
from protocol.errors import CannotOpen, Malformed, Unsupported
from protocol.ids import MAX_EPOCH, MAX_SEQ
from protocol.keys import Peer
from protocol.limits import MAX_RECORDS_PER_ENVELOPE
from protocol.signed import Label, decode_signed, encode_signed, peek
from protocol.suites import NONCE_BYTES, OpeningKey, SigningKey, VerifyKey

VERSION = 1


class Wrap(Struct, frozen=True, array_like=True):
    """A record key, sealed to one recipient."""

    recipient: bytes
    wrapped: bytes


class WrappedKey(Struct, frozen=True, array_like=True):
    """A record key as it travels: its name, and one wrap per recipient."""

    key_id: bytes
    suite: int
    wraps: tuple[Wrap, ...]


class Run(Struct, frozen=True, array_like=True):
    """How many records in a row are sealed under which of the envelope's keys."""

    key_index: int
    count: int


class Envelope(Struct, frozen=True, array_like=True):
    """A batch of records with consecutive sequence numbers from `first_seq`."""

    version: int
    county: str
    node: str
    epoch: int
    first_seq: int
    keys: tuple[WrappedKey, ...]
    runs: tuple[Run, ...]
    sealed: tuple[bytes, ...]

    @property
    def last_seq(self) -> int:
        """Sequence number of the last record."""
        return self.first_seq + len(self.sealed) - 1


class EnvelopeHead(Struct, frozen=True, array_like=True):
    """The part of an envelope that says whose it is; read before anything is verified."""

    version: int
    county: str
    node: str
    epoch: int
    first_seq: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose outbox records come from; bound into every seal."""

    county: str
    node: str
    epoch: int

    def info(self, key_id: bytes) -> bytes:
        """What a wrap is bound to."""
        return b"muster/1 key\0" + self.prefix(key_id)

    def prefix(self, key_id: bytes) -> bytes:
        """What every record under a key is bound to; the sequence number follows."""
        names = f"{self.county}\0{self.node}\0".encode()
        return names + self.epoch.to_bytes(4, "big") + key_id


class RecordSealer:
    """Seals records under one key that exists in this object and nowhere else."""

    def __init__(self, origin: Origin, recipients: Iterable[Peer], key_id: bytes) -> None:
        key = suites.new_record_key()
        self._cipher = suites.record_cipher(key)
        self._prefix = origin.prefix(key_id)
        info = origin.info(key_id)
        self.wrapped = WrappedKey(
            key_id,
            suites.SUITE,
            tuple(
                Wrap(peer.sealing_key_id, suites.hpke_seal(peer.sealing_key, key, info))
                for peer in recipients
            ),
        )

    def seal(self, seq: int, body: bytes) -> bytes:
        """Seal one encoded record; call once per `seq`."""
        bound = seq.to_bytes(NONCE_BYTES, "big")
        return self._cipher.encrypt(bound, body, self._prefix + bound)


class RecordOpener:
    """Opens records with a gateway's private keys; remembers unwrapped record keys."""

    MAX_REMEMBERED_KEYS = 4096  # each terminal uses a few a day; a flood must not fill memory

    def __init__(self, keys: Iterable[OpeningKey]) -> None:
        self._keys = {suites.key_id(key.public_key()): key for key in keys}
        self._ciphers: dict[tuple[bytes, bytes], AESGCM] = {}

    def open(self, envelope: Envelope) -> list[bytes | None]:
        """The record bodies in order; `None` for one that was altered or sealed to nobody here.

        Raises `Unsupported` for a suite we lack and `CannotOpen` if no key can be unwrapped.
        """
        origin = Origin(envelope.county, envelope.node, envelope.epoch)
        bodies: list[bytes | None] = []
        seq = envelope.first_seq
        start = 0
        for run in envelope.runs:
            wrapped = envelope.keys[run.key_index]
            cipher = self._cipher(origin, wrapped)
            prefix = origin.prefix(wrapped.key_id)
            for sealed in envelope.sealed[start : start + run.count]:
                bound = seq.to_bytes(NONCE_BYTES, "big")
                try:
                    bodies.append(cipher.decrypt(bound, sealed, prefix + bound))
                except (InvalidTag, ValueError):
                    bodies.append(None)
                seq += 1
            start += run.count
        return bodies

    def _cipher(self, origin: Origin, wrapped: WrappedKey) -> AESGCM:
        info = origin.info(wrapped.key_id)
        for wrap in wrapped.wraps:
            private = self._keys.get(wrap.recipient)
            if private is None:
                continue
            remembered = self._ciphers.get((info, wrap.wrapped))
            if remembered is not None:
                return remembered
            suites.require_known(wrapped.suite)
            cipher = suites.record_cipher(suites.hpke_open(private, wrap.wrapped, info))
            if len(self._ciphers) >= self.MAX_REMEMBERED_KEYS:
                del self._ciphers[next(iter(self._ciphers))]
            self._ciphers[info, wrap.wrapped] = cipher
            return cipher
        raise CannotOpen("sealed to no key of this gateway")


def pack_envelope(
    origin: Origin,
    first_seq: int,
    rows: Sequence[tuple[int, bytes]],
    keys: Sequence[WrappedKey],
    signing_key: SigningKey,
) -> bytes:
    """Sign a batch. `rows` are (index into `keys`, sealed record), consecutive from `first_seq`."""
    runs: list[Run] = []
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end][0] != rows[start][0]:
            runs.append(Run(rows[start][0], end - start))
            start = end
    envelope = Envelope(
        VERSION,
        origin.county,
        origin.node,
        origin.epoch,
        first_seq,
        tuple(keys),
        tuple(runs),
        tuple([sealed for _, sealed in rows]),
    )
    return encode_signed(Label.ENVELOPE, envelope, signing_key)


def claimed_head(message: bytes) -> EnvelopeHead:
    """Whose envelope this claims to be, before its signature is checked. Raises `Malformed`."""
    return peek(message, EnvelopeHead)


def unpack_envelope(message: bytes, key: VerifyKey) -> Envelope:
    """Verify and check an envelope; raises `Malformed`, `Unsupported` or `BadSignature`."""
    envelope = decode_signed(Label.ENVELOPE, message, key, Envelope)
    if envelope.version != VERSION:
        raise Unsupported(f"envelope version {envelope.version} is not known here")
    counts = [run.count for run in envelope.runs]
    if not 0 < len(envelope.sealed) <= MAX_RECORDS_PER_ENVELOPE:
        raise Malformed("an envelope holds 1 to 500 records")
    if min(counts, default=0) < 1 or sum(counts) != len(envelope.sealed):
        raise Malformed("runs do not cover the records")
    if not all(0 <= run.key_index < len(envelope.keys) for run in envelope.runs):
        raise Malformed("a run names a key the envelope does not hold")
    if not (envelope.first_seq > 0 and envelope.last_seq <= MAX_SEQ):
        raise Malformed("sequence number out of range")
    if not 0 <= envelope.epoch <= MAX_EPOCH:
        raise Malformed("epoch out of range")
    return envelope
