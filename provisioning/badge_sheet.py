"""Badges on paper: one HTML page, nothing loaded from outside, sizes in millimetres for printing.

The paper names the person; the code on it does not. The template is `templates/badges.html`.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from protocol.badge import badge_id_text
from provisioning.badges import IssuedBadge
from provisioning.county import County
from provisioning.holders import Holder

CARD_WIDTH_MM, CARD_HEIGHT_MM = 85.6, 54.0  # ISO/IEC 7810 ID-1; 53.98 rounded up to what cuts
A4_WIDTH_MM, A4_HEIGHT_MM = 210.0, 297.0
A4_COLUMNS, A4_ROWS = 2, 5
QUIET_ZONE_MODULES = 4  # ISO/IEC 18004
NAME_WIDTH_MM, NAME_SIZE_MM = 39.0, 7.0  # beside the code; four Chinese characters fit
_NARROW = 0.6  # of the height: a letter that is not Chinese


class Paper(Enum):
    """What is printed on."""

    A4 = "a4"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Face:
    """One badge as it is shown."""

    code: Markup = field(repr=False)
    badge_id: str
    name: str = field(repr=False)
    name_size_mm: float
    unit: str
    post: str
    last_day: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Where to cut: a line from one place of the page to another."""

    x1: float
    y1: float
    x2: float
    y2: float
    is_inside: bool = False


def badge_sheet(badges: Sequence[tuple[Holder, IssuedBadge]], county: County, paper: Paper) -> str:
    """The page that prints these badges: ten to a sheet of A4 with cut marks, or one to a card."""
    environment = Environment(
        loader=PackageLoader("provisioning"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    faces = [_face(*each) for each in badges]
    is_a4 = paper is Paper.A4
    size = A4_COLUMNS * A4_ROWS if is_a4 else 1
    return environment.get_template("badges.html").render(
        county=county,
        pages=[faces[start : start + size] for start in range(0, len(faces), size)],
        is_a4=is_a4,
        page=(A4_WIDTH_MM, A4_HEIGHT_MM) if is_a4 else (CARD_WIDTH_MM, CARD_HEIGHT_MM),
        card=(CARD_WIDTH_MM, CARD_HEIGHT_MM),
        left_top=(_LEFT_MM, _TOP_MM) if is_a4 else (0, 0),
        columns=A4_COLUMNS if is_a4 else 1,
        marks=list(_cut_marks()) if is_a4 else [],
    )


def _face(holder: Holder, issued: IssuedBadge) -> Face:
    return Face(
        _code(issued.text),
        badge_id_text(issued.badge.badge_id),
        holder.name,
        _name_size_mm(holder.name),
        holder.unit,
        holder.post,
        issued.badge.last_day.isoformat(),
    )


def _code(text: str) -> Markup:
    # A text that is no letter and digit code would still be encoded, twice as large.
    code = segno.make_qr(text, error="m", mode="alphanumeric", boost_error=False)
    drawing = code.svg_inline(border=QUIET_ZONE_MODULES, omitsize=True, svgclass="code")
    return Markup(drawing)  # noqa: S704  # lines drawn by segno; nothing of it is text


def _name_size_mm(name: str) -> float:
    """As large as fits on one line, and not so small that nobody reads it: then it breaks."""
    ems = sum(1 if unicodedata.east_asian_width(each) in "WF" else _NARROW for each in name)
    return round(max(NAME_SIZE_MM / 2, min(NAME_SIZE_MM, NAME_WIDTH_MM / max(ems, 1))), 2)


_LEFT_MM = round((A4_WIDTH_MM - A4_COLUMNS * CARD_WIDTH_MM) / 2, 2)
_TOP_MM = round((A4_HEIGHT_MM - A4_ROWS * CARD_HEIGHT_MM) / 2, 2)
_MARK_FAR_MM, _MARK_NEAR_MM = 8.0, 2.0  # from the cards; printers keep 5 mm of the edge white
_CROSS_MM = 1.5


def _cut_marks() -> Iterator[Mark]:
    columns = [_LEFT_MM + CARD_WIDTH_MM * n for n in range(A4_COLUMNS + 1)]
    rows = [_TOP_MM + CARD_HEIGHT_MM * n for n in range(A4_ROWS + 1)]
    for x in columns:
        yield Mark(x, rows[0] - _MARK_FAR_MM, x, rows[0] - _MARK_NEAR_MM)
        yield Mark(x, rows[-1] + _MARK_NEAR_MM, x, rows[-1] + _MARK_FAR_MM)
    for y in rows:
        yield Mark(columns[0] - _MARK_FAR_MM, y, columns[0] - _MARK_NEAR_MM, y)
        yield Mark(columns[-1] + _MARK_NEAR_MM, y, columns[-1] + _MARK_FAR_MM, y)
    for x in columns[1:-1]:
        for y in rows[1:-1]:
            yield Mark(x - _CROSS_MM, y, x + _CROSS_MM, y, is_inside=True)
            yield Mark(x, y - _CROSS_MM, x, y + _CROSS_MM, is_inside=True)
