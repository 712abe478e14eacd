"""Envelopes: consecutive records, each sealed when it was made, the batch signed once.

A record is sealed under a key that lives in the terminal's memory only. The key is wrapped (HPKE)
to every recipient when it is made, and the wrapped form travels with the records: a terminal cannot
read its own outbox. The nonce is the sequence number, so a key must never seal one number twice;
whoever holds a `RecordSealer` drops it when an append fails (docs/wire-format.md section 3), and a
sealer refuses to go back.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta, Struct

from protocol import suites
from protocol.errors import CannotOpen, Malformed, ProtocolError, Unsupported
from protocol.fields import Epoch, KeyId, NameText, Octet, Seq
from protocol.ids import MAX_SEQ
from protocol.keys import Peer
from protocol.limits import MAX_RECIPIENTS, MAX_RECORDS_PER_ENVELOPE, MAX_SEALED_BYTES
from protocol.packing import decode_as
from protocol.signed import Label, encode_signed, peek, verified_payload
from protocol.suites import NONCE_BYTES, OpeningKey, SigningKey, VerifyKey

VERSION = 1
MAX_WRAPPED_BYTES = 256  # suite 1 takes 80: a public key, the record key and a tag


_PER_ENVELOPE = Meta(min_length=1, max_length=MAX_RECORDS_PER_ENVELOPE)

WrappedBytes = Annotated[bytes, Meta(max_length=MAX_WRAPPED_BYTES)]
KeyIndex = Annotated[int, Meta(ge=0, lt=MAX_RECORDS_PER_ENVELOPE)]
RecordCount = Annotated[int, Meta(ge=1, le=MAX_RECORDS_PER_ENVELOPE)]
SealedRecord = Annotated[bytes, Meta(max_length=MAX_SEALED_BYTES)]


class Wrap(Struct, frozen=True, array_like=True):
    """A record key, sealed to one recipient."""

    recipient: KeyId
    wrapped: WrappedBytes


class WrappedKey(Struct, frozen=True, array_like=True):
    """A record key as it travels: its name, and one wrap per recipient."""

    key_id: KeyId
    suite: Octet
    wraps: Annotated[tuple[Wrap, ...], Meta(max_length=MAX_RECIPIENTS)]


class Run(Struct, frozen=True, array_like=True):
    """How many records in a row are sealed under which of the envelope's keys."""

    key_index: KeyIndex
    count: RecordCount


class Envelope(Struct, frozen=True, array_like=True):
    """A batch of records with consecutive sequence numbers from `first_seq`."""

    version: Octet
    county: NameText
    node: NameText
    epoch: Epoch
    first_seq: Seq
    keys: Annotated[tuple[WrappedKey, ...], _PER_ENVELOPE]
    runs: Annotated[tuple[Run, ...], _PER_ENVELOPE]
    sealed: Annotated[tuple[SealedRecord, ...], _PER_ENVELOPE]

    @property
    def last_seq(self) -> int:
        """Sequence number of the last record."""
        return self.first_seq + len(self.sealed) - 1


class EnvelopeHead(Struct, frozen=True, array_like=True):
    """The part of an envelope that says whose it is; read before anything is verified."""

    version: Octet
    county: NameText
    node: NameText
    epoch: Epoch
    first_seq: Seq


class _Versioned(Struct, frozen=True, array_like=True):
    # Read alone first: what follows it may mean anything in another version.
    version: Octet


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
        self._last_seq = 0
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
        """Seal one encoded record. Raises `ValueError` unless `seq` is higher than ever before."""
        if seq <= self._last_seq:
            raise ValueError("this key has sealed that number, or a later one")
        self._last_seq = seq
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

        A key that cannot be unwrapped takes down its own records and no others. Only if that is so
        for every key is the first error raised: `Unsupported` for a suite we lack, `CannotOpen`.
        """
        origin = Origin(envelope.county, envelope.node, envelope.epoch)
        bodies: list[bytes | None] = []
        failures: list[ProtocolError] = []
        start = 0
        for run in envelope.runs:
            batch = envelope.sealed[start : start + run.count]
            try:
                bodies += self.open_run(
                    origin, envelope.keys[run.key_index], batch, envelope.first_seq + start
                )
            except ProtocolError as error:
                failures.append(error)
                bodies += [None] * run.count
            start += run.count
        if len(failures) == len(envelope.runs):
            raise failures[0]
        return bodies

    def open_run(
        self, origin: Origin, wrapped: WrappedKey, batch: Sequence[bytes], first_seq: int
    ) -> Sequence[bytes | None]:
        """Records sealed under one key, consecutive from `first_seq`, as in `open`.

        Raises `Unsupported` for a suite we lack, `CannotOpen` for a key that cannot be unwrapped.
        """
        decrypt = self._cipher(origin, wrapped).decrypt
        prefix = origin.prefix(wrapped.key_id)
        last_seq = first_seq + len(batch)
        nonces = [seq.to_bytes(NONCE_BYTES, "big") for seq in range(first_seq, last_seq)]
        bound = [prefix + nonce for nonce in nonces]
        try:
            return list(map(decrypt, nonces, batch, bound))
        except InvalidTag:  # one of them: find out which
            return [_opened(decrypt, *each) for each in zip(nonces, batch, bound, strict=True)]

    def _cipher(self, origin: Origin, wrapped: WrappedKey) -> AESGCM:
        suites.require_known(wrapped.suite)
        info = origin.info(wrapped.key_id)
        for wrap in wrapped.wraps:
            private = self._keys.get(wrap.recipient)
            if private is None:
                continue
            remembered = self._ciphers.get((info, wrap.wrapped))
            if remembered is not None:
                return remembered
            cipher = suites.record_cipher(suites.hpke_open(private, wrap.wrapped, info))
            if len(self._ciphers) >= self.MAX_REMEMBERED_KEYS:
                del self._ciphers[next(iter(self._ciphers))]
            self._ciphers[info, wrap.wrapped] = cipher
            return cipher
        raise CannotOpen("sealed to no key of this gateway")


def _opened(
    decrypt: Callable[[bytes, bytes, bytes], bytes], nonce: bytes, sealed: bytes, bound: bytes
) -> bytes | None:
    try:
        return decrypt(nonce, sealed, bound)
    except InvalidTag:
        return None


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
    payload = verified_payload(Label.ENVELOPE, message, key)
    version = decode_as(payload, _Versioned).version
    if version != VERSION:
        raise Unsupported(f"envelope version {version} is not known here")
    envelope = decode_as(payload, Envelope)
    if sum(run.count for run in envelope.runs) != len(envelope.sealed):
        raise Malformed("runs do not cover the records")
    if any(run.key_index >= len(envelope.keys) for run in envelope.runs):
        raise Malformed("a run names a key the envelope does not hold")
    if envelope.last_seq > MAX_SEQ:
        raise Malformed("sequence number out of range")
    return envelope
