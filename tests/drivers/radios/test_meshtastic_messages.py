"""Protobuf, messages and stream of a Meshtastic node: examples of the digest, and any bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.radios.meshtastic_messages import (
    MAX_FRAME_BYTES,
    ConfigComplete,
    Firmware,
    FromRadio,
    LoraConfig,
    Packet,
    QueueStatus,
    Said,
    broadcast,
    decode,
    heartbeat,
    want_config,
)
from drivers.radios.meshtastic_settings import MeshSettings
from drivers.radios.meshtastic_stream import MessageSplitter, pack
from drivers.radios.protobuf import (
    Message,
    ProtobufError,
    bytes_field,
    fixed32_field,
    varint_field,
)
from sim.devices.meshtastic_memory import NodeSettings
from sim.devices.meshtastic_wire import Malformed, blob, number, take_apart

NUMBERS = st.integers(1, 2**29 - 1)
UINT64 = st.integers(0, 2**64 - 1)
EVERYBODY = "15 ffffffff"
FRAME = "220a 088002 1205 0102030405"
HEARD = f"{EVERYBODY} {FRAME}"


def from_radio(field: int, inner: str) -> bytes:
    return bytes_field(field, bytes.fromhex(inner))


def test_the_examples_of_the_digest() -> None:
    assert pack(want_config()) == bytes.fromhex("94c3 0004 18 ac9e04")
    assert pack(heartbeat()) == bytes.fromhex("94c3 0002 3a00")
    sent = pack(broadcast(b"\xaa\xbb\xcc", 1))
    assert sent == bytes.fromhex("94c3 0016 0a14 15ffffffff 2208 088002 1203aabbcc 3501000000")


def test_the_longest_frame_fits_a_message() -> None:
    assert len(broadcast(bytes(MAX_FRAME_BYTES), 2**32 - 1)) <= 512


@given(NUMBERS, UINT64, NUMBERS, st.binary(max_size=300), NUMBERS, st.integers(0, 2**32 - 1))
def test_what_is_written_is_read(
    one: int, value: int, two: int, data: bytes, three: int, word: int
) -> None:
    message = Message(varint_field(one, value))
    assert message.varint(one) == value
    assert message.signed(one) in {value, value - 2**64}
    assert Message(bytes_field(two, data)).blob(two) == data
    assert Message(fixed32_field(three, word)).fixed32(three) == word


@given(NUMBERS, UINT64, st.binary(max_size=300))
def test_both_protobufs_read_each_other(which: int, value: int, data: bytes) -> None:
    """The simulator's was written on its own."""
    assert number(take_apart(varint_field(which, value)), which) == value
    assert blob(take_apart(bytes_field(which, data)), which) == data


@given(st.binary(max_size=64))
def test_both_protobufs_agree_on_what_is_none(data: bytes) -> None:
    with contextlib.suppress(ProtobufError):
        Message(data)
        take_apart(data)
    with contextlib.suppress(Malformed):
        fields = take_apart(data)
        if 0 not in fields:
            Message(data)


def test_what_is_unknown_is_skipped_and_the_last_counts() -> None:
    message = Message(bytes.fromhex("08 01  11 0000000000000000  1d 00000000  0a 00  08 07"))
    assert message.varint(1) == 7
    assert message.varint(9) == 0
    assert message.blob(9) == b""
    assert message.float32(9) == 0.0
    with pytest.raises(ProtobufError, match="FIXED32"):
        message.varint(3)


@pytest.mark.parametrize(
    "damage", ["08", "08 ffffffffffffffffffff01", "0a 05 00", "0d 000000", "0b", "00 00", "80"]
)
def test_what_is_no_message(damage: str) -> None:
    with pytest.raises(ProtobufError):
        Message(bytes.fromhex(damage))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"", Said.NOTHING),
        (bytes.fromhex("38 07"), ConfigComplete(7)),
        (bytes.fromhex("40 01"), Said.REBOOTED),
        (from_radio(11, "08 20 10 05 18 10 20 07"), QueueStatus(32, 5, 16, 7)),
        (from_radio(11, "10 10 18 10"), QueueStatus(0, 16, 16, 0)),
        (from_radio(13, "0a 05 322e380a7f"), Firmware("2.8")),
        (from_radio(5, "0a 00"), Said.NOTHING),
        (from_radio(6, "0a 02 6869"), Said.NOTHING),
        (from_radio(2, HEARD), Packet(b"\1\2\3\4\5", None, None)),
        (
            from_radio(2, f"{HEARD} 45 0000b0c0 60 a6ffffffffffffffff01"),
            Packet(b"\1\2\3\4\5", -90, -5.5),
        ),
        (from_radio(2, f"15 01000000 {FRAME}"), Said.NOTHING),  # for one node
        (from_radio(2, f"{EVERYBODY} 2a03 010203"), Said.NOTHING),  # still encrypted
        (from_radio(2, f"{EVERYBODY} 2205 0801 1201 41"), Said.NOTHING),  # a text
        (from_radio(2, f"{EVERYBODY} 2203 088002"), Said.NOTHING),  # empty
        (from_radio(2, f"{HEARD} 7001"), Said.NOTHING),  # by MQTT
    ],
    ids=str,
)
def test_what_a_node_says(message: bytes, said: FromRadio) -> None:
    assert decode(message) == said


def test_a_frame_stays_out_of_a_repr() -> None:
    assert "secret" not in repr(Packet(b"secret", None, None))


@given(st.binary(max_size=80) | st.builds(bytes_field, st.integers(1, 20), st.binary(max_size=60)))
def test_any_bytes_are_a_message_or_none(data: bytes) -> None:
    with contextlib.suppress(ProtobufError):
        decode(data)


@given(st.binary(max_size=60))
def test_any_configuration_is_right_or_objected_to(data: bytes) -> None:
    site = MeshSettings("CN470", 470_625_000, 14)
    with contextlib.suppress(ProtobufError):
        lora = decode(bytes_field(5, bytes_field(6, data)))
        assert isinstance(lora, LoraConfig)
        assert site.objection(lora)


def lora_of(node: NodeSettings) -> LoraConfig:
    lora = decode(bytes_field(5, bytes_field(6, node.message())))
    assert isinstance(lora, LoraConfig)
    return lora


@pytest.mark.parametrize("cut", [1, 3, 7, 1000])
def test_messages_among_text_and_damage(cut: int) -> None:
    status = pack(from_radio(11, "10 10 18 10"))
    torn = pack(from_radio(2, HEARD))[:-6]
    stream = (
        b"INFO  | booting\r\n" + status + b"\x94\x94" + torn + status + b"\x94\xc3\xff\xff" + status
    )
    splitter = MessageSplitter()
    found = [
        message
        for at in range(0, len(stream), cut)
        for message in splitter.feed(stream[at : at + cut])
    ]
    found += splitter.give_up()
    assert found == [QueueStatus(0, 16, 16, 0)] * 3
    assert splitter.texts >= 1
    assert splitter.pending == b""


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_stream_leaves_no_more_than_a_frame(pieces: list[bytes]) -> None:
    splitter = MessageSplitter()
    for piece in pieces:
        list(splitter.feed(piece))
        assert len(splitter.pending) < 4 + 512
    list(splitter.give_up())
    assert list(splitter.feed(pack(bytes.fromhex("38 07")))) == [ConfigComplete(7)]


def test_a_line_without_text_is_not_taken_for_a_restart() -> None:
    splitter = MessageSplitter()
    for _ in range(20):
        list(splitter.feed(b"\x00short\xff\x94"))
    assert splitter.texts == 0
