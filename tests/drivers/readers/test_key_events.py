import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.key_events import UNTYPEABLE, KeyDecoder
from sim.clock import run_virtual
from sim.devices.keyboard import KeyboardLine
from sim.memory import MemoryCable

SHIFT, RIGHT_SHIFT, CTRL, ALT, CAPS = 42, 54, 29, 56, 58
A, B, ONE, ENTER, TAB, RIGHT_BRACKET = 30, 48, 2, 28, 15, 27
KEYPAD_1, KEYPAD_ENTER = 79, 96
NUM_LOCK, F9, KEY_102ND = 69, 67, 86
SYN = (0, 0, 0)
DROPPED = (0, 3, 0)
MISC_SCAN = (4, 4, 0x7001E)  # what a USB keyboard says before each key


def event(kind: int, code: int, value: int) -> bytes:
    return struct.pack("<qqHHi", 1_800_000_000, 123_456, kind, code, value)


def down(key: int) -> bytes:
    return event(*MISC_SCAN) + event(1, key, 1) + event(*SYN)


def up(key: int) -> bytes:
    return event(*MISC_SCAN) + event(1, key, 0) + event(*SYN)


def tap(*keys: int) -> bytes:
    """Press these keys one after another, and let go of them the other way round."""
    return b"".join(map(down, keys)) + b"".join(map(up, reversed(keys)))


@pytest.mark.parametrize(
    ("events", "typed"),
    [
        (tap(A) + tap(B), b"ab"),
        (tap(SHIFT, A) + tap(A), b"Aa"),
        (tap(RIGHT_SHIFT, ONE), b"!"),
        (tap(CAPS) + tap(A) + tap(SHIFT, A) + tap(ONE) + tap(CAPS) + tap(A), b"Aa1a"),
        (tap(ENTER) + tap(KEYPAD_ENTER) + tap(TAB), b"\r\r\t"),
        (tap(KEYPAD_1), b"1"),
        (tap(CTRL, RIGHT_BRACKET), b"\x1d"),
        (tap(NUM_LOCK) + tap(F9) + tap(A), b"a"),
        (tap(ALT, KEYPAD_1), UNTYPEABLE),
        (tap(KEY_102ND), UNTYPEABLE),
        (down(A) + event(1, A, 2) * 3 + up(A), b"a"),
        (down(SHIFT) + event(1, SHIFT, 2) + tap(A) + up(SHIFT), b"A"),
        (down(SHIFT) + event(*DROPPED) + tap(A), UNTYPEABLE),
        (event(*DROPPED) + event(1, A, 1) + event(*SYN) + tap(B), UNTYPEABLE + b"b"),
        (b"\xff" * 7 + tap(A), UNTYPEABLE + b"a"),
        (b"\xff" * 500, UNTYPEABLE),
    ],
)
def test_what_is_typed(events: bytes, typed: bytes) -> None:
    assert KeyDecoder().feed(events) == typed


def test_events_come_in_any_pieces() -> None:
    events = tap(SHIFT, A) + tap(B) + tap(ENTER)
    keys = KeyDecoder()
    assert b"".join(keys.feed(events[at : at + 1]) for at in range(len(events))) == b"Ab\r"


ASCII = "".join(map(chr, range(0x20, 0x7F))) + "\x1d\t\r"


@given(st.text(ASCII, max_size=40))
def test_it_reads_what_the_simulated_keyboard_types(text: str) -> None:
    assert typed_by_simulator(text) == text.encode()


def test_what_no_keyboard_has_cannot_be_told() -> None:
    assert set(typed_by_simulator("姓é")) == set(UNTYPEABLE)


def typed_by_simulator(text: str) -> bytes:
    async def type_it() -> bytes:
        cable = MemoryCable()
        await KeyboardLine(cable.device).write(text.encode())
        cable.unplug()
        return await cable.host.read() if text else b""

    return KeyDecoder().feed(run_virtual(type_it()))


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_any_bytes_type_something_or_nothing(pieces: list[bytes]) -> None:
    keys = KeyDecoder()
    for piece in pieces:
        assert isinstance(keys.feed(piece), bytes)
    assert keys.feed(b"\xff" * 48 + tap(A)).endswith(b"a")  # whatever came before
