"""The 256-byte text block of a Chinese identity document -> `CardRead` (hw/sdt-reader.md 6).

Pure. Four documents share the size and the place of the type character, and little else.
"""

import re
from dataclasses import dataclass
from datetime import date
from string import ascii_uppercase

from drivers.readers.base import CardRead, DocumentKind

TEXT_BLOCK_BYTES = 256
TYPE_AT = 248  # byte offset of the type character, the same in all four layouts
LONG_TERM = "长期"  # stands where the last day of validity would

# ISO 7064 MOD 11-2, GB 11643-1999 (hw/sdt-reader.md 7).
_CHECK_DIGITS = "10X98765432"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_NUMBER_18 = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_NUMBER_15 = re.compile(r"[0-9]{15}", re.ASCII)  # before 1999: no century, no check digit
_NUMBER_2017 = re.compile(r"[A-Z]{3}[0-9]{12}", re.ASCII)  # foreigners, 2017 form
_DATE = re.compile(r"[0-9]{8}", re.ASCII)


class UnknownLayout(ValueError):
    """The block has another size, or a type character none of the four layouts has."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields we keep lie, as byte slices; `names` in order of preference."""

    document: DocumentKind
    names: tuple[tuple[slice, ...], ...]
    number: slice


def _at(offset: int, length: int) -> slice:
    return slice(offset, offset + length)


_VALID_FROM = _at(188, 16)
_VALID_UNTIL = _at(204, 16)

_LAYOUTS = {
    " ": _Layout(DocumentKind.RESIDENT, ((_at(0, 30),),), _at(122, 36)),
    "J": _Layout(DocumentKind.HMT_PERMIT, ((_at(0, 30),),), _at(122, 36)),
    "I": _Layout(DocumentKind.FOREIGN_2017, ((_at(158, 30),), (_at(0, 120),)), _at(122, 30)),
    "Y": _Layout(
        DocumentKind.FOREIGN_2023, ((_at(0, 30),), (_at(52, 70), _at(220, 22))), _at(122, 36)
    ),
}


def parse_text_block(block: bytes) -> CardRead:
    """Take from a text block what a muster needs.

    A foreigner's name is the Chinese one if the card has it, else the Latin one. Characters
    that are no UTF-16 become U+FFFD. Raises `UnknownLayout`, nothing else.
    """
    if len(block) != TEXT_BLOCK_BYTES:
        raise UnknownLayout(f"text block of {len(block)} bytes, expected {TEXT_BLOCK_BYTES}")
    letter = _raw_text(block, _at(TYPE_AT, 2))
    layout = _LAYOUTS.get(letter)
    if layout is None:
        # Only a lone capital is surely a type; anything else could be part of somebody's data.
        shown = letter if letter in ascii_uppercase else "unknown"
        raise UnknownLayout(f"no layout for document type {shown}")
    number = _text(block, layout.number)
    until = _text(block, _VALID_UNTIL)
    names = ("".join(_raw_text(block, part) for part in parts) for parts in layout.names)
    return CardRead(
        document=layout.document,
        number=number,
        number_is_valid=id_number_is_valid(number),
        name=next((name for name in map(_trim, names) if name), ""),
        valid_from=_date(_text(block, _VALID_FROM)),
        valid_until=_date(until),
        never_expires=until == LONG_TERM,
    )


def id_number_is_valid(number: str) -> bool:
    """Whether a document number has a known form and, where it has one, the right check digit.

    18 characters: MOD 11-2, foreigners' numbers of 2023 included. 15 digits: the form before
    1999, checked for a possible birth date. Three letters and 12 digits: foreigners, 2017,
    taken by its form alone. Area codes are not looked at: they get abolished.
    """
    if _NUMBER_2017.fullmatch(number):
        return True
    if _NUMBER_15.fullmatch(number):
        number = upgraded_number(number)
    if not _NUMBER_18.fullmatch(number):
        return False
    return _date(number[6:14]) is not None and _check_digit(number[:17]) == number[17]


def number_on_card(number: str) -> str:
    """A valid number, however it was typed, as today's cards say it: upper case, 18 characters."""
    number = number.strip().upper()
    return upgraded_number(number) if _NUMBER_15.fullmatch(number) else number


def upgraded_number(number: str) -> str:
    """The 18-character form of a 15-digit number: the century and the check digit added.

    Raises `ValueError` for anything but 15 digits.
    """
    if not _NUMBER_15.fullmatch(number):
        raise ValueError("only a number of 15 digits can be upgraded")
    longer = f"{number[:6]}19{number[6:]}"
    return longer + _check_digit(longer)


def _check_digit(first_17: str) -> str:
    total = sum(w * int(digit) for w, digit in zip(_WEIGHTS, first_17, strict=True))
    return _CHECK_DIGITS[total % 11]


def _raw_text(block: bytes, place: slice) -> str:
    return block[place].decode("utf-16-le", errors="replace")


def _trim(text: str) -> str:
    return text.strip(" \0\u3000")  # padding is U+0020; some cards pad with NUL or a wide space


def _text(block: bytes, place: slice) -> str:
    return _trim(_raw_text(block, place))


def _date(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
