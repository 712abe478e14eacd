from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.resident_card import id_number_is_valid
from sim.devices.card import Card, CardKind, check_digit, encode_text_block, read_deck
from sim.devices.deck import DeckError


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "440308199901101512",
        "810000199408230021",
        "830000199201300022",
        "911124198108030024",
    ],
)
def test_check_digits_of_the_digest(number: str) -> None:
    assert check_digit(number[:17]) == number[17]


@given(st.dates().filter(lambda day: day.year >= 1900), st.integers(0, 999))
def test_the_driver_and_the_simulator_agree_on_check_digits(born: object, sequence: int) -> None:
    first_17 = f"110105{str(born).replace('-', '')}{sequence:03}"
    assert id_number_is_valid(first_17 + check_digit(first_17))


def test_a_number_without_its_check_digit_gets_it() -> None:
    assert Card(number="11010519491231002", name="甲").number == "11010519491231002X"


@pytest.mark.parametrize("kind", CardKind)
def test_every_document_fills_256_bytes_and_names_its_type(kind: CardKind) -> None:
    block = encode_text_block(Card(number="1", name="甲", kind=kind))
    assert len(block) == 256
    assert block[248:250].decode("utf-16-le") == dict(zip(CardKind, " JIY", strict=True))[kind]


def test_a_field_that_is_too_long_is_named_and_not_shown() -> None:
    with pytest.raises(ValueError, match="name is longer than the 15 characters") as caught:
        Card(number="1", name="甲" * 16)
    assert "甲" not in str(caught.value)


def test_a_card_has_two_fingerprints_at_most() -> None:
    with pytest.raises(ValueError, match="fingerprints"):
        Card(number="1", name="甲", fingerprints=3)


def deck(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "deck.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_deck_keeps_its_order_and_fills_in_defaults(tmp_path: Path, encoding: str) -> None:
    text = "name,number,kind,valid_until\n甲,11010519491231002,,长期\n乙, 1 ,hmt,\n"
    first, second = read_deck(deck(tmp_path, text, encoding))
    assert first == Card(number="11010519491231002X", name="甲", valid_until="长期")
    assert second == Card(number="1", name="乙", kind=CardKind.HMT_PERMIT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "number and name"),
        ("number\n1\n", "number and name"),
        ("number,name,colour\n1,甲,red\n", "no such column: colour"),
        ("number,name\n", "no cards"),
        ("number,name\n1,甲\n2,\n", "line 3: number or name is empty"),
        ("number,name\n1,甲\n2\n", "line 3: not as many cells"),
        ("number,name\n1,甲,9\n", "line 2: not as many cells"),
        ("number,name,kind\n1,甲,badge\n", "line 2: kind must be one of resident"),
        ("number,name,fingerprints\n1,甲,many\n", "line 2: fingerprints must be 0, 1 or 2"),
        (f"number,name\n1,{'甲' * 16}\n", "line 2: name is longer"),
    ],
)
def test_a_bad_deck_says_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DeckError, match=said) as caught:
        read_deck(deck(tmp_path, text))
    assert "甲" not in str(caught.value)


def test_a_deck_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeckError, match="UTF-8"):
        read_deck(deck(tmp_path, "number,name\n1,甲\n", "gb18030"))
