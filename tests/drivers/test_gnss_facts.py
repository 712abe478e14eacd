"""What a sentence states; each trap of pynmea2 that we know of has a test that shows it."""

from dataclasses import replace
from datetime import UTC, date, time
from functools import reduce
from operator import xor
from typing import Any

import pynmea2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gnss.base import Antenna, SelfReport
from drivers.gnss.facts import Gga, Gsa, Gsv, NoFact, Rmc, Zda, read_fact

RMC = "GNRMC,000653.00,A,4404.12994,N,12118.84613,W,10.000,,090624,,,A,V"
GGA = "GNGGA,000653.00,4404.12994,N,12118.84613,W,1,29,0.69,1109.2,M,,M,,"


def framed(body: str) -> str:
    return f"${body}*{reduce(xor, body.encode(), 0):02X}"


def rmc(body: str = RMC) -> Rmc:
    fact = read_fact(framed(body))
    assert isinstance(fact, Rmc)
    return fact


def gga(body: str = GGA) -> Gga:
    fact = read_fact(framed(body))
    assert isinstance(fact, Gga)
    return fact


def gsv(body: str) -> Gsv:
    fact = read_fact(framed(body))
    assert isinstance(fact, Gsv)
    return fact


def test_rmc() -> None:
    fact = rmc()
    assert (fact.time_of_day, fact.day) == (time(0, 6, 53, tzinfo=UTC), date(2024, 6, 9))
    assert (fact.active, fact.mode) == (True, "A")
    assert fact.position is not None
    assert fact.position.latitude_deg == pytest.approx(44 + 4.12994 / 60)
    assert fact.position.longitude_deg == pytest.approx(-121 - 18.84613 / 60)
    assert fact.speed_mps == pytest.approx(5.14444, abs=1e-5)


def test_gga() -> None:
    fact = gga()
    assert (fact.quality, fact.satellites, fact.hdop, fact.altitude_m) == (1, 29, 0.69, 1109.2)
    assert fact.position == rmc().position


def test_gsa_and_zda() -> None:
    assert read_fact(framed("GNGSA,A,3,08,10,,,,,,,,,,,1.05,0.69,0.79,1")) == Gsa(3)
    zda = read_fact(framed("GPZDA,223251.00,21,04,2016,-00,00"))
    assert zda == Zda(time(22, 32, 51, tzinfo=UTC), date(2016, 4, 21))


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "GB", "BD", "GQ"])
def test_every_talker(talker: str) -> None:
    assert rmc(talker + RMC[2:]) == replace(rmc(), talker=talker)
    assert gga(talker + GGA[2:]) == replace(gga(), talker=talker)


def test_pynmea2_refuses_a_receiver_that_gives_no_navigation_status() -> None:
    assert not pynmea2.parse(framed(RMC), check=True).is_valid  # its nav_status is V
    assert rmc().active


@pytest.mark.parametrize(
    "place", [",,,", "4404.1,,12118.8,W", "4404.1,N,12118.8,", ",N,12118.8,W", "4404.1,N,,W"]
)
def test_pynmea2_makes_zero_of_a_position_that_is_not_there(place: str) -> None:
    body = RMC.replace("4404.12994,N,12118.84613,W", place)
    parsed: Any = pynmea2.parse(framed(body), check=True)
    assert 0.0 in {parsed.latitude, parsed.longitude}
    assert rmc(body).position is None


@pytest.mark.parametrize(
    "place", ["0000.00000,N,00000.00000,E", "9100.0,N,00000.1,E", "4404.1,N,18100.0,W"]
)
def test_positions_that_cannot_be(place: str) -> None:
    assert rmc(RMC.replace("4404.12994,N,12118.84613,W", place)).position is None


def test_pynmea2_accepts_a_sentence_without_checksum_unless_told() -> None:
    assert pynmea2.parse(f"${RMC}")
    assert read_fact(f"${RMC}") is NoFact.UNKNOWN


@pytest.mark.parametrize(
    "text", ["246060.00", "0006", "00:06:53", "000653.", "235960.00", "N", "00 653", "0006530.5"]
)
def test_pynmea2_leaves_a_bad_time_as_text(text: str) -> None:
    body = RMC.replace("000653.00", text)
    assert read_fact(framed(body)) is NoFact.UNREADABLE


@pytest.mark.parametrize("text", ["", "000000", "320124", "garbage"])
def test_a_date_that_is_none_leaves_the_rest_standing(text: str) -> None:
    fact = rmc(RMC.replace("090624", text))
    assert (fact.day, fact.active) == (None, True)


@pytest.mark.parametrize("calendar", [",,", "00,00,0000", "31,02,2024", "1,x,2024"])
def test_zda_without_a_date(calendar: str) -> None:
    fact = read_fact(framed(f"GPZDA,223251.00,{calendar},00,00"))
    assert fact == Zda(time(22, 32, 51, tzinfo=UTC), None)


