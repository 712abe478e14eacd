"""Simulated travel documents: what is printed in their machine-readable zone, and decks of them.

Written from hw/mrz.md 1 and 2, never from drivers/, so that the two can disagree.
Not modelled: the page above the zone, visas, the chip, names that are cut to fit.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path

from sim.devices.deck import DeckError, read_rows

TD1, TD2, TD3 = "td1", "td2", "td3"
LINE_CHARACTERS = {TD1: 30, TD2: 36, TD3: 44}
NUMBER_CHARACTERS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelDocument:
    """A document as it is printed. Dates are YYMMDD; names in capital letters and spaces.

    A number of more than nine characters goes on in the optional data, which TD3 does not allow.
    """

    number: str = field(repr=False)
    surname: str = field(repr=False)
    given: str = field(default="", repr=False)
    form: str = TD3
    code: str = "P"
    state: str = "UTO"
    born: str = field(default="740812", repr=False)
    sex: str = field(default="F", repr=False)
    until: str = "340415"
    optional: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.form not in LINE_CHARACTERS:
            raise ValueError(f"form must be one of {', '.join(LINE_CHARACTERS)}")
        zone(self)  # a document that cannot be printed cannot exist


def check(text: str) -> str:
    """The check digit of `text`: weights 7, 3, 1, letters from 10, fillers 0."""
    total = 0
    for place, character in enumerate(text):
        value = 0 if character == "<" else "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(character)
        total += value * (7, 3, 1)[place % 3]
    return str(total % 10)


def zone(document: TravelDocument) -> list[str]:
    """Its lines. Raises `ValueError` naming a field that does not fit."""
    names = "<<".join(part.replace(" ", "<") for part in (document.surname, document.given) if part)
    head = _filled("code", document.code, 2) + _filled("state", document.state, 3)
    number, optional = _number_and_optional(document)
    born = document.born + check(document.born)
    until = document.until + check(document.until)
    if document.form == TD1:
        optional = _filled("optional", optional, 15)
        checked = number + optional + born + until + "<" * 11
        return [
            head + number + optional,
            born
            + document.sex
            + until
            + _filled("state", document.state, 3)
            + "<" * 11
            + check(checked),
            _filled("names", names, 30),
        ]
    line_characters = LINE_CHARACTERS[document.form]
    optional = _filled("optional", optional, line_characters - 28 - (document.form == TD3) - 1)
    if document.form == TD3:
        optional += check(optional)
    second = number + _filled("state", document.state, 3) + born + document.sex + until + optional
    return [
        head + _filled("names", names, line_characters - 5),
        second + check(number + born + until + optional),
    ]


def _number_and_optional(document: TravelDocument) -> tuple[str, str]:
    number = document.number
    if len(number) <= NUMBER_CHARACTERS:
        number = number.ljust(NUMBER_CHARACTERS, "<")
        return number + check(number), document.optional
    if document.form == TD3:
        raise ValueError("number is longer than 9 characters")
    rest = number[NUMBER_CHARACTERS:] + check(number)
    return f"{number[:NUMBER_CHARACTERS]}<", f"{rest}<{document.optional}"


def _filled(name: str, text: str, characters: int) -> str:
    if len(text) > characters:
        raise ValueError(f"{name} is longer than {characters} characters")
    return text.ljust(characters, "<")


def read_travel_deck(path: Path) -> list[TravelDocument]:
    """Read documents from a CSV file; the columns are the fields of `TravelDocument`.

    Raises `DeckError`, and `OSError` if there is no such file.
    """
    known = {item.name for item in fields(TravelDocument)}
    documents = []
    for where, cells in read_rows(path, known=known, required=("number", "surname")):
        try:
            documents.append(TravelDocument(**cells))
        except ValueError as error:
            raise DeckError(f"{where}: {error}") from error
    return documents
