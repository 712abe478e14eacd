"""Roster files: CSV in, rows out, every bad row named by its line, the others imported.

Columns, in any order: id_number, name, unit, point, and optionally post, phone, status (empty or
`card_lost`). UTF-8 with or without a byte order mark, or GB 18030 as Excel in China writes it.
"""

import csv
import io
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from drivers.readers.resident_card import id_number_is_valid, upgraded_number
from gateway.store.rosters import RosterRow
from protocol.keys import credential_digest
from protocol.roster import PersonStatus

REQUIRED = ("id_number", "name", "unit", "point")
OPTIONAL = ("post", "phone", "status")
MAX_TEXT_CHARS = 64
OLD_NUMBER_CHARS = 15  # before 1999
_STATUS = {"": PersonStatus.EXPECTED, "card_lost": PersonStatus.CARD_LOST}


class _Reader(Protocol):
    """What `csv.reader` returns; the standard library does not name its type."""

    @property
    def line_num(self) -> int:
        """Lines read so far."""

    def __next__(self) -> list[str]:
        """The next row."""


class RosterFileError(ValueError):
    """The file as a whole is no roster; nothing was imported."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out. The text names the column, never what stood in it."""

    line: int
    problem: str


@dataclass(slots=True)
class RosterFile:
    """What a file came to."""

    rows: list[RosterRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_roster(data: bytes, county_key: bytes, points: Collection[str]) -> RosterFile:
    """Read a roster file. Raises `RosterFileError` if it has no usable header or no usable row.

    A roster of nobody would make strangers of everybody.
    """
    reader = csv.reader(io.StringIO(_decode(data), newline=""), strict=True)
    header = _header(reader)
    result = RosterFile()
    seen: dict[bytes, int] = {}
    for line, cells in _rows(reader, header, result):
        problem = _problem(cells, points)
        if problem is None:
            row = _row(cells, county_key)
            if row.digest in seen:
                problem = f"id_number: the same card as in line {seen[row.digest]}"
            else:
                seen[row.digest] = line
                result.rows.append(row)
        if problem is not None:
            result.bad.append(BadRow(line, problem + _extent(line, reader.line_num)))
    if not result.rows:
        first = f"; line {result.bad[0].line}: {result.bad[0].problem}" if result.bad else ""
        raise RosterFileError(f"no usable row{first}")
    return result


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise RosterFileError("neither UTF-8 nor GB 18030 text") from error


def _header(reader: _Reader) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise RosterFileError(f"line 1: not readable as CSV: {error}") from error
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise RosterFileError(f"line 1: missing columns: {', '.join(missing)}")
    named = [name for name in header if name]
    if len(set(named)) != len(named):
        raise RosterFileError("line 1: two columns have the same name")
    return header


def _rows(
    reader: _Reader, header: list[str], result: RosterFile
) -> Iterator[tuple[int, dict[str, str]]]:
    """(first line, cells) of every row that is not empty."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            extent = _extent(line, reader.line_num)
            result.bad.append(BadRow(line, f"not readable as CSV: {error}{extent}"))
            continue
        clean = [cell.strip() for cell in cells]
        if not any(clean):
            continue
        if len(cells) > len(header):
            extent = _extent(line, reader.line_num)
            result.bad.append(BadRow(line, f"more cells than columns{extent}"))
            continue
        clean += [""] * (len(header) - len(clean))
        yield line, dict(zip(header, clean, strict=True))


def _extent(first: int, last: int) -> str:
    """What a quote that is not closed looks like: one row over many lines."""
    return f" (a quote keeps this row open until line {last})" if last > first else ""


def _problem(cells: dict[str, str], points: Collection[str]) -> str | None:
    for name in REQUIRED:
        if not cells[name]:
            return f"{name}: empty"
    for name in (*REQUIRED, *OPTIONAL):
        value = cells.get(name, "")
        if len(value) > MAX_TEXT_CHARS:
            return f"{name}: longer than {MAX_TEXT_CHARS} characters"
        if any(unicodedata.category(character) == "Cc" for character in value):
            return f"{name}: a line break or another control character"
    if not id_number_is_valid(cells["id_number"].upper()):
        return "id_number: check digit or length is wrong"
    if cells["point"] not in points:
        return "point: not a point of this county"
    if cells.get("status", "") not in _STATUS:
        return "status: neither empty nor card_lost"
    return None


def _row(cells: dict[str, str], county_key: bytes) -> RosterRow:
    number = cells["id_number"]
    if len(number) == OLD_NUMBER_CHARS and number.isdigit():
        number = upgraded_number(number)  # the card itself says the new one
    return RosterRow(
        digest=credential_digest(county_key, number),
        name=cells["name"],
        unit=cells["unit"],
        point=cells["point"],
        post=cells.get("post", ""),
        phone=cells.get("phone", ""),
        status=_STATUS[cells.get("status", "")],
    )
