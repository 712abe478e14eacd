"""Tables as people make them. What a roster makes of one: tests/gateway/test_roster_csv.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.table import Table, TableError


def read(text: str, *required: str) -> list[tuple[int, dict[str, str]]]:
    return [(row.line, row.cells) for row in Table(text.encode(), required).rows()]


def test_rows_by_column_with_their_lines() -> None:
    assert read("b, a\n1, 2 \n\n ,\n3") == [(2, {"b": "1", "a": "2"}), (5, {"b": "3", "a": ""})]


def test_a_row_says_where_it_ends() -> None:
    (row,) = Table(b'a\n"1\n2"\n', ()).rows()
    assert (row.line, row.last_line) == (2, 3)
    assert repr(row) == "TableRow(line=2, last_line=3)"


def test_refused_rows_and_unreadable_ones_are_in_order() -> None:
    table = Table(b"a\n1\n2,3\n4\n", ())
    for row in table.rows():
        table.refuse(row, "a: refused")
    assert [(bad.line, bad.problem) for bad in table.bad] == [
        (2, "a: refused"),
        (3, "more cells than columns"),
        (4, "a: refused"),
    ]


@pytest.mark.parametrize("text", ["", "b\n1", "a,a\n"])
def test_a_file_without_its_columns_is_refused(text: str) -> None:
    with pytest.raises(TableError, match="line 1"):
        read(text, "a")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        table = Table(data, ())
    except TableError:
        return
    for row in table.rows():
        assert row.line <= row.last_line
