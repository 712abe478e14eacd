import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.sdt_frames import (
    MEANINGS,
    PREAMBLE,
    Command,
    SdtFramer,
    Status,
    command,
    parse_reply,
    sam_identity,
    text_block,
)

FOUND = bytes.fromhex("AA AA AA 96 69 00 08 00 00 9F 00 00 00 00 97")
NO_CARD = bytes.fromhex("AA AA AA 96 69 00 04 00 00 80 84")
VENDOR_TIMEOUT = bytes.fromhex("AA AA AA 96 69 00 05 05 05 05")


def frame(payload: bytes) -> bytes:
    checked = struct.pack(">H", len(payload) + 1) + payload
    check = 0
    for value in checked:
        check ^= value
    return PREAMBLE + checked + bytes([check])


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (Command.SAM_STATUS, "AA AA AA 96 69 00 03 11 FF ED"),
        (Command.SAM_RESET, "AA AA AA 96 69 00 03 10 FF EC"),
        (Command.SAM_ID, "AA AA AA 96 69 00 03 12 FF EE"),
        (Command.FIND, "AA AA AA 96 69 00 03 20 01 22"),
        (Command.SELECT, "AA AA AA 96 69 00 03 20 02 21"),
        (Command.READ, "AA AA AA 96 69 00 03 30 01 32"),
        (Command.SET_BAUD_115200, "AA AA AA 96 69 00 03 60 00 63"),
        (Command.SET_BAUD_57600, "AA AA AA 96 69 00 03 60 01 62"),
        (Command.SET_BAUD_38400, "AA AA AA 96 69 00 03 60 02 61"),
        (Command.SET_BAUD_19200, "AA AA AA 96 69 00 03 60 03 60"),
        (Command.SET_BAUD_9600, "AA AA AA 96 69 00 03 60 04 67"),
    ],
)
def test_commands_of_the_digest(what: Command, expected: str) -> None:
    assert command(what) == bytes.fromhex(expected)


def test_a_command_with_data() -> None:
    expected = "AA AA AA 96 69 00 04 61 FF 50 CA"
    assert command(Command.SET_RF_BYTES, b"\x50") == bytes.fromhex(expected)


def test_every_status_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Status)


@pytest.mark.parametrize("status", range(256))
def test_no_status_is_ever_a_bare_number(status: int) -> None:
    words = parse_reply(bytes([0x69, 0x85, status])).words
    assert words.endswith(f" (69 85 {status:02x})")
    assert len(words) > len(" (69 85 00)")


def test_a_whole_reply() -> None:
    (payload,) = SdtFramer().feed(FOUND)
    reply = parse_reply(payload)
    assert (reply.sw, reply.data, reply.status) == (b"\0\0\x9f", bytes(4), Status.FOUND)


def test_a_code_nobody_knows_has_no_status() -> None:
    assert parse_reply(bytes.fromhex("00 00 77")).status is None


@pytest.mark.parametrize("noise", [b"", b"\xaa", b"\xaa" * 7, b"\x96\x69", PREAMBLE[:4], b"hello"])
def test_garbage_before_a_reply_is_skipped(noise: bytes) -> None:
    assert SdtFramer().feed(noise + NO_CARD) == [b"\0\0\x80"]


def test_replies_back_to_back() -> None:
    assert SdtFramer().feed(NO_CARD + FOUND + NO_CARD) == [
        b"\0\0\x80",
        b"\0\0\x9f" + bytes(4),
        b"\0\0\x80",
    ]


def test_one_wrong_bit_is_dropped_and_counted() -> None:
    frames = SdtFramer()
    damaged = bytearray(NO_CARD)
    damaged[-2] ^= 1
    assert frames.feed(bytes(damaged)) == []
    assert frames.damaged == 1
    assert frames.feed(NO_CARD) == [b"\0\0\x80"]


@pytest.mark.parametrize("length", [0, 3, 2401, 0xFFFF])
def test_a_length_out_of_bounds_is_no_frame(length: int) -> None:
    frames = SdtFramer()
    assert frames.feed(PREAMBLE + length.to_bytes(2, "big") + NO_CARD) == [b"\0\0\x80"]
    assert frames.damaged == 1


@pytest.mark.parametrize("payload_bytes", [3, 2399])
def test_lengths_at_the_bounds_are_frames(payload_bytes: int) -> None:
    payload = bytes(payload_bytes)
    assert SdtFramer().feed(frame(payload)) == [payload]


def test_a_reply_inside_a_torn_one_is_found_after_giving_up() -> None:
    frames = SdtFramer()
    assert frames.feed(frame(bytes(100))[:50] + NO_CARD) == []
    assert frames.is_inside_frame
    assert frames.give_up() == [b"\0\0\x80"]
    assert not frames.is_inside_frame
    assert frames.damaged == 1


