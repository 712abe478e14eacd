"""PN532 frames: those of hw/pn532.md byte for byte, and any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.pn532_frames import (
    ABORT,
    Command,
    Pn532Framer,
    Target,
    answer_to,
    exchanged,
    frame,
    parse_target,
)

ACK = bytes.fromhex("00 00 FF 00 FF 00")
NACK = bytes.fromhex("00 00 FF FF 00 00")
ERROR = bytes.fromhex("00 00 FF 01 FF 7F 81 00")
FIRMWARE = bytes.fromhex("00 00 FF 06 FA D5 03 32 01 06 07 E8 00")


def normal(body: bytes) -> bytes:
    return (
        b"\x00\x00\xff"
        + bytes([len(body), -len(body) & 0xFF])
        + body
        + bytes([-sum(body) & 0xFF, 0])
    )


def extended(body: bytes) -> bytes:
    size = len(body).to_bytes(2, "big")
    head = b"\x00\x00\xff\xff\xff" + size + bytes([-sum(size) & 0xFF])
    return head + body + bytes([-sum(body) & 0xFF, 0])


BODIES = st.binary(min_size=1, max_size=80)
FRAMES = st.builds(normal, BODIES) | st.builds(extended, BODIES)


@pytest.mark.parametrize(
    ("command", "data", "wire"),
    [
        (Command.FIRMWARE, "", "00 00 FF 02 FE D4 02 2A 00"),
        (Command.SAM_CONFIGURATION, "01 14 01", "00 00 FF 05 FB D4 14 01 14 01 02 00"),
        (Command.LIST_TARGET, "01 00", "00 00 FF 04 FC D4 4A 01 00 E1 00"),
        (Command.RF_CONFIGURATION, "05 FF 01 FF", "00 00 FF 06 FA D4 32 05 FF 01 FF F6 00"),
        (Command.RF_CONFIGURATION, "01 00", "00 00 FF 04 FC D4 32 01 00 F9 00"),
    ],
)
def test_commands_of_the_sheet(command: Command, data: str, wire: str) -> None:
    assert frame(command, bytes.fromhex(data)).hex(" ").upper() == wire


def test_answers_of_the_sheet() -> None:
    assert Pn532Framer().feed(ACK + FIRMWARE) == [bytes.fromhex("D5 03 32 01 06 07")]
    assert Pn532Framer().feed(ERROR) == [b"\x7f"]
    assert Pn532Framer().feed(ACK + NACK + ABORT) == []


def test_an_extended_frame() -> None:
    body = b"\xd5\x41\x00" + bytes(range(200)) + bytes(62)
    assert Pn532Framer().feed(extended(body)) == [body]


@pytest.mark.parametrize("at", range(len(FIRMWARE)))
def test_a_flipped_bit_never_makes_another_frame(at: int) -> None:
    damaged = bytearray(FIRMWARE)
    damaged[at] ^= 0x10
    framer = Pn532Framer()
    bodies = framer.feed(bytes(damaged))
    while framer.is_inside_frame:
        bodies += framer.give_up()
    assert bodies in ([], [FIRMWARE[5:-2]])  # what stands around the frame may be wrong


@given(st.lists(FRAMES), st.data())
def test_any_cut_of_the_stream_gives_the_same(frames: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frames)
    whole = Pn532Framer().feed(stream)
    assert len(whole) == len(frames)
    framer, bodies = Pn532Framer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        bodies += framer.feed(stream[:size])
        stream = stream[size:]
    assert bodies == whole


@given(st.binary(max_size=300), BODIES)
def test_a_frame_is_found_behind_any_garbage(garbage: bytes, body: bytes) -> None:
    framer = Pn532Framer()
    bodies = framer.feed(garbage + normal(body))
    while framer.is_inside_frame:
        bodies += framer.give_up()
    assert body in bodies


@given(st.lists(st.binary()))
def test_any_bytes_are_taken(pieces: list[bytes]) -> None:
    framer = Pn532Framer()
    for piece in pieces:
        for body in framer.feed(piece):
            parse_target(body)
            exchanged(body)
    framer.clear()
    assert not framer.is_inside_frame


def test_an_answer_belongs_to_its_command() -> None:
    body = bytes.fromhex("D5 03 32 01 06 07")
    assert answer_to(Command.FIRMWARE, body) == bytes.fromhex("32 01 06 07")
    assert answer_to(Command.LIST_TARGET, body) is None
    assert answer_to(Command.FIRMWARE, b"\x7f") is None


@pytest.mark.parametrize(
    ("data", "target"),
    [
        ("00", None),
        ("01 01 00 44 00 07 04 11 22 33 44 55 66", Target(0, bytes.fromhex("04112233445566"))),
        ("01 01 03 44 20 04 08 01 02 03 05 75", Target(0x20, bytes.fromhex("08010203"))),
        ("01 01 00 44 00 07 04 11", None),
        ("01 01 00 44 00 00", None),
        ("01", None),
        ("", None),
    ],
)
def test_targets(data: str, target: Target | None) -> None:
    assert parse_target(bytes.fromhex(data)) == target


@pytest.mark.parametrize(
    ("data", "words"), [("00 AA BB", b"\xaa\xbb"), ("00", b""), ("01", None), ("", None)]
)
def test_exchanges(data: str, words: bytes | None) -> None:
    assert exchanged(bytes.fromhex(data)) == words
