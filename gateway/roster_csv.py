"""Roster files: CSV in, rows out, every bad row named by its line, the others imported.

Columns, in any order: id_number, name, unit, point, and optionally post, phone, status (empty or
`card_lost`). UTF-8 with or without a byte order mark, or GB 18030 as Excel in China writes it.
"""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from drivers.readers.resident_card import id_number_is_valid
from gateway.store.rosters import RosterRow
from protocol.keys import credential_digest
from protocol.roster import PersonStatus

REQUIRED = ("id_number", "name", "unit", "point")
MAX_TEXT_CHARS = 64
_STATUS = {"": PersonStatus.EXPECTED, "card_lost": PersonStatus.CARD_LOST}


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
    """Read a roster file. Raises `RosterFileError` if it has no usable header."""
    reader = csv.DictReader(io.StringIO(_decode(data), newline=""))
    header = [(name or "").strip() for name in reader.fieldnames or []]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise RosterFileError(f"line 1: missing columns: {', '.join(missing)}")
    reader.fieldnames = header
    result = RosterFile()
    seen: dict[bytes, int] = {}
    for line, cells in _rows(reader, result):
        problem = _problem(cells, points)
        if problem is None:
            row = _row(cells, county_key)
            if row.digest in seen:
                problem = f"id_number: the same card as in line {seen[row.digest]}"
            else:
                seen[row.digest] = line
                result.rows.append(row)
        if problem is not None:
            result.bad.append(BadRow(line, problem))
    return result


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise RosterFileError("neither UTF-8 nor GB 18030 text") from error


def _rows(
    reader: "csv.DictReader[str]", result: RosterFile
) -> Iterator[tuple[int, dict[str, str]]]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            result.bad.append(BadRow(reader.line_num, f"not readable as CSV: {error}"))
            continue
        if None in cells:
            result.bad.append(BadRow(reader.line_num, "more cells than columns"))
            continue
        clean = {name: (value or "").strip() for name, value in cells.items()}
        if any(clean.values()):
            yield reader.line_num, clean


def _problem(cells: dict[str, str], points: Collection[str]) -> str | None:
    for name in REQUIRED:
        if not cells[name]:
            return f"{name}: empty"
    for name, value in cells.items():
        if len(value) > MAX_TEXT_CHARS:
            return f"{name}: longer than {MAX_TEXT_CHARS} characters"
    if not id_number_is_valid(cells["id_number"].upper()):
        return "id_number: check digit or length is wrong"
    if cells["point"] not in points:
        return "point: not a point of this county"
    if cells.get("status", "") not in _STATUS:
        return "status: neither empty nor card_lost"
    return None


def _row(cells: dict[str, str], county_key: bytes) -> RosterRow:
    return RosterRow(
        digest=credential_digest(county_key, cells["id_number"]),
        name=cells["name"],
        unit=cells["unit"],
        point=cells["point"],
        post=cells.get("post", ""),
        phone=cells.get("phone", ""),
        status=_STATUS[cells.get("status", "")],
    )
