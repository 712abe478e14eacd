"""The zones are the specimens of ICAO Doc 9303, parts 4 to 6, and variations of them."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.base import CardRead, DocumentKind
from drivers.readers.mrz_zone import (
    MrzDamaged,
    UnknownDocument,
    check_digit,
    date_not_after,
    parse_zone,
)
from sim.devices.travel import TD1, TD2, TD3, TravelDocument, check, zone

TODAY = date(2027, 1, 31)
SPECIMEN_TD3 = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"
)
SPECIMEN_TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<D231458907UTO7408122F1204159<<<<<<<6"
SPECIMEN_TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<"
)
LONG_TD2 = "I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<D23145890<UTO3407127M95071227349<<<8"
LONG_TD1 = (
    "I<UTOD23145890<7349<<<<<<<<<<<3407127M9507122UTO<<<<<<<<<<<2STEVENSON<<PETER<JOHN<<<<<<<<<"
)


@pytest.mark.parametrize(
    ("text", "digit"),
    [
        ("L898902C3", "6"),
        ("740812", "2"),
        ("120415", "9"),
        ("ZE184226B<<<<<", "1"),
        ("520727", "3"),
        ("<<<<<<", "0"),
        ("D23145890734", "9"),
    ],
)
def test_check_digits(text: str, digit: str) -> None:
    assert check_digit(text) == check(text) == digit


@pytest.mark.parametrize(
    ("text", "number", "name", "until"),
    [
        (SPECIMEN_TD3, "L898902C3", "ERIKSSON, ANNA MARIA", date(2012, 4, 15)),
        (SPECIMEN_TD2, "D23145890", "ERIKSSON, ANNA MARIA", date(2012, 4, 15)),
        (SPECIMEN_TD1, "D23145890", "ERIKSSON, ANNA MARIA", date(2012, 4, 15)),
        (LONG_TD2, "D23145890734", "STEVENSON, PETER JOHN", date(1995, 7, 12)),
        (LONG_TD1, "D23145890734", "STEVENSON, PETER JOHN", date(1995, 7, 12)),
    ],
)
def test_specimens(text: str, number: str, name: str, until: date) -> None:
    assert parse_zone(text, TODAY) == CardRead(
        document=DocumentKind.TRAVEL_DOCUMENT,
        number=number,
        number_is_valid=True,
        name=name,
        valid_from=None,
        valid_until=until,
        never_expires=False,
    )


@pytest.mark.parametrize("text", [SPECIMEN_TD3, SPECIMEN_TD2, SPECIMEN_TD1, LONG_TD1, LONG_TD2])
def test_no_single_wrong_digit_gets_a_wrong_number(text: str) -> None:
    right = parse_zone(text, TODAY)
    for at, character in enumerate(text):
        for wrong in "0123456789":
            if character.isdigit() and wrong != character:
                with pytest.raises(MrzDamaged):
                    parse_zone(text[:at] + wrong + text[at + 1 :], TODAY)
    assert right.number_is_valid


@pytest.mark.parametrize("text", [SPECIMEN_TD3, SPECIMEN_TD2, SPECIMEN_TD1])
def test_lookalikes_are_put_right_only_where_nothing_else_can_stand(text: str) -> None:
    right = parse_zone(text, TODAY)
    dates = text.replace("7408122", "74O8I22").replace("1204159", "I2O4I59")
    assert parse_zone(dates, TODAY) == right
    letters = text.replace("UTO", "UT0").replace("ERIKSSON", "ER1KSS0N").replace("MARIA", "MAR1A")
    assert parse_zone(letters, TODAY) == right
    with pytest.raises(MrzDamaged):
        parse_zone(text.replace("2C36", "2C3G").replace("58907", "589O7"), TODAY)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (SPECIMEN_TD3.replace("L898902C36", "L898902C46"), "overall"),
        (SPECIMEN_TD3.replace("7408122", "7408123"), "birth"),
        (SPECIMEN_TD3.replace("1204159", "1204158"), "expiry"),
        (SPECIMEN_TD3.replace("<<<<<10", "<<<<<20"), "personal number"),
        (SPECIMEN_TD3.replace("UTOERIKSSON", "UTOER8KSSON"), "letter"),
        (SPECIMEN_TD3.replace("7408122", "74A8122"), "letter"),
    ],
)
def test_a_zone_that_contradicts_itself_names_the_field_and_nothing_in_it(
    wrong: str, field: str
) -> None:
    with pytest.raises(MrzDamaged, match=field) as caught:
        parse_zone(wrong, TODAY)
    assert not any(secret in str(caught.value) for secret in ("L898902", "ERIKSSON", "740812"))


def test_a_wrong_number_is_noticed_even_where_the_overall_digit_is_not_asked_for() -> None:
    permit = "".join(zone(TravelDocument(number="H01234567", surname="CHAN", form=TD1, code="CR")))
    assert parse_zone(permit, TODAY).number == "H01234567"
    other_overall = permit[:59] + str((int(permit[59]) + 1) % 10) + permit[60:]
    assert parse_zone(other_overall, TODAY).number == "H01234567"
    with pytest.raises(MrzDamaged, match="document number"):
        parse_zone(permit.replace("H01234567", "H01234568"), TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P<UTO",
        SPECIMEN_TD3[:-1],
        SPECIMEN_TD3.lower(),
        "é" * 88,
        "V" + SPECIMEN_TD3[1:],
        "V" + SPECIMEN_TD2[1:],
    ],
)
def test_what_identifies_nobody(text: str) -> None:
    with pytest.raises(UnknownDocument):
        parse_zone(text, TODAY)


@pytest.mark.parametrize(
    ("text", "latest", "expected"),
    [
        ("340415", date(2077, 1, 28), date(2034, 4, 15)),
        ("770128", date(2077, 1, 28), date(2077, 1, 28)),
        ("770129", date(2077, 1, 28), date(1977, 1, 29)),
        ("991231", date(2077, 1, 28), date(1999, 12, 31)),
        ("740812", TODAY, date(1974, 8, 12)),  # a birth
        ("270131", TODAY, date(2027, 1, 31)),
        ("270201", TODAY, date(1927, 2, 1)),
        ("000229", TODAY, date(2000, 2, 29)),
        ("270229", TODAY, None),
        ("741300", TODAY, None),
        ("7408<<", TODAY, None),
        ("", TODAY, None),
    ],
)
def test_centuries(text: str, latest: date, expected: date | None) -> None:
    assert date_not_after(text, latest) == expected


@pytest.mark.parametrize("today", [date(2028, 2, 29), TODAY])
def test_an_expiry_lies_within_fifty_years(today: date) -> None:
    document = TravelDocument(number="L898902C3", surname="ERIKSSON", until="770101")
    assert parse_zone("".join(zone(document)), today).valid_until == date(2077, 1, 1)


def test_an_expiry_that_is_no_date_is_none() -> None:
    document = TravelDocument(number="L898902C3", surname="ERIKSSON", until="340431")
    assert parse_zone("".join(zone(document)), TODAY).valid_until is None


NAMES = st.from_regex(r"[A-Z]{1,7}( [A-Z]{1,6})?", fullmatch=True)  # two of them fit into a TD1


@given(
    st.sampled_from([TD1, TD2, TD3]), st.from_regex(r"[A-Z0-9]{1,9}", fullmatch=True), NAMES, NAMES
)
def test_what_is_printed_is_read(form: str, number: str, surname: str, given: str) -> None:
    document = TravelDocument(number=number, surname=surname, given=given, form=form, code="P")
    read = parse_zone("".join(zone(document)), TODAY)
    assert (read.number, read.name) == (number, f"{surname}, {given}")


@given(st.text(max_size=100) | st.text("ABCP0123456789<", min_size=88, max_size=88))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(MrzDamaged, UnknownDocument):
        assert parse_zone(text, TODAY).number
