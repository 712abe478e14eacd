"""A typed code in a recording: as many keys, none of them what was typed."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from drivers.masks.keys import KeyMask

EVENT = struct.Struct("<qqHHi")
SHIFT, ENTER = 42, 28
KEYS = dict(zip("1234567890", range(2, 12), strict=True)) | dict(
    zip("QWERTYUIOP", range(16, 26), strict=True)
)


def event(kind: int, code: int, value: int) -> bytes:
    return EVENT.pack(1_700_000_000, 5, kind, code, value)


def key(code: int) -> bytes:
    """Press and release, with the raw code and the end of each report."""
    return b"".join(
        event(4, 4, 0x70000 + code) + event(1, code, value) + event(0, 0, 0) for value in (1, 0)
    )


def typed(text: str) -> bytes:
    return b"".join(key(KEYS[character]) for character in text) + key(ENTER)


def pressed(data: bytes) -> list[int]:
    return [code for _, _, kind, code, value in EVENT.iter_unpack(data) if (kind, value) == (1, 1)]


def masked(data: bytes, mask: KeyMask | None = None) -> bytes:
    mask = mask or KeyMask()
    return mask.feed(data) + mask.end()


def test_digits_and_letters_become_specimens_and_enter_stays() -> None:
    out = masked(typed("4711QWE"))
    zero, a, b = 11, 30, 48
    assert pressed(out) == [zero] * 4 + [a, a, b] + [ENTER]
    assert all(value == 0 for _, _, kind, _, value in EVENT.iter_unpack(out) if kind == 4)


def test_every_press_is_released() -> None:
    out = masked(typed("4711QWE0"))
    keys = [(code, value) for _, _, kind, code, value in EVENT.iter_unpack(out) if kind == 1]
    assert [code for code, value in keys if value] == [code for code, value in keys if not value]


def test_shift_and_times_stay() -> None:
    data = event(1, SHIFT, 1) + key(KEYS["Q"]) + event(1, SHIFT, 0) + key(ENTER)
    out = masked(data)
    assert [part[:2] for part in EVENT.iter_unpack(out)] == [(1_700_000_000, 5)] * (len(out) // 24)
    assert pressed(out)[0] == SHIFT


def test_the_same_code_is_the_same_specimen_and_another_is_not() -> None:
    mask = KeyMask()
    first, other, again = (pressed(masked(typed(text), mask)) for text in ("4711", "4712", "4711"))
    assert first == again != other


def test_bytes_of_another_device_are_blanked() -> None:
    assert not any(masked(b"$GNRMC,100000.00,A,3039.42000,N,10403.96000,E*00\r\n"))
    assert not any(masked(b"11010519491231002X"))


@given(st.text("1234567890QWERTYUIOP", min_size=1, max_size=20), st.integers(1, 100))
def test_pieces_change_nothing_and_nothing_is_lost(text: str, size_bytes: int) -> None:
    data = typed(text) + typed("1")
    mask, out = KeyMask(), b""
    for start in range(0, len(data), size_bytes):
        out += mask.feed(data[start : start + size_bytes])
    out += mask.end()
    assert out == masked(data)
    assert len(out) == len(data)
    assert len(pressed(out)) == len(text) + 3
