"""Tables as people make them: CSV in their programs' encodings, bad rows named by their line.

UTF-8 with or without a byte order mark, or GB 18030 as Excel in China writes it. Columns are found
by name, in any order; others are left alone.
"""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol


class TableError(ValueError):
    """The file as a whole cannot be used."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out. The text names the column, never what stood in it."""

    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row that is not empty; cells without blanks around them, by column."""

    line: int
    last_line: int
    cells: dict[str, str] = field(repr=False)


class _Reader(Protocol):
    """What `csv.reader` returns; the standard library does not name its type."""

    @property
    def line_num(self) -> int:
        """Lines read so far."""

    def __next__(self) -> list[str]:
        """The next row."""


class Table:
    """One file. Raises `TableError` if it is no text, or a required column is missing."""

    def __init__(self, data: bytes, required: Collection[str]) -> None:
        self._reader: _Reader = csv.reader(io.StringIO(_decode(data), newline=""), strict=True)
        self._header = self._read_header(required)
        self.bad: list[BadRow] = []
        """Rows left out so far, in order."""

    def rows(self) -> Iterator[TableRow]:
        """Every row that can be read and is not empty; the others go to `bad`. Once only."""
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._refuse(line, f"not readable as CSV: {error}")
                continue
            clean = [cell.strip() for cell in cells]
            if not any(clean):
                continue
            if len(cells) > len(self._header):
                self._refuse(line, "more cells than columns")
                continue
            clean += [""] * (len(self._header) - len(clean))
            named = dict(zip(self._header, clean, strict=True))
            yield TableRow(line, self._reader.line_num, named)

    def refuse(self, row: TableRow, problem: str) -> None:
        """Leave a row out for what stands in it."""
        self.bad.append(BadRow(row.line, problem + _extent(row.line, row.last_line)))

    def _refuse(self, line: int, problem: str) -> None:
        self.bad.append(BadRow(line, problem + _extent(line, self._reader.line_num)))

    def _read_header(self, required: Collection[str]) -> list[str]:
        try:
            first = next(self._reader)
        except StopIteration:
            first = []
        except csv.Error as error:
            raise TableError(f"line 1: not readable as CSV: {error}") from error
        header = [name.strip() for name in first]
        missing = [name for name in required if name not in header]
        if missing:
            raise TableError(f"line 1: missing columns: {', '.join(missing)}")
        named = [name for name in header if name]
        if len(set(named)) != len(named):
            raise TableError("line 1: two columns have the same name")
        return header


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise TableError("neither UTF-8 nor GB 18030 text") from error


def _extent(first: int, last: int) -> str:
    """What a quote that is not closed looks like: one row over many lines."""
    return f" (a quote keeps this row open until line {last})" if last > first else ""
