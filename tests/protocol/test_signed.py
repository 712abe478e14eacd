"""Signed statements: what the signature covers, and what hostile bytes come to."""

import itertools
import random
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import suites
from protocol.downlink import Activation, unpack_downlink
from protocol.envelope import claimed_head, unpack_envelope
from protocol.errors import BadSignature, Malformed, ProtocolError, Unsupported
from protocol.health import Heartbeat, unpack_heartbeat
from protocol.keys import decode_identity, verify_enrolment
from protocol.limits import MAX_MESSAGE_BYTES
from protocol.receipts import unpack_receipt, unpack_refusal
from protocol.roster import RosterPart
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import SigningKey, VerifyKey
from tests.vectors import make_vectors as made

KEY = SigningKey.generate()
PUBLIC = KEY.public_key()
STATEMENTS = made.load("statements.json")["statements"]
CANARY_NAME, CANARY_NUMBER = "金丝雀", "110101200001010000"


def unpack_activation(message: bytes, key: VerifyKey) -> Activation:
    return unpack_downlink(message, Activation, key, made.NODE, made.TERMINAL_OPENING)


def unpack_roster(message: bytes, key: VerifyKey) -> RosterPart:
    return unpack_downlink(message, RosterPart, key, made.NODE, made.TERMINAL_OPENING)


UNPACKERS: dict[str, Callable[[bytes, VerifyKey], object]] = {
    "envelope": unpack_envelope,
    "heartbeat": unpack_heartbeat,
    "receipt": unpack_receipt,
    "refusal": unpack_refusal,
    "enrolment": lambda message, key: verify_enrolment(key, message),
    "activation": unpack_activation,
    "roster part": unpack_roster,
    "head": lambda message, _: claimed_head(message),
    "identity": lambda message, _: decode_identity(message),
}
LABELS = {
    "envelope": Label.ENVELOPE, "heartbeat": Label.HEARTBEAT, "receipt": Label.RECEIPT,
    "refusal": Label.REFUSAL, "enrolment": Label.ENROLMENT, "activation": Label.DOWNLINK,
    "roster part": Label.DOWNLINK,
}  # fmt: skip
PAYLOADS = {
    entry["name"]: msgspec.msgpack.decode(bytes.fromhex(entry["message"]))[1]
    for entry in STATEMENTS
}


def signed(label: Label, payload: bytes) -> bytes:
    """A statement whose signature is right, whatever the payload."""
    return encode_signed(label, msgspec.Raw(payload), KEY)


def error_of(name: str, message: bytes) -> ProtocolError | None:
    """What reading raised; anything but a `ProtocolError` escapes and fails the test."""
    try:
        UNPACKERS[name](message, PUBLIC)
    except ProtocolError as error:
        return error
    return None


def test_labels_cannot_run_into_each_other() -> None:
    for one, other in itertools.permutations(Label, 2):
        assert not other.value.startswith(one.value)


@pytest.mark.parametrize(("made_as", "read_as"), list(itertools.permutations(Label, 2)))
def test_a_statement_never_passes_for_another_kind(made_as: Label, read_as: Label) -> None:
    message = encode_signed(made_as, made.HEARTBEAT, KEY)
    assert decode_signed(made_as, message, PUBLIC, Heartbeat) == made.HEARTBEAT
    with pytest.raises(BadSignature):
        decode_signed(read_as, message, PUBLIC, Heartbeat)


def test_a_suite_of_the_future_is_unsupported() -> None:
    _, payload, signature = msgspec.msgpack.decode(encode_signed(Label.RECEIPT, made.RECEIPT, KEY))
    with pytest.raises(Unsupported):
        unpack_receipt(msgspec.msgpack.encode([2, payload, signature]), PUBLIC)


def test_the_signature_covers_the_suite() -> None:
    payload = msgspec.msgpack.encode(made.RECEIPT)
    signature = KEY.sign(Label.RECEIPT.value + b"\x02" + payload)
    with pytest.raises(BadSignature):
        unpack_receipt(msgspec.msgpack.encode([suites.SUITE, payload, signature]), PUBLIC)


def test_a_message_longer_than_any_is_refused_unread() -> None:
    padded = signed(Label.HEARTBEAT, b"\x91\xc6\x00\x04\x00\x00" + bytes(MAX_MESSAGE_BYTES))
    with pytest.raises(Malformed, match="longer"):
        unpack_heartbeat(padded, PUBLIC)


@pytest.mark.parametrize("name", UNPACKERS)
@given(message=st.binary(max_size=300))
@example(b"")
@example(b"\x93\x01\xc4\x00\xc4\x00")
@example(b"\x94\x01\xc4\x00\xc4\x00" + b"\x91" * 5000)
@example(b"\xdd\xff\xff\xff\xff")
def test_reading_is_total_over_arbitrary_bytes(name: str, message: bytes) -> None:
    with pytest.raises(ProtocolError):
        UNPACKERS[name](message, PUBLIC)


@pytest.mark.parametrize("name", LABELS)
def test_reading_is_total_over_mutated_payloads_that_verify(name: str) -> None:
    """The attacker is an enrolled node: its signature is right, its payload is not."""
    rng = random.Random(name)
    for _ in range(1500):
        payload = bytearray(PAYLOADS[name])
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(payload))
            kind = rng.randrange(4)
            if kind == 0:
                payload[place] = rng.randrange(256)
            elif kind == 1:
                payload[place] ^= 1 << rng.randrange(8)
            elif kind == 2:
                del payload[place : place + rng.randint(1, 4)]
            else:
                payload[place:place] = rng.randbytes(rng.randint(1, 4))
        error_of(name, signed(LABELS[name], bytes(payload)))


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc1", b"\x90", b"\x9f" + b"\x91" * 5000, b"\xdd\xff\xff\xff\xff", b"\x80"],
)
def test_reading_is_total_over_strange_payloads_that_verify(name: str, payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        UNPACKERS[name](signed(LABELS[name], payload), PUBLIC)


def _with_canaries(payload: bytes) -> list[bytes]:
    """The payload once per field, that field replaced by what must never be quoted."""
    fields: list[Any] = msgspec.msgpack.decode(payload)
    canaries: list[object] = [CANARY_NAME, int(CANARY_NUMBER), CANARY_NAME.encode() + b"\xff"]
    return [
        msgspec.msgpack.encode([*fields[:place], canary, *fields[place + 1 :]])
        for place in range(len(fields))
        for canary in canaries
    ]


@pytest.mark.parametrize("name", LABELS)
def test_no_error_quotes_a_field(name: str) -> None:
    messages = [signed(LABELS[name], payload) for payload in _with_canaries(PAYLOADS[name])]
    errors = [error for message in messages if (error := error_of(name, message))]
    assert len(errors) > 3
    for error in errors:
        told = "".join(traceback.format_exception(error))
        assert CANARY_NAME not in told
        assert CANARY_NUMBER not in told
