"""What a modem of ours may send: against the figures of hw/lora-phy.md, and against the judge's."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverConfigError
from drivers.radios.airtime import lora_airtime_s
from drivers.radios.law import (
    BANDS,
    LEAST_FRAME_BYTES,
    Budget,
    Emission,
    band_of,
    longest_frame_bytes,
)
from drivers.radios.opening import check_law
from drivers.radios.site import REGION_NAMES, RadioSettings, RegionName
from sim.air.lora import LoraSettings
from sim.air.regions import REGIONS

EDGES_HZ = sorted(
    {
        edge
        for region in REGIONS.values()
        for band in region.bands
        for edge in (band.low_hz, band.high_hz)
    }
)
HALVES_HZ = [sign * half for sign in (-1, 1) for half in (62_500, 62_501, 125_000, 250_000)]


def emission(
    frequency_mhz: float, spreading_factor: int = 9, bandwidth_hz: int = 125_000, erp_dbm: float = 0
) -> Emission:
    return Emission(
        frequency_hz=round(frequency_mhz * 1e6),
        bandwidth_hz=bandwidth_hz,
        erp_dbm=erp_dbm,
        can_listen=True,
        max_frame_bytes=255,
        airtime_s=lambda size: lora_airtime_s(size, spreading_factor, bandwidth_hz),
    )


def test_every_region_has_its_bands() -> None:
    assert set(BANDS) == set(REGION_NAMES) == set(REGIONS)


@given(
    st.sampled_from(REGION_NAMES),
    st.one_of(
        st.integers(430_000_000, 930_000_000),
        st.builds(sum, st.tuples(st.sampled_from(EDGES_HZ), st.integers(-500_000, 500_000))),
        st.builds(sum, st.tuples(st.sampled_from(EDGES_HZ), st.sampled_from(HALVES_HZ))),
    ),
    st.sampled_from([125_000, 250_000, 500_000]),
)
def test_band_and_limits_are_the_judges(
    region: RegionName, frequency_hz: int, bandwidth_hz: int
) -> None:
    """Written from the same page, by another hand."""
    judged = REGIONS[region].band(
        LoraSettings(frequency_hz=frequency_hz, spreading_factor=9, bandwidth_hz=bandwidth_hz)
    )
    try:
        band = band_of(region, replace(emission(1, 7, bandwidth_hz), frequency_hz=frequency_hz))
    except DriverConfigError:
        assert judged is None
        return
    assert judged is not None
    assert (band.low_hz, band.high_hz) == (judged.low_hz, judged.high_hz)
    assert (band.erp_dbm, band.longest_s) == (judged.power_dbm, judged.longest_s)
    assert band.must_listen == judged.listen_first
    allowed = judged.allowance
    assert band.budget == (None if allowed is None else Budget(allowed.seconds_s, allowed.window_s))


@pytest.mark.parametrize(
    ("spreading_factor", "longest_bytes"), [(7, 255), (8, 255), (9, 197), (10, 99), (11, 36)]
)
def test_a_frame_in_china_takes_a_second_at_most(spreading_factor: int, longest_bytes: int) -> None:
    sent = emission(471.125, spreading_factor)
    assert longest_frame_bytes(sent, band_of("CN470", sent)) == longest_bytes


def test_a_rate_too_slow_for_any_use_is_refused() -> None:
    sent = emission(471.125, 12)
    assert longest_frame_bytes(sent, BANDS["CN470"][0]) == 10
    with pytest.raises(DriverConfigError, match="CN470 470-510 MHz: one frame at most 1 s"):
        band_of("CN470", sent)
    assert LEAST_FRAME_BYTES > 10


def test_a_frame_in_america_stays_within_its_channels_dwell() -> None:
    sent = emission(915, 9)
    band = band_of("US915", sent)
    longest_bytes = longest_frame_bytes(sent, band)
    assert sent.airtime_s(longest_bytes) <= 0.4 < sent.airtime_s(longest_bytes + 1)


@pytest.mark.parametrize(
    ("region", "sent", "rule"),
    [
        ("CN470", emission(471.125, erp_dbm=17.01), "at most 17 dBm"),
        ("CN470", emission(471.125, bandwidth_hz=250_000, erp_dbm=17), "at most 14 dBm"),
        ("CN470", emission(433.125), "lies in no band"),
        ("CN470", emission(470.05), "lies in no band"),
        ("CN470", replace(emission(471.125), can_listen=False), "must listen"),
        ("EU868", emission(868.65), "863-865 MHz, 865-868 MHz"),
        ("EU868", emission(869.525, bandwidth_hz=500_000), "lies in no band"),
        ("EU868", emission(868.3, erp_dbm=14.1), "EU868 868-868.6 MHz: at most 14 dBm"),
        ("EU433", emission(433.125, erp_dbm=13), "at most 10 dBm"),
        ("US915", emission(868.3), "lies in no band"),
    ],
)
def test_what_cannot_be_legal_is_refused_by_its_rule(
    region: RegionName, sent: Emission, rule: str
) -> None:
    with pytest.raises(DriverConfigError, match=rule):
        band_of(region, sent)


def test_a_tenth_of_the_hour_is_allowed_where_27_dbm_are() -> None:
    band = band_of("EU868", emission(869.525, erp_dbm=27))
    assert band.budget == Budget(360, 3600)


E22 = RadioSettings("e22", "serial:///dev/ttyUSB0", "CN470", 471.125, power_dbm=17)


def test_a_townships_modem_is_legal() -> None:
    assert str(check_law(E22, Path())) == "CN470 470-510 MHz"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"power_dbm": 22}, "at most 17"),
        ({"antenna_dbi": 5.15}, "makes 20"),
        ({"kind": "e32", "frequency_mhz": 471}, "must listen"),
        ({"air_bps": 300}, "choose a faster one"),
        ({"air_bps": 4800}, "at most 14"),
        ({"region": "EU868"}, "no band"),
    ],
    ids=repr,
)
def test_a_modem_that_cannot_be_legal_is_refused(change: dict[str, object], rule: str) -> None:
    with pytest.raises(DriverConfigError, match=rule):
        check_law(msgspec.structs.replace(E22, **change), Path())
