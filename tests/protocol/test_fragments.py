"""Courier codes: any order, repeated, mixed, damaged."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.base45 import ALPHABET
from protocol.errors import Malformed
from protocol.fragments import (
    MAX_FRAGMENTS,
    MAX_GATHERING,
    MAX_TOTAL_BYTES,
    PART_BYTES,
    Gatherer,
    parse_fragment,
    split,
)

CHARS_AT_10_M = 311  # ISO/IEC 18004: letters and digits in version 10 with correction M


def gathered(texts: list[str], gatherer: Gatherer | None = None) -> bytes | None:
    gatherer = gatherer or Gatherer()
    whole = None
    for text in texts:
        whole = gatherer.take(parse_fragment(text)) or whole
    return whole


@given(st.binary(min_size=1, max_size=5 * PART_BYTES), st.randoms())
def test_any_order_and_repeated(data: bytes, chance: random.Random) -> None:
    texts = split(data) * 2
    chance.shuffle(texts)
    assert gathered(texts) == data


def test_the_longest_fills_every_code_and_no_code_more_than_it_holds() -> None:
    data = random.Random(1).randbytes(MAX_TOTAL_BYTES)
    texts = split(data)
    assert len(texts) == MAX_FRAGMENTS
    assert max(map(len, texts)) <= CHARS_AT_10_M
    assert set("".join(texts)) <= set(ALPHABET)
    assert gathered(texts[::-1]) == data


@pytest.mark.parametrize("size", [0, MAX_TOTAL_BYTES + 1])
def test_nothing_and_too_much_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="QR"):
        split(bytes(size))


def test_one_missing_is_not_the_whole() -> None:
    texts = split(bytes(range(250)) * 2)
    gatherer = Gatherer()
    assert gathered(texts[:-1], gatherer) is None
    assert gatherer.held(parse_fragment(texts[0])) == len(texts) - 1
    assert gathered(texts[-1:], gatherer) == bytes(range(250)) * 2


def test_two_sets_mixed_come_out_apart() -> None:
    first, second = split(b"a" * 500), split(b"b" * 500)
    gatherer, whole = Gatherer(), set()
    for texts in zip(first, second, strict=True):
        whole |= {gatherer.take(parse_fragment(text)) for text in texts}
    assert whole == {None, b"a" * 500, b"b" * 500}


def test_only_so_many_sets_are_kept() -> None:
    gatherer = Gatherer()
    sets = [split(bytes([number]) * 300) for number in range(MAX_GATHERING + 1)]
    for texts in sets:
        gatherer.take(parse_fragment(texts[0]))
    assert gatherer.held(parse_fragment(sets[0][0])) == 0
    assert gathered(sets[-1][1:], gatherer) is not None


def test_a_set_that_turns_out_wrong_begins_anew() -> None:
    good, other = split(b"x" * 300), split(b"y" * 300)
    wrong = parse_fragment(other[1])
    gatherer = Gatherer()
    first = parse_fragment(good[0])
    assert gatherer.take(first) is None
    assert gatherer.take(type(wrong)(first.name, 1, 2, wrong.part)) is None
    assert gathered(good, gatherer) == b"x" * 300


def test_blanks_around_do_no_harm() -> None:
    assert gathered([f"\t{split(b'abc')[0]}\r\n"]) == b"abc"


@given(st.integers(0, 10**6), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(place: int, character: str) -> None:
    text = split(b"something to carry")[0]
    place %= len(text)
    damaged = text[:place] + character + text[place + 1 :]
    if damaged == text:
        return
    with pytest.raises(Malformed):
        parse_fragment(damaged)


@given(st.text(max_size=60), st.sampled_from(["", "MC1:"]))
def test_reading_a_code_is_total(text: str, prefix: str) -> None:
    with pytest.raises(Malformed):
        parse_fragment(prefix + text)