@pytest.mark.parametrize("latitude", ["44O4.12994", "4404", "-404.1", "nan"])
def test_pynmea2_raises_late_on_bad_coordinates(latitude: str) -> None:
    body = RMC.replace("4404.12994", latitude)
    parsed: Any = pynmea2.parse(framed(body), check=True)
    with pytest.raises(ValueError, match="Geographic"):
        _ = parsed.latitude
    assert read_fact(framed(body)) is NoFact.UNREADABLE


@pytest.mark.parametrize(
    "body",
    [
        GGA.replace(",W,1,", ",W,x,"),
        GGA.replace(",W,1,", ",W,,"),
        GGA.replace(",29,", ",twelve,"),
        GGA.replace("0.69", "nan"),
        GGA.replace("1109.2", "inf"),
        RMC.replace("10.000", "fast"),
        "GNGSA,A,,08,10,,,,,,,,,,,1.05,0.69,0.79,1",
        "GPGSV,1,1",
        "GPGSV,1,1,x",
        "GPGSV,1,1,01,08,38,280,loud",
    ],
)
def test_fields_that_are_none(body: str) -> None:
    assert read_fact(framed(body)) is NoFact.UNREADABLE


def test_empty_numbers_are_not_said() -> None:
    fact = gga(GGA.replace(",29,0.69,1109.2,", ",,,,"))
    assert (fact.satellites, fact.hdop, fact.altitude_m) == (None, None, None)


def test_rmc_before_and_after_the_mode_was_introduced() -> None:
    assert rmc(RMC.removesuffix(",A,V")).mode is None
    assert rmc(RMC.removesuffix(",A,V") + ",").mode == ""
    assert rmc(RMC.removesuffix(",V")).mode == "A"


@pytest.mark.parametrize(
    ("body", "signal"),
    [
        ("GPGSV,3,3,12,08,03,037,,05,00,245,24", ""),
        ("GPGSV,3,3,12,08,03,037,,05,00,245,24,1", "1"),
        ("BDGSV,3,3,12,08,03,037,,05,00,245,24,1,0", ""),
    ],
)
def test_gsv_with_and_without_the_fields_pynmea2_takes_for_a_satellite(
    body: str, signal: str
) -> None:
    fact = gsv(body)
    assert (fact.signal, fact.in_view) == (signal, 12)
    assert fact.cn0_dbhz == (("08", None), ("05", 24))


def test_pynmea2_takes_a_signal_id_for_a_satellite() -> None:
    parsed: Any = pynmea2.parse(framed("GPGSV,1,1,01,08,03,037,33,7"), check=True)
    assert parsed.sv_prn_num_2 == "7"
    assert gsv("GPGSV,1,1,01,08,03,037,33,7").cn0_dbhz == (("08", 33),)


def test_gsv_with_empty_slots() -> None:
    assert gsv("GPGSV,1,1,00,,,,,,,,,,,,,,,,").cn0_dbhz == ()


@pytest.mark.parametrize(
    "body",
    ["BDTXP,1,2,3", "BDICP,1,2", "CCTXA,1", "SNRSTAT,1,1,0,0", "GYOACC,0,1", "PSTI,030", "P", ""],
)
def test_the_makers_own(body: str) -> None:
    assert read_fact(framed(body)) is NoFact.UNKNOWN


@pytest.mark.parametrize(
    ("body", "antenna"),
    [
        ("GPTXT,01,01,01,ANTENNA OK", Antenna.OK),
        ("GPTXT,01,01,01,ANTENNA OPEN", Antenna.OPEN),
        ("GNTXT,01,01,01,ANTENNA SHORT", Antenna.SHORT),
        ("GNTXT,01,01,02,ANTSTATUS=OPEN", Antenna.OPEN),
    ],
)
def test_what_the_receiver_says_of_its_antenna(body: str, antenna: Antenna) -> None:
    assert read_fact(framed(body)) == SelfReport(antenna=antenna)


@pytest.mark.parametrize(
    "body",
    [
        "GPVTG,1,T,,M,0.0,N,0.0,K,A",
        "GNTXT,01,01,00,PDTINFO",
        "GNTXT,01,01,02,ANTSTATUS=DONTKNOW",
    ],
)
def test_about_something_else(body: str) -> None:
    assert read_fact(framed(body)) is NoFact.UNUSED


bodies = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=110),
    st.builds(
        lambda talker, kind, fields: f"{talker}{kind},{','.join(fields)}",
        st.sampled_from(["GP", "GN", "BD", "P"]),
        st.sampled_from(["RMC", "GGA", "GSA", "GSV", "ZDA", "UBX", "VTG"]),
        st.lists(
            st.sampled_from(["", "0", "1", "-1", "A", "N", "nan", "000653.00", "4404.1", "090624"])
            | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8),
            max_size=20,
        ),
    ),
).filter(lambda body: "$" not in body and "*" not in body)


@given(bodies)
def test_any_framed_sentence_is_read_or_refused(body: str) -> None:
    read_fact(framed(body))
