"""Envelopes: what opens, what does not, and what each kind of tampering comes to."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import suites
from protocol.envelope import (
    Envelope,
    Origin,
    RecordOpener,
    RecordSealer,
    Wrap,
    WrappedKey,
    claimed_head,
    pack_envelope,
    unpack_envelope,
)
from protocol.errors import BadSignature, CannotOpen, Malformed, ProtocolError, Unsupported
from protocol.ids import MAX_SEQ, RecordId, parse_name
from protocol.keys import Enrolment, Peer, Role
from protocol.limits import MAX_MESSAGE_BYTES, MAX_RECORDS_PER_ENVELOPE, MAX_SEALED_BYTES
from protocol.suites import OpeningKey, SigningKey

HERE = Origin("qinghe", "qingshui-1", 7)
TERMINAL = SigningKey.generate()
GATEWAY, SECOND, STRANGER = (OpeningKey.generate() for _ in range(3))
BODIES = [b"one", b"two", b"three", b"four", b"five", b"six"]


def peer(private: OpeningKey) -> Peer:
    sealing = private.public_key().public_bytes_raw()
    signing = SigningKey.generate().public_key().public_bytes_raw()
    return Peer(Enrolment("qinghe", "county-1", Role.GATEWAY, signing, sealing, "", 0, 0))


def packed(
    origin: Origin = HERE, bodies: list[bytes] = BODIES, first_seq: int = 11, per_key: int = 2
) -> bytes:
    """An envelope sealed to both gateways, with a new record key every `per_key` records."""
    recipients = [peer(GATEWAY), peer(SECOND)]
    keys = -(-len(bodies) // per_key)
    sealers = [RecordSealer(origin, recipients, bytes([n % 256] * 8)) for n in range(keys)]
    rows = [
        (place // per_key, sealers[place // per_key].seal(first_seq + place, body))
        for place, body in enumerate(bodies)
    ]
    return pack_envelope(origin, first_seq, rows, [s.wrapped for s in sealers], TERMINAL)


MESSAGE = packed()
ENVELOPE = unpack_envelope(MESSAGE, TERMINAL.public_key())


def changed(**fields: object) -> Envelope:
    return msgspec.structs.replace(ENVELOPE, **fields)


def opened(envelope: Envelope, *keys: OpeningKey) -> list[bytes | None]:
    return RecordOpener(keys or [GATEWAY]).open(envelope)


@pytest.mark.parametrize("private", [GATEWAY, SECOND])
def test_each_recipient_opens_every_record(private: OpeningKey) -> None:
    assert opened(ENVELOPE, private) == BODIES


def test_another_gateway_opens_nothing() -> None:
    with pytest.raises(CannotOpen):
        opened(ENVELOPE, STRANGER)


def test_a_gateway_with_an_old_and_a_new_key_tries_the_right_one() -> None:
    assert opened(ENVELOPE, STRANGER, SECOND) == BODIES


@settings(max_examples=25)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=20), st.integers(1, 7))
def test_round_trip(bodies: list[bytes], per_key: int) -> None:
    envelope = unpack_envelope(packed(bodies=bodies, per_key=per_key), TERMINAL.public_key())
    assert opened(envelope) == bodies
    assert envelope.last_seq == 11 + len(bodies) - 1
    assert [run.count for run in envelope.runs][:-1] == [per_key] * (len(envelope.runs) - 1)


def test_the_largest_envelope() -> None:
    first_seq = MAX_SEQ - MAX_RECORDS_PER_ENVELOPE + 1
    bodies = [b"x" * 160] * MAX_RECORDS_PER_ENVELOPE
    message = packed(bodies=bodies, first_seq=first_seq, per_key=100)
    assert len(message) < MAX_MESSAGE_BYTES
    assert opened(unpack_envelope(message, TERMINAL.public_key())) == bodies
    with pytest.raises(Malformed):
        unpack_envelope(packed(bodies=[*bodies, b""], per_key=100), TERMINAL.public_key())


def test_a_repeated_envelope_says_the_same_again() -> None:
    opener = RecordOpener([GATEWAY])
    assert opener.open(ENVELOPE) == opener.open(unpack_envelope(MESSAGE, TERMINAL.public_key()))


@given(st.integers(0, len(MESSAGE) * 8 - 1))
def test_any_flipped_bit_is_refused(bit: int) -> None:
    flipped = bytearray(MESSAGE)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProtocolError):
        unpack_envelope(bytes(flipped), TERMINAL.public_key())


@given(st.data())
def test_a_flipped_bit_in_one_record_takes_that_record_only(data: st.DataObject) -> None:
    """Even the terminal itself cannot sign an altered record into being."""
    place = data.draw(st.integers(0, len(BODIES) - 1))
    record = bytearray(ENVELOPE.sealed[place])
    bit = data.draw(st.integers(0, len(record) * 8 - 1))
    record[bit // 8] ^= 1 << bit % 8
    sealed = (*ENVELOPE.sealed[:place], bytes(record), *ENVELOPE.sealed[place + 1 :])
    expected: list[bytes | None] = list(BODIES)
    expected[place] = None
    assert opened(changed(sealed=sealed)) == expected


def test_swapped_records_do_not_open() -> None:
    first, second, *rest = ENVELOPE.sealed
    assert opened(changed(sealed=(second, first, *rest))) == [None, None, *BODIES[2:]]


def test_shifted_records_do_not_open() -> None:
    assert opened(changed(first_seq=12)) == [None] * len(BODIES)


@pytest.mark.parametrize("record", [b"", b"x" * 15, b"x" * 16])
def test_a_record_shorter_than_its_tag_does_not_open(record: bytes) -> None:
    assert opened(changed(sealed=(record, *ENVELOPE.sealed[1:]))) == [None, *BODIES[1:]]


@pytest.mark.parametrize(
    "elsewhere", [{"county": "another"}, {"node": "qingshui-2"}, {"epoch": 8}], ids=repr
)
def test_records_do_not_open_under_another_origin(elsewhere: dict[str, object]) -> None:
    with pytest.raises(CannotOpen):
        opened(changed(**elsewhere))


def test_a_wrapped_key_does_not_open_under_another_name() -> None:
    renamed = msgspec.structs.replace(ENVELOPE.keys[0], key_id=b"another!")
    assert opened(changed(keys=(renamed, *ENVELOPE.keys[1:]))) == [None, None, *BODIES[2:]]


def test_a_key_that_cannot_be_unwrapped_takes_down_its_own_records_only() -> None:
    foreign = RecordSealer(HERE, [peer(STRANGER)], b"foreign!").wrapped
    assert opened(changed(keys=(foreign, *ENVELOPE.keys[1:]))) == [None, None, *BODIES[2:]]


def test_a_suite_of_the_future_is_named_even_for_a_key_seen_before() -> None:
    opener = RecordOpener([GATEWAY])
    opener.open(ENVELOPE)
    future = tuple(msgspec.structs.replace(key, suite=2) for key in ENVELOPE.keys)
    with pytest.raises(Unsupported):
        opener.open(changed(keys=future))


@pytest.mark.parametrize("size_bytes", [0, 16, 31, 33])
def test_a_wrapped_key_of_the_wrong_size_is_refused(size_bytes: int) -> None:
    """The terminal chooses what it wraps; a gateway must not fall over it."""
    key_id, public = b"hostile!", GATEWAY.public_key()
    wrap = suites.hpke_seal(public, b"k" * size_bytes, HERE.info(key_id))
    hostile = WrappedKey(key_id, suites.SUITE, (Wrap(suites.key_id(public), wrap),))
    with pytest.raises(CannotOpen):
        opened(changed(keys=(hostile,) * 3))


def test_remembered_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordOpener, "MAX_REMEMBERED_KEYS", 2)
    opener = RecordOpener([GATEWAY])
    assert opener.open(ENVELOPE) == BODIES
    assert len(opener._ciphers) == 2
    assert opener.open(ENVELOPE) == BODIES


@pytest.mark.parametrize("seq", [0, 4, 5])
def test_a_sealer_never_uses_a_number_twice(seq: int) -> None:
    """The nonce is the number: a second use would give away both records."""
    sealer = RecordSealer(HERE, [peer(GATEWAY)], b"12345678")
    sealer.seal(5, b"first")
    with pytest.raises(ValueError, match="has sealed"):
        sealer.seal(seq, b"second")
    sealer.seal(9, b"a gap is fine")


def test_every_sealer_has_its_own_key() -> None:
    sealed = {RecordSealer(HERE, [], b"12345678").seal(1, b"body") for _ in range(8)}
    assert len(sealed) == 8


def test_the_claim_is_read_before_anything_is_verified() -> None:
    head = claimed_head(MESSAGE)
    assert (head.county, head.node, head.epoch, head.first_seq) == ("qinghe", "qingshui-1", 7, 11)
    with pytest.raises(Malformed):
        claimed_head(b"nothing of the kind")


def test_another_terminals_signature_is_refused() -> None:
    with pytest.raises(BadSignature):
        unpack_envelope(MESSAGE, SigningKey.generate().public_key())


def test_records_of_another_node_gain_nothing_from_a_new_signature() -> None:
    """A thief of sealed records signs them as its own: they are bound to where they came from."""
    thief = changed(node="thief-1")
    with pytest.raises(CannotOpen):
        opened(thief)


@pytest.mark.parametrize("size", [MAX_SEALED_BYTES - 16, MAX_SEALED_BYTES - 15])
def test_the_size_of_one_record_is_bounded(size: int) -> None:
    message = packed(bodies=[b"x" * size])
    if size + 16 <= MAX_SEALED_BYTES:
        assert opened(unpack_envelope(message, TERMINAL.public_key())) == [b"x" * size]
        return
    with pytest.raises(Malformed):
        unpack_envelope(message, TERMINAL.public_key())


def test_a_record_id_reads_well() -> None:
    assert str(RecordId(parse_name("qingshui-1"), 255, 12)) == "qingshui-1.000000ff.12"
