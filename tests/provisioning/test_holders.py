"""Who gets a badge: the people of a roster file."""

import pytest

from gateway.roster_csv import read_roster
from provisioning.errors import BadPlan
from provisioning.holders import chosen, read_holders
from runtime.table import TableError
from tests.musters import NUMBERS
from tests.parties import COUNTY_KEY

HEADER = "id_number,name,unit,point,post\n"
FILE = (
    HEADER
    + f"{NUMBERS[0]},王建伟,一排,qingshan,班长\n"
    + f"{NUMBERS[1].lower()},李芳,医疗组,qingshan,\n"
    + f"SECRET,SECRET,一排,qingshan,\n{NUMBERS[2]},,一排,qingshan,\n"
    + f"{NUMBERS[0]},王建伟,一排,qingshan,班长\n"
).encode()


def test_people_once_each_and_bad_rows_by_line() -> None:
    holders, bad = read_holders(FILE, COUNTY_KEY)
    assert [(each.name, each.unit, each.post) for each in holders] == [
        ("王建伟", "一排", "班长"),
        ("李芳", "医疗组", ""),
    ]
    assert [(row.line, row.problem) for row in bad] == [
        (4, "id_number: check digit or length is wrong"),
        (5, "name: empty"),
    ]
    assert "SECRET" not in repr(bad)
    assert "王建伟" not in repr(holders)


@pytest.mark.parametrize("number", [*NUMBERS, "110105491231002", NUMBERS[0].lower()])
def test_a_badge_names_whom_the_roster_names(number: str) -> None:
    """The gateway reads the same file: both must come to the same digest."""
    data = (HEADER + f"{number},王建伟,一排,qingshan,\n").encode()
    ((holder,), _) = read_holders(data, COUNTY_KEY)
    assert holder.digest == read_roster(data, COUNTY_KEY, {"qingshan"}).rows[0].digest


def test_some_of_them_by_name_or_unit() -> None:
    holders, _ = read_holders(FILE, COUNTY_KEY)
    assert [each.name for each in chosen(holders, ())] == ["王建伟", "李芳"]
    assert [each.name for each in chosen(holders, ("李芳",))] == ["李芳"]
    assert [each.name for each in chosen(holders, ("一排", "李芳"))] == ["王建伟", "李芳"]
    with pytest.raises(BadPlan, match="二排"):
        chosen(holders, ("一排", "二排"))


def test_a_file_without_the_columns_is_refused() -> None:
    with pytest.raises(TableError, match="missing columns: name, unit"):
        read_holders(b"id_number\n", COUNTY_KEY)