def test_giving_up_between_frames_is_nothing() -> None:
    frames = SdtFramer()
    frames.feed(PREAMBLE[:3])
    assert frames.give_up() == []
    assert frames.damaged == 0
    assert frames.feed(PREAMBLE[3:] + NO_CARD[5:]) == [b"\0\0\x80"]


def test_clearing_forgets_half_a_frame() -> None:
    frames = SdtFramer()
    frames.feed(frame(bytes(100))[:50])
    frames.clear()
    assert frames.feed(NO_CARD) == [b"\0\0\x80"]


@pytest.mark.parametrize("cut", range(1, len(VENDOR_TIMEOUT)))
def test_the_vendors_timeout_frame_is_a_reply_without_checksum(cut: int) -> None:
    frames = SdtFramer()
    payloads = frames.feed(VENDOR_TIMEOUT[:cut]) + frames.feed(VENDOR_TIMEOUT[cut:] + NO_CARD)
    assert payloads == [b"\x05\x05\x05", b"\0\0\x80"]
    assert parse_reply(payloads[0]).status is Status.READER_TIMEOUT


def test_an_ordinary_frame_as_long_as_the_vendors_claims_to_be() -> None:
    assert SdtFramer().feed(frame(b"\x05\x05\x90\x01")) == [b"\x05\x05\x90\x01"]


PAYLOADS = st.binary(min_size=3, max_size=60).filter(lambda p: not p.startswith(b"\5\5\5"))


@given(st.binary(max_size=60), st.lists(PAYLOADS, min_size=1, max_size=4), st.data())
def test_every_frame_after_any_garbage_is_found(
    garbage: bytes, payloads: list[bytes], data: st.DataObject
) -> None:
    """However the stream is cut; what begins like a frame may need to be given up first."""
    stream = garbage + b"".join(map(frame, payloads))
    frames, found = SdtFramer(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += frames.feed(stream[:cut])
        stream = stream[cut:]
    while frames.is_inside_frame:
        found += frames.give_up()
    assert found[-len(payloads) :] == payloads


@given(st.lists(st.binary(max_size=40) | st.just(PREAMBLE) | st.just(PREAMBLE + b"\x09\x60")))
def test_any_bytes_leave_the_framer_working(chunks: list[bytes]) -> None:
    frames = SdtFramer()
    for chunk in chunks:
        assert all(len(payload) >= 3 for payload in frames.feed(chunk))
        frames.give_up()
    while frames.is_inside_frame:
        frames.give_up()
    assert frames.feed(NO_CARD)[-1:] == [b"\0\0\x80"]


FUZZED_BYTES = 1_000_000


def test_a_million_bytes_of_anything_lose_no_frame_behind_them() -> None:
    """Seeded: pieces of frames, whole ones, noise, cut anywhere."""
    random = Random(467)
    frames, fed_bytes, found = SdtFramer(), 0, 0
    pieces = [PREAMBLE, PREAMBLE[:3], PREAMBLE + b"\x09\x60", FOUND, VENDOR_TIMEOUT, FOUND[:-1]]
    while fed_bytes < FUZZED_BYTES:
        data = random.choice([*pieces, random.randbytes(random.randrange(1, 300))])
        fed_bytes += len(data)
        found += len(frames.feed(data))
        if frames.is_inside_frame and random.random() < 0.1:
            found += len(frames.give_up())
    while frames.is_inside_frame:
        frames.give_up()
    assert found > FUZZED_BYTES / 1000
    assert frames.feed(NO_CARD) == [b"\0\0\x80"]


TEXT = bytes(range(256))


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">HH", 256, 1024) + TEXT + bytes(1024),
        struct.pack(">HH", 256, 0) + TEXT,
        struct.pack(">HHH", 256, 1024, 1024) + TEXT + bytes(2048),
        struct.pack(">HHH", 256, 1024, 512) + TEXT + bytes(1536),
        struct.pack(">HHH", 256, 1024, 0) + TEXT + bytes(1024),
    ],
)
def test_the_text_is_found_by_the_lengths(data: bytes) -> None:
    assert text_block(data) == TEXT


@given(st.binary(max_size=40))
def test_lengths_that_do_not_add_up_give_no_text(data: bytes) -> None:
    text = text_block(data)
    assert text is None or (text in data and len(text) <= len(data) - 4)


@pytest.mark.parametrize("data", [b"", bytes(3), struct.pack(">HH", 256, 1024) + bytes(1279)])
def test_a_reply_that_is_too_short_has_no_text(data: bytes) -> None:
    assert text_block(data) is None


def test_the_modules_number_is_printed_as_vendors_do() -> None:
    data = struct.pack("<HHIII", 5, 3, 20160817, 1234567, 987654321)
    assert sam_identity(data) == "05.03-20160817-0001234567-0987654321"
    assert sam_identity(data[:-1]) is None
