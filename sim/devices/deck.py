"""Decks: files of things to present, read strictly, so that a mistake is found before the story."""

import csv
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path


class DeckError(ValueError):
    """A deck file that cannot be used; says which line and why, never whose card."""


def read_rows(
    path: Path, *, known: Set[str], required: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each row of a CSV file with a header line: where it is, and its cells that are not empty.

    UTF-8, with or without a byte order mark. Raises `DeckError` for a column that is not `known`,
    a `required` one that is missing or empty, a row of another size, and a file without rows;
    `OSError` if there is no such file.
    """
    is_empty = True
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        try:
            columns = set(rows.fieldnames or [])
            if not columns.issuperset(required):
                names = " and ".join(required)
                raise DeckError(f"{path}: the first line must name the columns {names}")
            if columns - known:
                raise DeckError(f"{path}: no such column: {', '.join(sorted(columns - known))}")
            for row in rows:
                is_empty = False
                where = f"{path} line {rows.line_num}"
                yield where, _cells(row, required, where)
        except (csv.Error, UnicodeDecodeError) as error:
            raise DeckError(f"{path}: not a CSV file in UTF-8: {error}") from error
    if is_empty:
        raise DeckError(f"{path}: no cards")


def _cells(
    row: Mapping[str | None, str | None], required: Sequence[str], where: str
) -> Mapping[str, str]:
    if None in row or None in row.values():
        raise DeckError(f"{where}: not as many cells as the first line has columns")
    cells = {name: cell.strip() for name, cell in row.items() if name and cell and cell.strip()}
    if not cells.keys() >= set(required):
        raise DeckError(f"{where}: {' or '.join(required)} is empty")
    return cells


def read_codes(path: Path) -> list[str]:
    """The codes of a text file in UTF-8, one a line; empty lines are left out.

    Raises `DeckError`, and `OSError` if there is no such file.
    """
    try:
        codes = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line]
    except UnicodeDecodeError as error:
        raise DeckError(f"{path}: not a text file in UTF-8: {error}") from error
    if not codes:
        raise DeckError(f"{path}: no codes")
    return codes
