"""Zones in a recording: specimens that still add up, or still do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.masks.mrz import MrzMask, check_digit, specimen_zone

# The specimens of ICAO Doc 9303, parts 4 to 6.
TD3 = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
)
LONG = (
    "I<UTOD23145890<7349<<<<<<<<<<<",
    "3407127M9507122UTO<<<<<<<<<<<2",
    "STEVENSON<<PETER<JOHN<<<<<<<<<",
)
ZONES = [TD3, TD2, TD1, LONG]


def masked(data: str, mask: MrzMask | None = None) -> str:
    mask = mask or MrzMask()
    return (mask.feed(data.encode()) + mask.end()).decode()


def overall_is_right(zone: str) -> bool:
    covered = {
        90: zone[5:30] + zone[30:37] + zone[38:45] + zone[48:59],
        72: zone[36:46] + zone[49:56] + zone[57:71],
        88: zone[44:54] + zone[57:64] + zone[65:87],
    }[len(zone)]
    return check_digit(covered) == zone[59 if len(zone) == 90 else -1]


def test_the_published_check_digits() -> None:
    assert [check_digit(text) for text in ("L898902C3", "740812", "120415", "ZE184226B<<<<<")] == [
        *("6", "2", "9", "1")
    ]
    assert all(overall_is_right("".join(zone)) for zone in ZONES)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("separator", ["\r", "\r\n", "\r\n\r", ""])
def test_a_zone_becomes_a_specimen_that_adds_up(zone: tuple[str, ...], separator: str) -> None:
    said = separator.join(zone) + "\r"
    out = masked(said)
    assert len(out) == len(said)
    lines = "".join(out.split())
    original = "".join(zone)
    assert overall_is_right(lines)
    assert lines[:2] == original[:2]
    assert [a == "<" for a in lines] == [a == "<" for a in original]
    for said_of_somebody in ("ERIKSSON", "STEVENSON", "ANNA", "740812", "D2314", "L8989", "ZE18"):
        assert said_of_somebody not in lines


def test_the_fields_of_a_passport() -> None:
    assert masked("\r".join(TD3) + "\r").split() == [
        "P<AAAAAAAAAAA<<AAAA<AAAAA<<<<<<<<<<<<<<<<<<<",
        specimen_zone("".join(TD3), 1)[44:],
    ]
    second = specimen_zone("".join(TD3), 1)[44:]
    assert (second[13:19], second[21:27]) == ("800101", "400101")
    assert check_digit(second[0:9]) == second[9]
    assert check_digit(second[13:19]) == second[19]
    assert check_digit(second[21:27]) == second[27]
    assert check_digit(second[28:42]) == second[42]


def test_a_number_of_more_than_nine_keeps_its_check_digit_where_it_is() -> None:
    zone = specimen_zone("".join(LONG), 1)
    assert (zone[14], zone[19]) == ("<", "<")
    assert check_digit(zone[5:14] + zone[15:18]) == zone[18]


@pytest.mark.parametrize("at", [44 + 9, 44 + 19, 44 + 27, 44 + 42, 87])
def test_a_misread_check_digit_stays_wrong(at: int) -> None:
    zone = "".join(TD3)
    misread = zone[:at] + str((int(zone[at]) + 5) % 10) + zone[at + 1 :]
    good, bad = specimen_zone(zone, 1), specimen_zone(misread, 1)
    assert bad[at] != good[at]


def test_two_documents_stay_two_and_one_stays_one() -> None:
    other = (TD3[0], "X898902C36UTO7408122F1204159ZE184226B<<<<<10")
    out = masked("".join("\r".join(zone) + "\r" for zone in (TD3, other, TD3))).split()
    assert out[1] == out[5] != out[3]


def test_what_is_no_zone_is_masked_as_any_line() -> None:
    assert masked("4006381333931\r") == "0000000000001\r"
    assert masked(TD3[0] + "\rhello\r").split()[1] == "aaaac"
    assert masked(TD3[0] + "\r" + TD1[0] + "\r").count("<") == TD3[0].count("<") + TD1[0].count("<")
    assert "ERIKSSON" not in masked(TD3[0])


@given(st.text("AB09<\r\n ", max_size=200), st.lists(st.integers(0, 200)))
def test_pieces_change_nothing(text: str, cuts: list[int]) -> None:
    data = text.encode()
    mask, out, at = MrzMask(), b"", 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        out += mask.feed(data[at:cut])
        at = cut
    out += mask.end()
    assert out.decode() == masked(text)
    assert len(out) == len(data)
