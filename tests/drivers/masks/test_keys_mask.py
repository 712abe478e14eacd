"""A typed code in a recording: as many keys, none of them what was typed."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from drivers.masks.keys import KeyMask
from drivers.masks.mrz import MrzMask, check_digit
from drivers.masks.text import LineMask

EVENT = struct.Struct("<qqHHi")
SHIFT, ENTER = 42, 28
KEYS = dict(zip("1234567890", range(2, 12), strict=True)) | dict(
    [
        *zip("QWERTYUIOP", range(16, 26), strict=True),
        *zip("ASDFGHJKL", range(30, 39), strict=True),
        *zip("ZXCVBNM", range(44, 51), strict=True),
    ]
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
    mask = mask or KeyMask(LineMask())
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
    mask = KeyMask(LineMask())
    first, other, again = (pressed(masked(typed(text), mask)) for text in ("4711", "4712", "4711"))
    assert first == again != other


def test_bytes_of_another_device_are_blanked() -> None:
    assert set(masked(b"$GNRMC,100000.00,A,3039.42000,N,10403.96000,E*00\r\n")) == {0xFF}
    assert set(masked(b"11010519491231002X")) == {0xFF}


def test_events_behind_noise_are_found() -> None:
    out = masked(b"\x01noise\x80" + typed("4711"))
    assert pressed(out[7:])[:4] == [11, 11, 11, 2]


def test_a_typed_zone_adds_up_as_one_on_a_line_does() -> None:
    first = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
    second = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
    comma = event(1, SHIFT, 1) + key(51) + event(1, SHIFT, 0)
    data = b"".join(
        b"".join(comma if c == "<" else key(KEYS[c]) for c in line) + key(ENTER)
        for line in (first, second)
    )
    mask = KeyMask(MrzMask())
    characters = {code: c for c, code in KEYS.items()} | {51: "<", ENTER: "\r", SHIFT: ""}
    out = "".join(characters[code] for code in pressed(masked(data, mask))).split()
    assert out[0] == "P<AAAAAAAAAAA<<AAAA<AAAAA<<<<<<<<<<<<<<<<<<<"
    assert check_digit(out[1][:9]) == out[1][9]
    assert out[1][13:19] == "800101"


def test_a_flood_of_other_events_is_not_held_for_ever() -> None:
    mask, held_bytes = KeyMask(LineMask()), 0
    mask.feed(key(KEYS["7"]))
    for _ in range(10_000):
        held_bytes += 24 - len(mask.feed(event(2, 0, 1)))
        assert held_bytes < 24 * 5000


@given(st.text("1234567890QWERTYUIOP", min_size=1, max_size=20), st.integers(1, 100))
def test_pieces_change_nothing_and_nothing_is_lost(text: str, size_bytes: int) -> None:
    data = typed(text) + typed("1")
    mask, out = KeyMask(LineMask()), b""
    for start in range(0, len(data), size_bytes):
        out += mask.feed(data[start : start + size_bytes])
    out += mask.end()
    assert out == masked(data)
    assert len(out) == len(data)
    assert len(pressed(out)) == len(text) + 3
