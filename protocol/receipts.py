"""Receipts: the only word on which a terminal lets go of a record.

The gateway signs one after its commit. A broker's PUBACK says nothing about storage.
"""

from enum import IntEnum

from msgspec import Struct, structs

from protocol.errors import Malformed
from protocol.fields import Epoch, MessageDigest, Milliseconds, NameText, SeqOrNone, SeqRanges
from protocol.limits import MAX_RANGES
from protocol.sequences import Range, SeqSet
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import SigningKey, VerifyKey


class Receipt(Struct, frozen=True, array_like=True):
    """Every record of the stream up to `upto` is stored, except `gaps` and `refused`."""

    county: NameText
    node: NameText
    epoch: Epoch
    upto: SeqOrNone
    gaps: SeqRanges
    """Ranges below `upto` that never arrived: send them again."""
    refused: SeqRanges
    """Ranges that arrived but cannot be opened: quarantined there, keep and show them here."""
    gateway: NameText
    gateway_ms: Milliseconds

    def stored(self) -> SeqSet:
        """The sequence numbers the gateway holds."""
        held = SeqSet([(1, self.upto)] if self.upto else [])
        for first, last in (*self.gaps, *self.refused):
            held.discard(first, last)
        return held

    def within_limits(self) -> "Receipt":
        """The same promise for as many records as `MAX_RANGES` exceptions can describe."""
        exceptions = sorted((*self.gaps, *self.refused))
        if len(exceptions) <= MAX_RANGES:
            return self
        upto = exceptions[MAX_RANGES][0] - 1
        return structs.replace(
            self, upto=upto, gaps=_up_to(upto, self.gaps), refused=_up_to(upto, self.refused)
        )


def receipt_for(
    county: str,
    node: str,
    epoch: int,
    stored: SeqSet,
    refused: SeqSet,
    *,
    gateway: str,
    gateway_ms: int,
) -> Receipt:
    """What a gateway that holds `stored` and could not open `refused` says about a stream."""
    known = SeqSet([*stored, *refused])
    return Receipt(
        county,
        node,
        epoch,
        known.highest,
        tuple(known.gaps()),
        tuple(refused),
        gateway,
        gateway_ms,
    ).within_limits()


class RefusalReason(IntEnum):
    """Why a whole message was put into quarantine."""

    MALFORMED = 1
    UNSUPPORTED = 2
    BAD_SIGNATURE = 3
    CANNOT_OPEN = 4
    UNKNOWN_NODE = 5
    WRONG_SENDER = 6
    CONFLICT = 7
    """A number the ledger holds came again with another content: a card was rolled back."""


class Refusal(Struct, frozen=True, array_like=True):
    """A whole message could not be admitted. Nothing is deleted for it; the operator is told."""

    county: NameText
    node: NameText
    message_digest: MessageDigest
    """`suites.message_digest` of the message as it arrived."""
    reason: RefusalReason
    gateway: NameText
    gateway_ms: Milliseconds


def pack_receipt(receipt: Receipt, key: SigningKey) -> bytes:
    """Sign a receipt; one with too many exceptions is cut short to a lower `upto`."""
    return encode_signed(Label.RECEIPT, receipt.within_limits(), key)


def unpack_receipt(message: bytes, key: VerifyKey) -> Receipt:
    """Verify a receipt; raises `ProtocolError`."""
    receipt = decode_signed(Label.RECEIPT, message, key, Receipt)
    if not (_in_order(receipt.gaps, receipt.upto) and _in_order(receipt.refused, receipt.upto)):
        raise Malformed("ranges out of order, or beyond what the receipt covers")
    return receipt


def pack_refusal(refusal: Refusal, key: SigningKey) -> bytes:
    """Sign a refusal."""
    return encode_signed(Label.REFUSAL, refusal, key)


def unpack_refusal(message: bytes, key: VerifyKey) -> Refusal:
    """Verify a refusal; raises `ProtocolError`."""
    return decode_signed(Label.REFUSAL, message, key, Refusal)


def _in_order(ranges: tuple[Range, ...], upto: int) -> bool:
    previous = 0
    for first, last in ranges:
        if not previous < first <= last:
            return False
        previous = last
    return previous <= upto


def _up_to(upto: int, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    return tuple((first, min(last, upto)) for first, last in ranges if first <= upto)
