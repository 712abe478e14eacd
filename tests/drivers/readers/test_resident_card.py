from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.base import CardRead, DocumentKind
from drivers.readers.resident_card import (
    UnknownLayout,
    id_number_is_valid,
    parse_text_block,
    upgraded_number,
)
from sim.devices.card import Card, CardKind, encode_text_block

RESIDENT = Card(
    number="11010519491231002X",
    name="张三",
    address="某省某县某镇",
    valid_from="20150301",
    valid_until="长期",
)
FOREIGN_2017 = Card(
    kind=CardKind.FOREIGN_2017,
    number="ABC110080010101",
    name="",
    latin_name="DOE, JANE",
    nationality="CAN",
)
FOREIGN_2023 = Card(
    kind=CardKind.FOREIGN_2023,
    number="911124198108030024",
    name="",
    latin_name="A-NAME-THAT-IS-LONGER-THAN-35-CHARACTERS-YES",
    nationality="CAN",
)
HMT_PERMIT = Card(kind=CardKind.HMT_PERMIT, number="810000199408230021", name="陈大文")


def parsed(card: Card) -> CardRead:
    return parse_text_block(encode_text_block(card))


def test_resident_card_by_hand() -> None:
    """hw/sdt-reader.md 6, laid out here once more without the simulator."""
    fields = [
        "李四".ljust(15),
        "201",  # sex, ethnicity
        "19491231",
        "某地".ljust(35),
        "11010519491231002X",
        "某公安局".ljust(15),
        "20150301",
        "20350301",
    ]
    text = "".join(fields).ljust(128)
    assert len(text) == 128
    assert parse_text_block(text.encode("utf-16-le")) == CardRead(
        document=DocumentKind.RESIDENT,
        number="11010519491231002X",
        number_is_valid=True,
        name="李四",
        valid_from=date(2015, 3, 1),
        valid_until=date(2035, 3, 1),
        never_expires=False,
    )


def test_long_term_has_no_last_day() -> None:
    card = parsed(RESIDENT)
    assert card.never_expires
    assert card.valid_until is None


@pytest.mark.parametrize("nonsense", ["", "20351301", "2035-1-1", "１２３４５６７８"])
def test_an_impossible_date_is_none_and_not_long_term(nonsense: str) -> None:
    card = parsed(replace(RESIDENT, valid_until=nonsense))
    assert card.valid_until is None
    assert not card.never_expires


@pytest.mark.parametrize(
    ("card", "document", "name"),
    [
        (RESIDENT, DocumentKind.RESIDENT, "张三"),
        (HMT_PERMIT, DocumentKind.HMT_PERMIT, "陈大文"),
        (FOREIGN_2017, DocumentKind.FOREIGN_2017, "DOE, JANE"),
        (replace(FOREIGN_2017, name="杜珍"), DocumentKind.FOREIGN_2017, "杜珍"),
        (FOREIGN_2023, DocumentKind.FOREIGN_2023, FOREIGN_2023.latin_name),
        (replace(FOREIGN_2023, name="白求恩"), DocumentKind.FOREIGN_2023, "白求恩"),
    ],
)
def test_four_documents(card: Card, document: DocumentKind, name: str) -> None:
    result = parsed(card)
    assert result.document is document
    assert result.name == name
    assert result.number == card.number
    assert result.number_is_valid
    assert result.valid_until == (None if card is RESIDENT else date(2040, 1, 1))


def test_a_latin_name_that_breaks_between_words_keeps_the_space() -> None:
    name = "X" * 34 + " YZ"
    assert parsed(replace(FOREIGN_2023, latin_name=name)).name == name


def test_characters_beyond_the_basic_plane_survive() -> None:
    assert parsed(replace(RESIDENT, name="𠮷田")).name == "𠮷田"


@pytest.mark.parametrize("letter", ["A", "j", "中", "\0"])
def test_an_unknown_type_is_refused(letter: str) -> None:
    block = bytearray(encode_text_block(RESIDENT))
    block[248:250] = letter.encode("utf-16-le")
    with pytest.raises(UnknownLayout) as caught:
        parse_text_block(bytes(block))
    assert "中" not in str(caught.value)  # in another layout this could be part of a name


def test_nothing_personal_shows_in_a_repr() -> None:
    shown = repr(parsed(RESIDENT)) + repr(RESIDENT)
    assert "张三" not in shown
    assert "1949" not in shown


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "440308199901101512",
        "810000199408230021",
        "830000199201300022",
        "911124198108030024",
        "110105491231002",  # 15 digits
        "ABC110080010101",  # foreigner, 2017
    ],
)
def test_numbers_of_the_digest_are_valid(number: str) -> None:
    assert id_number_is_valid(number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "110105194912310021",
        "11010519491231002x",
        "1101051949123100２X",
        "11010519491331002X",
        "110105491331002",
        "AB1110080010101",
        " 11010519491231002X",
        "11010519491231002X\n",
    ],
)
def test_other_numbers_are_not(number: str) -> None:
    assert not id_number_is_valid(number)


def test_a_number_of_15_digits_becomes_the_one_of_18() -> None:
    assert upgraded_number("110105491231002") == "11010519491231002X"
    with pytest.raises(ValueError, match="15 digits"):
        upgraded_number("11010519491231002X")


@given(st.integers(0, 16), st.integers(1, 9))
def test_any_one_wrong_digit_is_found(place: int, shift: int) -> None:
    number = "440308199901101512"
    wrong = str((int(number[place]) + shift) % 10)
    assert not id_number_is_valid(number[:place] + wrong + number[place + 1 :])


@given(st.binary(max_size=300) | st.binary(min_size=256, max_size=256))
def test_any_bytes_are_a_card_or_an_unknown_layout(block: bytes) -> None:
    try:
        card = parse_text_block(block)
    except UnknownLayout:
        return
    assert isinstance(card, CardRead)


@given(st.binary(min_size=248, max_size=248), st.sampled_from(" JIY"))
def test_any_content_of_a_known_layout_is_a_card(content: bytes, letter: str) -> None:
    block = content + letter.encode("utf-16-le") + bytes(6)
    assert isinstance(parse_text_block(block), CardRead)


@given(st.text())
def test_any_text_is_a_valid_number_or_not(number: str) -> None:
    assert id_number_is_valid(number) in {True, False}
