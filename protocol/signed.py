"""Signed statements: `msgpack [suite, payload, signature]`.

The signature covers a label as well, so that one kind of statement can never pass for another.
"""

from enum import Enum
from typing import TypeVar

import msgspec
from msgspec import Struct

from protocol import suites
from protocol.errors import Malformed
from protocol.fields import Octet
from protocol.limits import MAX_MESSAGE_BYTES
from protocol.packing import decode_as
from protocol.suites import SigningKey, VerifyKey

T = TypeVar("T")


class Label(Enum):
    """What a statement is."""

    ENVELOPE = b"muster/1 envelope\0"
    HEARTBEAT = b"muster/1 heartbeat\0"
    RECEIPT = b"muster/1 receipt\0"
    REFUSAL = b"muster/1 refusal\0"
    DOWNLINK = b"muster/1 downlink\0"
    ENROLMENT = b"muster/1 enrolment\0"
    BADGE = b"muster/1 badge\0"
    REVOCATIONS = b"muster/1 revocations\0"
    BULLETIN = b"muster/1 bulletin\0"


class _Signed(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    # No field may follow: the signature would not cover it.
    suite: Octet
    payload: bytes
    signature: bytes


_encoder = msgspec.msgpack.Encoder()


def encode_signed(label: Label, payload: object, key: SigningKey) -> bytes:
    """Encode `payload` (a Struct) and sign it."""
    body = _encoder.encode(payload)
    signature = suites.sign(key, _covered(label, suites.SUITE, body))
    return _encoder.encode(_Signed(suites.SUITE, body, signature))


def peek(message: bytes, shape: type[T]) -> T:
    """Decode without verifying, to learn whose key to verify with. Raises `Malformed`."""
    return decode_as(_parse(message).payload, shape)


def verified_payload(label: Label, message: bytes, key: VerifyKey) -> bytes:
    """The payload, still encoded. Raises `Malformed`, `Unsupported` or `BadSignature`."""
    signed = _parse(message)
    suites.require_known(signed.suite)
    suites.verify(key, signed.signature, _covered(label, signed.suite, signed.payload))
    return signed.payload


def decode_signed(label: Label, message: bytes, key: VerifyKey, shape: type[T]) -> T:
    """Verify, then decode. Raises `Malformed`, `Unsupported` or `BadSignature`."""
    return decode_as(verified_payload(label, message, key), shape)


def sign_bare(label: Label, body: bytes, key: SigningKey) -> bytes:
    """The signature alone, for what has no room for a statement around it: a badge."""
    return suites.sign(key, _covered(label, suites.SUITE, body))


def verify_bare(label: Label, body: bytes, signature: bytes, key: VerifyKey) -> None:
    """Raise `BadSignature` unless `sign_bare` made this signature."""
    suites.verify(key, signature, _covered(label, suites.SUITE, body))


def _covered(label: Label, suite: int, payload: bytes) -> bytes:
    return label.value + bytes([suite]) + payload


def _parse(message: bytes) -> _Signed:
    if len(message) > MAX_MESSAGE_BYTES:
        raise Malformed("longer than any message")
    return decode_as(message, _Signed)
