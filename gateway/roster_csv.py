"""Roster files: CSV in, rows out, every bad row named by its line, the others imported.

Columns, in any order: id_number, name, unit, point, and optionally post, phone, status (empty or
`card_lost`), second_credential (a tag's UID, or the text of a code).
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from drivers.readers.resident_card import id_number_is_valid, number_on_card
from gateway.store.rosters import RosterRow
from protocol.keys import credential_digest
from protocol.roster import PersonStatus
from runtime.table import BadRow, Table, TableError

REQUIRED = ("id_number", "name", "unit", "point")
OPTIONAL = ("post", "phone", "status", "second_credential")
MAX_TEXT_CHARS = 64
_STATUS = {"": PersonStatus.EXPECTED, "card_lost": PersonStatus.CARD_LOST}
_UID_WITH_COLONS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){3,9}")  # 4, 7 or 10 bytes


@dataclass(slots=True)
class RosterFile:
    """What a file came to."""

    rows: list[RosterRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_roster(data: bytes, county_key: bytes, points: Collection[str]) -> RosterFile:
    """Read a roster file. Raises `TableError` if it has no usable header or no usable row.

    A roster of nobody would make strangers of everybody.
    """
    table = Table(data, REQUIRED)
    result = RosterFile(bad=table.bad)
    seen: dict[bytes, int] = {}
    for each in table.rows():
        problem = _problem(each.cells, points)
        if problem is None:
            row = _row(each.cells, county_key)
            problem = _taken(row, seen)
            if problem is None:
                seen.update(dict.fromkeys((row.digest, *row.other_digests), each.line))
                result.rows.append(row)
        if problem is not None:
            table.refuse(each, problem)
    if not result.rows:
        first = f"; line {result.bad[0].line}: {result.bad[0].problem}" if result.bad else ""
        raise TableError(f"no usable row{first}")
    return result


def _problem(cells: Mapping[str, str], points: Collection[str]) -> str | None:
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


def _taken(row: RosterRow, seen: Mapping[bytes, int]) -> str | None:
    """A credential belongs to one person, or a scan would not say who came."""
    if row.digest in seen:
        return f"id_number: the same card as in line {seen[row.digest]}"
    for other in row.other_digests:
        if other in seen:
            return f"second_credential: belongs to line {seen[other]}"
    return None


def _row(cells: Mapping[str, str], county_key: bytes) -> RosterRow:
    digest = credential_digest(county_key, number_on_card(cells["id_number"]))
    second = _as_scanned(cells.get("second_credential", ""))
    other = credential_digest(county_key, second) if second else digest
    return RosterRow(
        digest=digest,
        name=cells["name"],
        unit=cells["unit"],
        point=cells["point"],
        post=cells.get("post", ""),
        phone=cells.get("phone", ""),
        status=_STATUS[cells.get("status", "")],
        other_digests=(other,) if other != digest else (),
    )


def _as_scanned(credential: str) -> str:
    """A UID as lists of tags have it, `04:A2:2F:1B`, becomes what a terminal reads."""
    return credential.replace(":", "") if _UID_WITH_COLONS.fullmatch(credential) else credential
