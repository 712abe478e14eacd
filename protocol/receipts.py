"""Receipts: the only word on which a terminal lets go of a record.

The gateway signs one after its commit. A broker's PUBACK says nothing about storage.
"""

from enum import IntEnum

from msgspec import Struct

from protocol.sequences import Range, SeqSet
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import SigningKey, VerifyKey


class Receipt(Struct, frozen=True, array_like=True):
    """Every record of the stream up to `upto` is stored, except `gaps` and `refused`."""

    county: str
    node: str
    epoch: int
    upto: int
    gaps: tuple[Range, ...]
    """Ranges below `upto` that never arrived: send them again."""
    refused: tuple[Range, ...]
    """Ranges that arrived but cannot be opened: quarantined there, keep and show them here."""
    gateway: str
    gateway_ms: int

    def stored(self) -> SeqSet:
        """The sequence numbers the gateway holds."""
        held = SeqSet([(1, self.upto)] if self.upto else [])
        for first, last in (*self.gaps, *self.refused):
            held.discard(first, last)
        return held


class RefusalReason(IntEnum):
    """Why a whole message was put into quarantine."""

    MALFORMED = 1
    UNSUPPORTED = 2
    BAD_SIGNATURE = 3
    CANNOT_OPEN = 4
    UNKNOWN_NODE = 5
    WRONG_SENDER = 6


class Refusal(Struct, frozen=True, array_like=True):
    """A whole message could not be admitted. Nothing is deleted for it; the operator is told."""

    county: str
    node: str
    message_digest: bytes
    reason: RefusalReason
    gateway: str
    gateway_ms: int


def pack_receipt(receipt: Receipt, key: SigningKey) -> bytes:
    """Sign a receipt."""
    return encode_signed(Label.RECEIPT, receipt, key)


def unpack_receipt(message: bytes, key: VerifyKey) -> Receipt:
    """Verify a receipt; raises `ProtocolError`."""
    return decode_signed(Label.RECEIPT, message, key, Receipt)


def pack_refusal(refusal: Refusal, key: SigningKey) -> bytes:
    """Sign a refusal."""
    return encode_signed(Label.REFUSAL, refusal, key)


def unpack_refusal(message: bytes, key: VerifyKey) -> Refusal:
    """Verify a refusal; raises `ProtocolError`."""
    return decode_signed(Label.REFUSAL, message, key, Refusal)
