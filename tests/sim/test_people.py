import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.card import check_digit
from sim.people import (
    AREA_CODE,
    NEIGHBOUR_AREA_CODE,
    ROSTER_COLUMNS,
    UNITS,
    Sex,
    make_people,
    share_of,
    write_roster_csv,
)

POINTS = ("dongyu", "xicun")


@pytest.mark.parametrize(
    "number",
    ["11010519491231002X", "440308199901101512", "810000199408230021", "911124198108030024"],
)
def test_check_digit_of_published_examples(number: str) -> None:
    assert check_digit(number[:17]) == number[17]


def test_every_check_digit_satisfies_the_standard() -> None:
    """ISO 7064: the sum of value times 2 to the power of the place is 1 modulo 11."""
    for person in make_people(1, 500, POINTS):
        values = [10 if character == "X" else int(character) for character in person.id_number]
        assert sum(value * 2 ** (17 - place) for place, value in enumerate(values)) % 11 == 1


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_number_says_area_birth_date_and_sex(seed: int, count: int) -> None:
    for person in make_people(seed, count, POINTS):
        assert len(person.id_number) == 18
        assert person.id_number.startswith(AREA_CODE)
        assert person.id_number[6:14] == f"{person.born:%Y%m%d}"
        assert person.id_number[14:17] != "000"
        assert (int(person.id_number[16]) % 2 == 1) == (person.sex is Sex.MALE)
        assert person.post in UNITS[person.unit]
        assert 2 <= len(person.name) <= 3


def test_numbers_and_phones_of_a_hundred_thousand_people_differ() -> None:
    people = make_people(1, 100_000, POINTS)
    assert len({person.id_number for person in people}) == 100_000
    assert len({person.phone for person in people}) == 100_000
    assert all(len(person.phone) == 11 for person in people)


def test_area_codes_are_of_no_province() -> None:
    assert all(65 < int(code[:2]) <= 70 for code in (AREA_CODE, NEIGHBOUR_AREA_CODE))


def test_same_seed_same_people_and_another_seed_others() -> None:
    assert make_people(5, 50, POINTS) == make_people(5, 50, POINTS)
    assert make_people(5, 50, POINTS) != make_people(6, 50, POINTS)


def test_points_are_used_evenly_and_a_few_cards_are_lost() -> None:
    people = make_people(2, 1000, POINTS)
    assert sum(person.point == "dongyu" for person in people) == 500
    assert sum(person.card_lost for person in people) == 10
    assert not any(person.card_lost for person in make_people(2, 50, POINTS, card_lost_share=0))


def test_people_need_a_point() -> None:
    with pytest.raises(ValueError, match="point"):
        make_people(1, 1, ())


def test_share_is_at_least_one_unless_it_is_none() -> None:
    assert [share_of(200, 0.03), share_of(5, 0.03), share_of(0, 0.03), share_of(5, 0)] == [
        6,
        1,
        0,
        0,
    ]


def test_repr_tells_nothing_personal() -> None:
    (person,) = make_people(1, 1, POINTS)
    for secret in (person.id_number, person.name, person.phone, str(person.born.year)):
        assert secret not in repr(person)


def test_roster_reads_back_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    people = make_people(3, 40, POINTS)
    write_roster_csv(path, people)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == ROSTER_COLUMNS
    assert [row["id_number"] for row in rows] == [person.id_number for person in people]
    assert [row["name"] for row in rows] == [person.name for person in people]
    assert {row["status"] for row in rows} == {"", "card_lost"}
    assert sum(row["status"] == "card_lost" for row in rows) == 1
