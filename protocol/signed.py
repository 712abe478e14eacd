"""Signed statements: `msgpack [suite, payload, signature]`.

The signature covers a label as well, so that one kind of statement can never pass for another.
"""

from enum import Enum
from typing import TypeVar

import msgspec
from msgspec import Struct

from protocol import suites
from protocol.errors import Malformed
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


class _Signed(Struct, frozen=True, array_like=True):
    suite: int
    payload: bytes
    signature: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Signed)


def encode_signed(label: Label, payload: object, key: SigningKey) -> bytes:
    """Encode `payload` (a Struct) and sign it."""
    body = _encoder.encode(payload)
    signature = suites.sign(key, _covered(label, suites.SUITE, body))
    return _encoder.encode(_Signed(suites.SUITE, body, signature))


def peek(message: bytes, shape: type[T]) -> T:
    """Decode without verifying, to learn whose key to verify with. Raises `Malformed`."""
    return _decode(_parse(message).payload, shape)


def decode_signed(label: Label, message: bytes, key: VerifyKey, shape: type[T]) -> T:
    """Verify, then decode. Raises `Malformed`, `Unsupported` or `BadSignature`."""
    signed = _parse(message)
    suites.require_known(signed.suite)
    suites.verify(key, signed.signature, _covered(label, signed.suite, signed.payload))
    return _decode(signed.payload, shape)


def _covered(label: Label, suite: int, payload: bytes) -> bytes:
    return label.value + bytes([suite & 0xFF]) + payload


def _parse(message: bytes) -> _Signed:
    try:
        return _decoder.decode(message)
    except msgspec.DecodeError as error:
        raise Malformed("not a signed statement") from error


def _decode(payload: bytes, shape: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(payload, type=shape)
    except msgspec.DecodeError as error:
        # msgspec's text may quote the value; what a card holds must not reach a log.
        raise Malformed(f"payload is no {shape.__name__}") from error
