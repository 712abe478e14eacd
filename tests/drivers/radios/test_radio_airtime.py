from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.radios.airtime import MeasuredAirtime, lora_airtime_s

KHZ = 1000


@pytest.mark.parametrize(
    ("spreading_factor", "payload_bytes", "expected_ms"),
    [
        (7, 20, 56.6),
        (7, 222, 348.4),
        (9, 51, 328.7),
        (9, 222, 1106.9),
        (10, 115, 1148.9),
        (11, 51, 1314.8),
        (12, 222, 8036.4),
    ],
)
def test_published_airtimes(spreading_factor: int, payload_bytes: int, expected_ms: float) -> None:
    airtime_s = lora_airtime_s(payload_bytes, spreading_factor, 125 * KHZ)
    assert round(airtime_s * 1000, 1) == expected_ms


def test_short_spreading_factors_have_a_longer_preamble() -> None:
    """20 bytes at SF5: 12 + 6.25 + 8 + ceil((160 - 20 + 16 + 20) / 20) * 5 symbols of 64 us."""
    assert lora_airtime_s(20, 5, 500 * KHZ) == pytest.approx((26.25 + 45) * 64e-6)


def test_a_measured_table_is_followed_between_and_beyond_its_points() -> None:
    measured = MeasuredAirtime(((10, 0.2), (50, 0.4), (100, 0.5)))
    for size, expected_s in ((10, 0.2), (30, 0.3), (50, 0.4), (75, 0.45), (100, 0.5), (200, 0.7)):
        assert measured.airtime_s(size) == pytest.approx(expected_s)
    assert measured.airtime_s(1) == pytest.approx(0.2)


@given(
    st.lists(st.integers(1, 240), min_size=2, unique=True).map(sorted),
    st.data(),
)
def test_a_longer_frame_never_takes_less(sizes: list[int], data: st.DataObject) -> None:
    times = sorted(data.draw(st.floats(0, 10)) for _ in sizes)
    measured = MeasuredAirtime(tuple(zip(sizes, times, strict=True)))
    for shorter, longer in pairwise(range(1, 250)):
        assert measured.airtime_s(shorter) <= measured.airtime_s(longer) + 1e-9


@pytest.mark.parametrize(
    "points", [(), ((1, 0.1),), ((1, 0.1), (1, 0.2)), ((2, 0.1), (1, 0.2)), ((1, 0.2), (2, 0.1))]
)
def test_points_that_are_no_table_are_refused(points: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        MeasuredAirtime(points)
