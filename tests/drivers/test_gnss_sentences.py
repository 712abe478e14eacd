"""The framer: whole sentences out of whatever comes over the line."""

from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gnss.sentences import MAX_SENTENCE_CHARS, SentenceFramer

GGA = "$GPGGA,030719.000,3747.0873,S,17518.8938,E,1,08,1.1,59.9,M,23.7,M,,0000*7D"
TXT = "$GPTXT,01,01,01,ANTENNA OK*35"


def fed(*pieces: bytes) -> tuple[list[str], int]:
    framer = SentenceFramer()
    sentences = [sentence for piece in pieces for sentence in framer.feed(piece)]
    return sentences, framer.damaged


def framed(body: str) -> str:
    return f"${body}*{reduce(xor, body.encode(), 0):02X}"


def test_two_lines() -> None:
    assert fed(f"{GGA}\r\n{TXT}\r\n".encode()) == ([GGA, TXT], 0)


def test_lines_byte_by_byte() -> None:
    line = f"{GGA}\r\n{TXT}\r\n".encode()
    assert fed(*(bytes([byte]) for byte in line)) == ([GGA, TXT], 0)


def test_a_sentence_is_out_before_its_line_end() -> None:
    assert fed(GGA.encode()) == ([GGA], 0)


def test_lower_case_checksum() -> None:
    assert fed(GGA.replace("*7D", "*7d").encode()) == ([GGA], 0)


@pytest.mark.parametrize(
    "garbage", [b"\xb5\x62\x01\x07\x5c\x00", b"\xff" * 200, b"GPGGA,1,2*33\r\n", b"*7D*7D\r\n"]
)
def test_garbage_without_a_start_is_no_damaged_sentence(garbage: bytes) -> None:
    assert fed(garbage + GGA.encode()) == ([GGA], 0)


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(b"$GPGGA,0307", id="torn, the next glued to it"),
        pytest.param(b"$GPGGA,0307\r\n", id="torn line"),
        pytest.param(b"$", id="lone dollar"),
        pytest.param(b"$GPGGA,03\x80719*00\r\n", id="not ASCII"),
        pytest.param(GGA.replace("*7D", "*7E").encode(), id="wrong checksum"),
        pytest.param(GGA.replace("*7D", "\r\n").encode(), id="no checksum"),
        pytest.param(GGA.replace("*7D", "*7").encode(), id="half a checksum"),
        pytest.param(GGA.replace("*7D", "*").encode(), id="checksum missing behind the star"),
        pytest.param(b"$GP*GGA,030719", id="star in the middle"),
        pytest.param(b"$" + b"A" * MAX_SENTENCE_CHARS, id="endless"),
    ],
)
def test_a_damaged_sentence_is_counted_and_the_next_one_read(torn: bytes) -> None:
    assert fed(torn + TXT.encode()) == ([TXT], 1)


def test_length_limit() -> None:
    longest = framed("P" + "A" * (MAX_SENTENCE_CHARS - 5))
    too_long = framed("P" + "A" * (MAX_SENTENCE_CHARS - 4))
    assert len(longest) == MAX_SENTENCE_CHARS
    assert fed(longest.encode()) == ([longest], 0)
    assert fed(too_long.encode()) == ([], 1)


def test_memory_is_bounded() -> None:
    framer = SentenceFramer()
    for _ in range(100):
        framer.feed(b"$" + b"A" * 1000)
    assert framer.damaged == 100
    assert framer.feed(TXT.encode()) == [TXT]


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_bytes_never_raise_and_never_depend_on_where_they_are_cut(pieces: list[bytes]) -> None:
    assert fed(*pieces) == fed(b"".join(pieces))


noise_without_start = st.binary(max_size=100).map(lambda noise: noise.replace(b"$", b"\x00"))


@given(noise=st.lists(noise_without_start, min_size=4, max_size=4))
def test_noise_between_sentences_costs_none(noise: list[bytes]) -> None:
    line = b"\r\n".join(
        [noise[0], GGA.encode(), noise[1], TXT.encode(), noise[2], GGA.encode(), noise[3]]
    )
    assert fed(line) == ([GGA, TXT, GGA], 0)
