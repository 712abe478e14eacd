"""A machine-readable zone of ICAO Doc 9303 -> `CardRead` (hw/mrz.md 1 and 2). Pure."""

import re
from dataclasses import dataclass
from datetime import date
from itertools import cycle

from drivers.readers.base import CardRead, DocumentKind

EXPIRES_WITHIN_YEARS = 50  # hw/mrz.md 2: no document is issued for longer
_KINDS = frozenset("PACIW")  # passport; the three of other documents; W: permits of GA/T 704
_LENIENT = frozenset("CW")  # of these the overall check digit is not asked for
_WEIGHTS = (7, 3, 1)
_FILLER = "<"
_ZONE = re.compile(r"[A-Z0-9<]+", re.ASCII)
_DATE = re.compile(r"[0-9]{6}", re.ASCII)
_LETTERS = re.compile(r"[A-Z<]*", re.ASCII)
_DIGITS = re.compile(r"[0-9<]*", re.ASCII)
# What optical readers confuse; put right only where the position leaves no choice.
_TO_LETTERS = str.maketrans("01", "OI")
_TO_DIGITS = str.maketrans("OI", "01")


class MrzDamaged(ValueError):
    """The zone contradicts itself: it was misread. Names the field, never what is in it."""


class UnknownDocument(ValueError):
    """A zone of another length, or of a document that identifies nobody, such as a visa."""


def _at(offset: int, length: int) -> slice:
    return slice(offset, offset + length)


@dataclass(frozen=True, slots=True)
class _Form:
    """Where the fields lie in the zone, its lines joined. A field's check digit is behind it."""

    names: slice
    issuer: slice
    number: slice
    birth: slice
    sex: slice
    expiry: slice
    nationality: slice
    optional: slice
    optional_is_checked: bool
    overall: tuple[slice, ...]
    overall_at: int


_FORMS = {
    90: _Form(  # TD1, three lines of 30
        issuer=_at(2, 3),
        number=_at(5, 9),
        optional=_at(15, 15),
        birth=_at(30, 6),
        sex=_at(37, 1),
        expiry=_at(38, 6),
        nationality=_at(45, 3),
        names=_at(60, 30),
        optional_is_checked=False,
        overall=(_at(5, 25), _at(30, 7), _at(38, 7), _at(48, 11)),
        overall_at=59,
    ),
    72: _Form(  # TD2, two lines of 36
        issuer=_at(2, 3),
        names=_at(5, 31),
        number=_at(36, 9),
        nationality=_at(46, 3),
        birth=_at(49, 6),
        sex=_at(56, 1),
        expiry=_at(57, 6),
        optional=_at(64, 7),
        optional_is_checked=False,
        overall=(_at(36, 10), _at(49, 7), _at(57, 14)),
        overall_at=71,
    ),
    88: _Form(  # TD3, two lines of 44
        issuer=_at(2, 3),
        names=_at(5, 39),
        number=_at(44, 9),
        nationality=_at(54, 3),
        birth=_at(57, 6),
        sex=_at(64, 1),
        expiry=_at(65, 6),
        optional=_at(72, 14),
        optional_is_checked=True,
        overall=(_at(44, 10), _at(57, 7), _at(65, 22)),
        overall_at=87,
    ),
}


def parse_zone(zone: str, today: date) -> CardRead:
    """Take from a zone, its lines joined, what a muster needs.

    `today` decides the century of the expiry. Raises `MrzDamaged` and `UnknownDocument`, nothing
    else.
    """
    form = _FORMS.get(len(zone))
    if form is None or not _ZONE.fullmatch(zone):
        raise UnknownDocument("no zone of TD1, TD2 or TD3")
    zone = _without_confusions(zone, form)
    if zone[0] not in _KINDS:
        raise UnknownDocument("a visa, or another document that identifies nobody")
    _check(zone, form.birth, "date of birth")
    _check(zone, form.expiry, "date of expiry")
    if form.optional_is_checked and zone[form.optional.stop] != _FILLER:
        _check(zone, form.optional, "personal number")
    if zone[0] not in _LENIENT:
        overall = "".join(zone[part] for part in form.overall)
        if check_digit(overall) != zone[form.overall_at]:
            raise MrzDamaged("overall")
    return CardRead(
        document=DocumentKind.TRAVEL_DOCUMENT,
        number=_number(zone, form),
        number_is_valid=True,
        name=_name(zone[form.names]),
        valid_from=None,
        valid_until=date_not_after(zone[form.expiry], _years_after(today, EXPIRES_WITHIN_YEARS)),
        never_expires=False,
    )


def check_digit(text: str) -> str:
    """The check digit of a field of digits, capital letters and fillers."""
    weighted = zip(text, cycle(_WEIGHTS), strict=False)
    return str(sum(weight * _value(character) for character, weight in weighted) % 10)


def date_not_after(text: str, latest: date) -> date | None:
    """The latest date not after `latest` that `YYMMDD` can stand for; None if it is none.

    Of an expiry, `latest` is fifty years from today; of a birth it would be today.
    """
    if not _DATE.fullmatch(text):
        return None
    year_of_century, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    year = latest.year - (latest.year - year_of_century) % 100
    if (year, month, day) > (latest.year, latest.month, latest.day):
        year -= 100
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _years_after(today: date, years: int) -> date:
    return date(today.year + years, today.month, min(today.day, 28))  # every month has a 28th


def _value(character: str) -> int:
    return 0 if character == _FILLER else int(character, 36)


def _without_confusions(zone: str, form: _Form) -> str:
    """Put right O for 0 and I for 1, and the reverse, where only the other can stand."""
    characters = list(zone)
    letters = (_at(0, 1), form.issuer, form.names, form.nationality, form.sex)
    digits = [form.birth, form.expiry, _at(form.overall_at, 1)]
    digits += [_at(field.stop, 1) for field in (form.number, form.birth, form.expiry)]
    for places, table, allowed in (
        (letters, _TO_LETTERS, _LETTERS),
        (digits, _TO_DIGITS, _DIGITS),
    ):
        for place in places:
            put_right = zone[place].translate(table)
            if not allowed.fullmatch(put_right):
                raise MrzDamaged("a letter where only digits can stand, or the reverse")
            characters[place] = put_right
    return "".join(characters)


def _check(zone: str, field: slice, name: str) -> None:
    if check_digit(zone[field]) != zone[field.stop]:
        raise MrzDamaged(name)


def _number(zone: str, form: _Form) -> str:
    """The document number; one of more than nine characters goes on in the optional data."""
    number = zone[form.number]
    digit = zone[form.number.stop]
    if digit == _FILLER and not form.optional_is_checked:
        rest = zone[form.optional].partition(_FILLER)[0]
        number, digit = number + rest[:-1], rest[-1:]
    if check_digit(number) != digit or not number.strip(_FILLER):
        raise MrzDamaged("document number")
    return number.rstrip(_FILLER)


def _name(field: str) -> str:
    parts = (part.replace(_FILLER, " ").strip() for part in field.split("<<"))
    return ", ".join(filter(None, parts))
