"""Roster files as people make them: every bad row named by its line, never by what stood in it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.roster_csv import MAX_TEXT_CHARS, RosterFile, read_roster
from protocol.keys import credential_digest
from protocol.roster import PersonStatus
from runtime.table import TableError
from tests.musters import NUMBERS
from tests.parties import COUNTY_KEY

POINTS = {"qingshan", "shiqiao"}
HEADER = "id_number,name,unit,point,post,phone,status"
GOOD = f"{NUMBERS[0]},王建伟,一排,qingshan,班长,13800000000,"
SECOND = f"{NUMBERS[1]},李芳,医疗组,shiqiao,,,card_lost"
SECRETS = ("王建伟", "李芳", NUMBERS[0], NUMBERS[1], "13800000000", "SECRET")


def read(*lines: str, header: str = HEADER, encoding: str = "utf-8") -> RosterFile:
    return read_roster("\r\n".join([header, *lines]).encode(encoding), COUNTY_KEY, POINTS)


def bad(*lines: str) -> list[tuple[int, str]]:
    """(line, problem) of every bad row, beside one good one at the end."""
    result = read(*lines, GOOD)
    assert len(result.rows) == 1
    return [(each.line, each.problem) for each in result.bad]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_in_every_usual_encoding(encoding: str) -> None:
    result = read(GOOD, SECOND, encoding=encoding)
    assert result.bad == []
    first, second = result.rows
    assert (first.name, first.unit, first.point) == ("王建伟", "一排", "qingshan")
    assert (first.post, first.phone, first.status) == ("班长", "13800000000", PersonStatus.EXPECTED)
    assert first.digest == credential_digest(COUNTY_KEY, NUMBERS[0])
    assert second.status is PersonStatus.CARD_LOST


def test_columns_in_any_order_with_blanks_and_others_between() -> None:
    result = read(
        f"x,qingshan , 王建伟,{NUMBERS[0].lower()},一排",
        header="remarks, point,name ,id_number,unit",
    )
    assert [(row.name, row.point, row.post) for row in result.rows] == [("王建伟", "qingshan", "")]
    assert result.rows[0].digest == credential_digest(COUNTY_KEY, NUMBERS[0])


def test_empty_lines_are_nothing() -> None:
    assert bad("", ",,,,,,", "  ,\t,", "") == []


def test_a_short_row_lacks_only_what_is_optional() -> None:
    assert bad(f"{NUMBERS[1]},李芳,医疗组") == [(2, "point: empty")]
    assert len(read(f"{NUMBERS[1]},李芳,医疗组,shiqiao").rows) == 1


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (GOOD.replace("王建伟", ""), "name: empty"),
        (GOOD.replace(NUMBERS[0], ""), "id_number: empty"),
        (GOOD.replace(NUMBERS[0], "110105194912310021"), "id_number: check digit or length"),
        (GOOD.replace(NUMBERS[0], "SECRET"), "id_number: check digit or length"),
        (GOOD.replace("qingshan", "SECRET"), "point: not a point"),
        (GOOD + "SECRET", "status: neither"),
        (GOOD.replace("王建伟", "SECRET" * 20), "name: longer than"),
        (GOOD.replace("13800000000", "1" * (MAX_TEXT_CHARS + 1)), "phone: longer than"),
        (GOOD.replace("王建伟", "SEC\0RET"), "name: a line break or another control"),
        (GOOD + ",SECRET", "more cells than columns"),
        (GOOD.replace("王建伟", "S" * 140_000), "not readable as CSV: field larger"),
        (GOOD.replace("王建伟", '"SECRET"SECRET'), "not readable as CSV"),
    ],
)
def test_a_bad_row_is_named_and_left_out(row: str, problem: str) -> None:
    ((line, words),) = bad(row)
    assert line == 2
    assert words.startswith(problem)
    assert not any(secret in words for secret in SECRETS)


def test_a_quoted_line_break_is_one_row_and_lines_stay_right() -> None:
    two_lines = GOOD.replace("一排", '"一排\r\n二班"').replace(NUMBERS[0], NUMBERS[2])
    found = bad("", two_lines, "SECRET,a,b,qingshan")
    assert [line for line, _ in found] == [3, 5]
    assert found[0][1].startswith("unit: a line break")
    assert "until line 4" in found[0][1]


def test_remarks_of_two_lines_do_not_matter() -> None:
    result = read(
        f'{NUMBERS[0]},王建伟,一排,qingshan,"a\nb"', header="id_number,name,unit,point,remarks"
    )
    assert (len(result.rows), result.bad) == (1, [])


@pytest.mark.parametrize("column", ["name", "remarks"])
def test_a_quote_that_is_not_closed_swallows_nobody_in_silence(column: str) -> None:
    opened = {
        "name": f'{NUMBERS[2]},"某,一排,qingshan,',
        "remarks": f'{NUMBERS[2]},某,一排,qingshan,"x',
    }
    result = read(
        f"{NUMBERS[0]},王建伟,一排,qingshan,",
        opened[column],
        f"{NUMBERS[1]},李芳,医疗组,shiqiao,",
        header="id_number,name,unit,point,remarks",
    )
    assert len(result.rows) == 1
    ((line, problem),) = [(each.line, each.problem) for each in result.bad]
    assert line == 3
    assert "until line 4" in problem


def test_the_same_card_twice_is_named_with_the_first_line() -> None:
    result = read(GOOD, SECOND, GOOD)
    assert [(each.line, each.problem) for each in result.bad] == [
        (4, "id_number: the same card as in line 2")
    ]
    assert len(result.rows) == 2


def test_an_old_number_is_found_by_the_card_of_today() -> None:
    """Cards with 15 digits are gone; lists with them are not."""
    result = read(GOOD.replace(NUMBERS[0], "110105491231002"))
    assert result.rows[0].digest == credential_digest(COUNTY_KEY, "11010519491231002X")
    again = read(GOOD.replace(NUMBERS[0], "110105491231002"), GOOD)
    assert [each.problem for each in again.bad] == ["id_number: the same card as in line 2"]


WITH_TAG = "id_number,name,unit,point,second_credential"
TAGGED = f"{NUMBERS[0]},王建伟,一排,qingshan,"
OTHER = f"{NUMBERS[1]},李芳,医疗组,shiqiao,"


@pytest.mark.parametrize(
    ("written", "scanned"),
    [
        ("04:a2:2f:1b:5c:67:80", "04A22F1B5C6780"),  # as terminal.credentials spells a UID
        ("04A22F1B5C6780", "04A22F1B5C6780"),
        ("QH-2026/0042", "qh-2026/0042\r"),
        ("12:34", "12:34"),  # too short for a tag: a code
        ("M1234567", "m1234567"),
    ],
)
def test_a_second_credential_is_found_as_it_is_scanned(written: str, scanned: str) -> None:
    (row,) = read(TAGGED + written, header=WITH_TAG).rows
    assert row.other_digests == (credential_digest(COUNTY_KEY, scanned),)
    assert row.digest == credential_digest(COUNTY_KEY, NUMBERS[0])


@pytest.mark.parametrize("written", ["", " ", NUMBERS[0].lower()])
def test_no_second_credential_or_the_document_again_is_none(written: str) -> None:
    (row,) = read(TAGGED + written, header=WITH_TAG).rows
    assert row.other_digests == ()


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([TAGGED + "TAG-1", OTHER + "tag-1"], 3),
        ([TAGGED + NUMBERS[1], OTHER], 3),
        ([TAGGED, OTHER + NUMBERS[0]], 3),
    ],
)
def test_one_credential_is_one_persons(lines: list[str], line: int) -> None:
    result = read(*lines, header=WITH_TAG)
    assert [each.line for each in result.bad] == [line]
    assert "line 2" in result.bad[0].problem
    assert len(result.rows) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "missing columns: id_number, name, unit, point"),
        (b"\n\n\n", "missing columns"),
        (b"id_number,name\n", "missing columns: unit, point"),
        ("身份证,姓名\n".encode(), "missing columns"),
        (HEADER.encode("utf-16"), "neither UTF-8 nor GB 18030"),
        (b"\xff\xff", "neither UTF-8 nor GB 18030"),
        (b"a" * 140_000, "line 1: not readable as CSV"),
        ((HEADER + ",name\n" + GOOD).encode(), "two columns have the same name"),
        (HEADER.encode(), "no usable row"),
        ((HEADER + "\nSECRET,a,b,qingshan").encode(), "no usable row; line 2: id_number"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_whole(data: bytes, words: str) -> None:
    with pytest.raises(TableError, match=words) as caught:
        read_roster(data, COUNTY_KEY, POINTS)
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_rare_names_are_taken() -> None:
    for name in ("\ue123某", "王\u3000伟", "𠮷野", "O'Brien, Ann"):
        (row,) = read(GOOD.replace("王建伟", f'"{name}"')).rows
        assert row.name == name


@given(st.binary(max_size=200))
@example(b"\x00")
@example(b'"')
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for file in (data, HEADER.encode() + b"\n" + GOOD.encode() + b"\n" + data):
        try:
            result = read_roster(file, COUNTY_KEY, POINTS)
        except TableError:
            continue
        assert result.rows
