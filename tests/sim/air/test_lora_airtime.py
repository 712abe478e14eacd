"""The tables of hw/lora-phy.md 1 and 2."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.air.lora import (
    BANDWIDTHS_HZ,
    SPREADING_FACTORS,
    LoraSettings,
    airtime_s,
    bits_per_s,
    longest_frame_bytes,
    needed_from_s,
    noise_floor_dbm,
    preamble_s,
    same_chirps,
    sensitivity_dbm,
    shares_spectrum,
    symbol_s,
    understands,
)

F_HZ = 471_100_000


def sf(factor: int, bandwidth_hz: int = 125_000, **others: Any) -> LoraSettings:
    plain = LoraSettings(frequency_hz=F_HZ, spreading_factor=factor, bandwidth_hz=bandwidth_hz)
    return replace(plain, **others)


TABLE_MS = {
    7: (1.024, 5469, {20: 56.6, 51: 102.7, 115: 194.8, 222: 348.4}, 255),
    8: (2.048, 3125, {20: 102.9, 51: 184.8, 115: 348.7, 222: 614.9}, 255),
    9: (4.096, 1758, {20: 185.3, 51: 328.7, 115: 615.4, 222: 1106.9}, 197),
    10: (8.192, 977, {20: 370.7, 51: 616.4, 115: 1148.9, 222: 2009.1}, 99),
    11: (16.384, 537, {20: 741.4, 51: 1314.8, 115: 2461.7, 222: 4427.8}, 36),
    12: (32.768, 293, {20: 1318.9, 51: 2465.8, 115: 4431.9, 222: 8036.4}, 10),
}


@pytest.mark.parametrize("factor", TABLE_MS)
def test_the_table_of_airtimes(factor: int) -> None:
    symbol_ms, rate, airtimes_ms, longest_bytes = TABLE_MS[factor]
    settings = sf(factor)
    assert symbol_s(settings) * 1000 == pytest.approx(symbol_ms)
    assert bits_per_s(settings) == pytest.approx(rate, abs=0.5)
    for size, expected_ms in airtimes_ms.items():
        assert airtime_s(settings, size) * 1000 == pytest.approx(expected_ms, abs=0.051)
    assert longest_frame_bytes(settings, 1.0) == longest_bytes


@pytest.mark.parametrize(
    ("settings", "size", "expected_ms"),
    [
        (sf(5), 20, 18.24),  # 12 + 6.25 + 8 symbols, and ceil(176 / 20) blocks of 5
        (sf(6), 20, 33.92),  # the same, ceil(172 / 24) blocks
        (sf(9, 500_000), 51, 82.176),  # a quarter of the worked example's 328.7
        (sf(12, 250_000), 51, 1232.896),  # low data rate optimisation still on
        (sf(12, 500_000), 51, 534.528),  # no longer
        (sf(9, coding_rate=4), 51, 476.16),  # 12 blocks of 8
        (sf(9, preamble_symbols=16), 51, 361.472),  # eight symbols more
    ],
)
def test_other_settings(settings: LoraSettings, size: int, expected_ms: float) -> None:
    assert airtime_s(settings, size) * 1000 == pytest.approx(expected_ms)


def test_a_header_and_a_crc_cost_their_bits() -> None:
    whole = sf(9)
    bare = sf(9, explicit_header=False, crc=False)
    assert airtime_s(whole, 51) - airtime_s(bare, 51) == pytest.approx(5 * symbol_s(whole))


@given(
    st.sampled_from(SPREADING_FACTORS),
    st.sampled_from(BANDWIDTHS_HZ),
    st.integers(1, 4),
    st.integers(0, 254),
)
def test_airtime_grows_with_everything(
    factor: int, bandwidth_hz: int, coding_rate: int, size: int
) -> None:
    settings = sf(factor, bandwidth_hz, coding_rate=coding_rate)
    here_s = airtime_s(settings, size)
    assert preamble_s(settings) + 8 * symbol_s(settings) <= here_s
    assert here_s <= airtime_s(settings, size + 1)
    longest = longest_frame_bytes(settings, here_s)
    assert longest is not None
    assert longest >= size
    assert needed_from_s(settings) < preamble_s(settings)


def test_nothing_fits_into_no_time() -> None:
    assert longest_frame_bytes(sf(12), 0.1) is None


@pytest.mark.parametrize("size", [-1, 256])
def test_sizes_that_do_not_exist(size: int) -> None:
    with pytest.raises(ValueError, match="no frame has"):
        airtime_s(sf(7), size)


@pytest.mark.parametrize(
    "wrong",
    [
        {"spreading_factor": 4},
        {"spreading_factor": 13},
        {"bandwidth_hz": 62_500},
        {"coding_rate": 0},
        {"coding_rate": 5},
        {"preamble_symbols": 4},
    ],
)
def test_settings_no_chip_has(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^no"):
        replace(sf(9), **wrong)


def test_sensitivity_follows_the_spreading_factor_and_the_bandwidth() -> None:
    """FLoRa's row for 125 kHz; each wider bandwidth hears less."""
    row = [sensitivity_dbm(sf(factor)) for factor in range(7, 13)]
    assert row == [-124, -127, -130, -133, -135, -137]
    for factor in SPREADING_FACTORS:
        by_bandwidth = [sensitivity_dbm(sf(factor, hz)) for hz in BANDWIDTHS_HZ]
        assert by_bandwidth == sorted(by_bandwidth)


def test_the_noise_floor() -> None:
    assert noise_floor_dbm(125_000) == pytest.approx(-117.03, abs=0.01)


@pytest.mark.parametrize(
    ("other", "collides", "understood", "measured"),
    [
        (sf(9), True, True, True),
        (sf(9, frequency_hz=F_HZ + 30_000), True, True, True),
        (sf(9, frequency_hz=F_HZ + 31_000), False, False, True),
        (sf(9, frequency_hz=F_HZ + 125_000), False, False, False),
        (sf(8), False, False, True),
        (sf(9, 250_000), False, False, True),
        (sf(9, sync_word=0x3444), True, False, True),
        (sf(9, coding_rate=4), True, True, True),
        (sf(9, explicit_header=False), True, False, True),
    ],
)
def test_who_disturbs_and_who_understands(
    other: LoraSettings, collides: bool, understood: bool, measured: bool
) -> None:
    assert same_chirps(sf(9), other) is collides
    assert understands(sf(9), other) is understood
    assert shares_spectrum(sf(9), other) is measured


def test_without_headers_the_coding_rates_must_agree() -> None:
    bare = sf(9, explicit_header=False)
    assert understands(bare, bare)
    assert not understands(bare, sf(9, explicit_header=False, coding_rate=2))
