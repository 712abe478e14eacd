"""A scanner's codes in a recording: their shape, and nothing they said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.masks.text import LINE_MAX_BYTES, LineMask

NUMBER = "11010519491231002X"


def masked(data: bytes, mask: LineMask | None = None) -> bytes:
    mask = mask or LineMask()
    return mask.feed(data) + mask.end()


@pytest.mark.parametrize(
    ("said", "specimen"),
    [
        (b"4006381333931\r\n", b"0000000000001\r\n"),
        (f"{NUMBER}\r".encode(), b"00000000000000000B\r"),
        (b"MT1:6BF%RN/H*-x.+ $\t", b"AA0:0AA%AA/A*-b.+ $\t"),
        ("\x02姓名：张三丰é\x03\n".encode(), "\x02样样样样样样é\x03\n".encode()),
        ("𠀀a".encode(), "𠮷b".encode()),
        (b"]d2\x1d0100\r", b"]a0\x1d0001\r"),
        (b"\r\n\r\n", b"\r\n\r\n"),
        (b"no suffix", b"aa aaaaab"),
        ("张三丰A1".encode("gb18030"), b"\xff\xff\xff\xff\xff\xffA0"),
    ],
)
def test_class_and_terminators_stay(said: bytes, specimen: bytes) -> None:
    assert masked(said) == specimen


def test_the_same_code_is_the_same_specimen_and_another_is_not() -> None:
    out = masked(b"4711\r4712\r4711\r0815\r").split(b"\r")
    assert out[:4] == [b"0001", b"0002", b"0001", b"0003"]


def test_a_quiet_line_ends_a_code() -> None:
    mask = LineMask()
    assert mask.feed(b"4711") == b""
    assert mask.end() == b"0001"
    assert mask.feed(b"4711\r") == b"0001\r"


def test_what_never_ends_is_masked_in_parts() -> None:
    mask = LineMask()
    out = mask.feed(b"9" * (3 * LINE_MAX_BYTES))
    assert len(out) >= 2 * LINE_MAX_BYTES
    assert b"9" not in out


@given(st.binary(max_size=60), st.lists(st.integers(0, 60)))
def test_shape_is_kept_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    mask, out, at = LineMask(), b"", 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        out += mask.feed(data[at:cut])
        at = cut
    out += mask.end()
    assert out == masked(data)
    assert len(out) == len(data)
    for before, after in zip(data, out, strict=True):
        assert (before in b"\r\n\t\x02\x03") == (after in b"\r\n\t\x02\x03")
        if before < 0x80:
            assert chr(before).isdigit() == chr(after).isdigit()


@given(
    st.from_regex(r"[1-9][0-9]{5}(19|20)[0-9]{9}X?", fullmatch=True),
    st.text("张王李赵欧阳司马", min_size=2, max_size=6),
    st.sampled_from(["utf-8", "gb18030", "utf-16-le"]),
)
def test_neither_name_nor_number_survives(number: str, name: str, encoding: str) -> None:
    out = masked(f"{name},{number}\r\n".encode(encoding))
    for way in ("utf-8", "gb18030", "utf-16-le", "latin-1"):
        text = out.decode(way, errors="replace")
        assert name not in text
        runs = {number[at : at + 6] for at in range(len(number) - 5)}
        assert not [run for run in runs if run in text and not run.startswith("0000")]
