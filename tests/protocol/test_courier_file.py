"""Courier files: what is whole in a torn one is given up, and nothing else ever is."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.courier import (
    MAX_FILE_BYTES,
    CourierFile,
    CourierHead,
    CourierKind,
    CourierMessage,
    Direction,
    down_made_ms,
    pack_courier,
    unpack_courier,
    up_range,
)
from protocol.errors import Malformed, ProtocolError, Unsupported

UP = CourierHead(Direction.UP, "qinghe", "qingshan-1", 0x89ABCDEF, 41, 45, 0)
DOWN = CourierHead(Direction.DOWN, "qinghe", "qingshan-1", 0, 0, 0, 1_795_000_000_000)
MESSAGES = [
    CourierMessage(CourierKind.ENVELOPE, b"first"),
    CourierMessage(CourierKind.RECEIPT, b""),
    CourierMessage(CourierKind.ROSTER, bytes(range(256)) * 3),
]
DATA = pack_courier(UP, MESSAGES)
END_BYTES = 1 + 32
HEAD_END = DATA.index(b"\x01\0\0\0\x05first")
messages = st.lists(
    st.builds(CourierMessage, st.sampled_from(CourierKind), st.binary(max_size=300)), max_size=8
)


@given(messages)
def test_what_was_packed_comes_out(carried: list[CourierMessage]) -> None:
    assert unpack_courier(pack_courier(UP, carried)) == CourierFile(UP, carried, is_whole=True)


def test_a_file_cut_short_gives_up_what_is_whole() -> None:
    for size in range(HEAD_END):
        with pytest.raises(Malformed):
            unpack_courier(DATA[:size])
    for size in range(HEAD_END, len(DATA)):
        file = unpack_courier(DATA[:size])
        assert not file.is_whole
        assert file.head == UP
        assert list(file.messages) == MESSAGES[: len(file.messages)]


def test_everything_of_a_file_without_its_end_is_taken() -> None:
    assert list(unpack_courier(DATA[:-END_BYTES]).messages) == MESSAGES


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_an_altered_byte_never_passes_for_a_message(place: int, flip: int) -> None:
    damaged = bytearray(DATA)
    damaged[place] ^= flip
    try:
        file = unpack_courier(bytes(damaged))
    except ProtocolError:
        return
    assert not file.is_whole
    assert {each.message for each in file.messages} <= {each.message for each in MESSAGES}


def test_a_damaged_message_does_not_take_the_next_with_it() -> None:
    damaged = DATA.replace(b"first", b"FIRST")
    file = unpack_courier(damaged)
    assert (list(file.messages), file.is_whole) == (MESSAGES[1:], False)


def test_a_kind_of_a_later_release_is_left_out() -> None:
    body = DATA[:-END_BYTES].replace(b"\x01\0\0\0\x05first", b"\x63\0\0\0\x05first") + b"\0"
    file = unpack_courier(body + hashlib.sha256(body).digest())
    assert (list(file.messages), file.is_whole) == (MESSAGES[1:], True)


def test_what_hangs_on_behind_the_end_is_told() -> None:
    file = unpack_courier(DATA + b"\0")
    assert (list(file.messages), file.is_whole) == (MESSAGES, False)


@given(st.binary(max_size=400), st.booleans())
def test_reading_is_total(junk: bytes, with_head: bool) -> None:
    try:
        file = unpack_courier(DATA[:HEAD_END] + junk if with_head else junk)
    except ProtocolError:
        return
    assert file.head == UP


def test_another_version_is_told_apart() -> None:
    with pytest.raises(Unsupported):
        unpack_courier(DATA[:7] + b"\x02" + DATA[8:])


def test_a_file_too_long_is_refused() -> None:
    with pytest.raises(Malformed):
        unpack_courier(bytes(MAX_FILE_BYTES + 1))


def test_names_say_which_outbox_and_which_records() -> None:
    assert UP.name == "qingshan-1-89abcdef-41-45.up.muster"
    assert up_range(UP.name, "qingshan-1", 0x89ABCDEF) == (41, 45)
    assert up_range(UP.name, "qingshan", 0x89ABCDEF) is None
    assert up_range(UP.name, "qingshan-1", 1) is None
    assert DOWN.name == "qingshan-1-1795000000000.down.muster"
    assert down_made_ms(DOWN.name, "qingshan-1") == DOWN.made_ms
    assert down_made_ms(DOWN.name, "qingshan") is None
    assert down_made_ms(UP.name, "qingshan-1") is None


def test_a_name_whose_end_looks_like_a_number_is_not_taken_for_another() -> None:
    head = CourierHead(Direction.DOWN, "qinghe", "a-7", 0, 0, 0, 5)
    assert (down_made_ms(head.name, "a-7"), down_made_ms(head.name, "a")) == (5, None)


def test_a_message_does_not_show_in_what_is_printed_of_it() -> None:
    assert "first" not in repr(replace(MESSAGES[0]))
