from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.air.judge import LISTENED_WITHIN_S, Breach, Judge
from sim.air.lora import LoraSettings, airtime_s, longest_frame_bytes
from sim.air.regions import CN470, EU433, EU868, REGIONS, US915

CN = LoraSettings(frequency_hz=471_100_000, spreading_factor=9, power_dbm=17)
EU = LoraSettings(frequency_hz=868_300_000, spreading_factor=9, power_dbm=14)
EU_10 = LoraSettings(frequency_hz=869_525_000, spreading_factor=9, power_dbm=27)
US = LoraSettings(frequency_hz=903_900_000, spreading_factor=7, power_dbm=20)


def listened(settings: LoraSettings = CN, *, clear: bool = True) -> Judge:
    judge = Judge(CN470)
    judge.listened("t1", settings, 0.0, clear=clear)
    return judge


def test_china_wants_one_second_one_channel_heard_clear() -> None:
    assert listened().breaches("t1", CN, 0.984, 0.0) == ()
    assert listened().breaches("t1", CN, 1.107, 0.0) == (Breach.TOO_LONG,)
    assert listened().breaches("t1", replace(CN, power_dbm=20), 0.2, 0.0) == (Breach.TOO_STRONG,)
    assert listened().breaches("t1", replace(CN, bandwidth_hz=250_000), 0.2, 0.0) == (
        Breach.TOO_STRONG,
    )
    assert listened(clear=False).breaches("t1", CN, 0.2, 0.0) == (Breach.NOT_LISTENED,)
    assert listened().breaches("t2", CN, 0.2, 0.0) == (Breach.NOT_LISTENED,)
    late_s = LISTENED_WITHIN_S + 0.001
    assert listened().breaches("t1", CN, 0.2, late_s) == (Breach.NOT_LISTENED,)
    elsewhere = replace(CN, frequency_hz=472_100_000)
    assert listened(elsewhere).breaches("t1", CN, 0.2, 0.0) == (Breach.NOT_LISTENED,)


@pytest.mark.parametrize(("factor", "longest_bytes"), [(7, 255), (9, 197), (10, 99), (12, 10)])
def test_the_one_second_rule_is_the_table_of_frame_sizes(factor: int, longest_bytes: int) -> None:
    settings = replace(CN, spreading_factor=factor)
    assert longest_frame_bytes(settings, CN470.bands[0].longest_s or 0) == longest_bytes


@pytest.mark.parametrize(
    ("settings", "size", "frames"),
    [
        (replace(EU, spreading_factor=7), 222, 103),
        (EU, 115, 58),
        (replace(EU, spreading_factor=12), 51, 14),
        (replace(EU_10, spreading_factor=7), 222, 1033),
        (EU_10, 115, 584),
        (replace(EU_10, spreading_factor=12), 51, 145),
    ],
)
def test_frames_an_hour_under_duty_cycle(settings: LoraSettings, size: int, frames: int) -> None:
    """hw/lora-phy.md 5."""
    judge, length_s = Judge(EU868), airtime_s(settings, size)
    verdicts = [
        judge.enter("t1", settings, length_s, number * length_s) for number in range(frames + 1)
    ]
    assert verdicts == [()] * frames + [(Breach.TOO_MUCH,)]


@pytest.mark.parametrize(
    ("frequency_hz", "share"),
    [
        (864_000_000, 0.001),
        (866_000_000, 0.01),
        (868_100_000, 0.01),
        (869_000_000, 0.001),
        (869_525_000, 0.1),
        (869_850_000, 0.01),
    ],
)
def test_the_sub_bands_of_868_mhz(frequency_hz: int, share: float) -> None:
    settings = replace(EU, frequency_hz=frequency_hz)
    assert Judge(EU868).left_s("t1", settings, 0.0) == pytest.approx(share * 3600)
    strong = Judge(EU868).breaches("t1", replace(settings, power_dbm=27), 0.1, 0.0)
    assert strong == (() if share == 0.1 else (Breach.TOO_STRONG,))


@pytest.mark.parametrize("frequency_hz", [862_000_000, 868_000_000, 868_650_000, 869_410_000])
def test_gaps_and_edges_are_nobodys(frequency_hz: int) -> None:
    settings = replace(EU, frequency_hz=frequency_hz)
    assert Judge(EU868).breaches("t1", settings, 0.1, 0.0) == (Breach.OUT_OF_BAND,)
    assert Judge(EU868).left_s("t1", settings, 0.0) == 0


def test_every_sender_and_every_sub_band_has_its_own_budget() -> None:
    judge = Judge(EU868)
    judge.enter("t1", EU, 36.0, 0.0)
    assert judge.left_s("t1", EU, 36.0) == 0
    assert judge.left_s("t1", EU_10, 36.0) == 360
    assert judge.left_s("t2", EU, 36.0) == 36


def test_airtime_comes_back_after_an_hour() -> None:
    judge = Judge(EU433)
    settings = replace(EU, frequency_hz=433_920_000, power_dbm=10)
    judge.enter("t1", settings, 300.0, 0.0)
    assert judge.left_s("t1", settings, 300.0) == pytest.approx(60)
    assert judge.left_s("t1", settings, 3600.0) == pytest.approx(60)
    assert judge.left_s("t1", settings, 3700.0) == pytest.approx(160)
    assert judge.left_s("t1", settings, 3900.0) == pytest.approx(360)


def test_america_counts_each_hopping_channel_and_not_the_wide_ones() -> None:
    judge, other = Judge(US915), replace(US, frequency_hz=904_100_000)
    assert judge.enter("t1", US, 0.348, 0.0) == ()
    assert judge.breaches("t1", US, 0.348, 1.0) == (Breach.TOO_MUCH,)
    assert judge.breaches("t1", other, 0.348, 1.0) == ()
    assert judge.breaches("t1", US, 0.348, 20.0) == ()
    assert judge.breaches("t1", US, 0.401, 60.0) == (Breach.TOO_MUCH,)
    wide = replace(US, bandwidth_hz=500_000)
    assert judge.left_s("t1", wide, 1.0) == float("inf")


def test_what_is_illegal_is_booked_all_the_same() -> None:
    judge = Judge(EU868)
    assert judge.enter("t1", EU, 37.0, 0.0) == (Breach.TOO_MUCH,)
    assert judge.left_s("t1", EU, 37.0) == 0


@given(
    st.lists(st.tuples(st.floats(0, 900), st.floats(0.01, 12)), min_size=1, max_size=40),
    st.sampled_from(sorted(REGIONS)),
)
def test_who_sends_only_what_is_left_keeps_the_law_in_every_hour(
    story: list[tuple[float, float]], name: str
) -> None:
    """Checked by counting again, in every window that ends with a transmission."""
    region = REGIONS[name]
    judge, now_s = Judge(region), 0.0
    band = region.bands[0]
    settings = LoraSettings(
        frequency_hz=(band.low_hz + band.high_hz) // 2, spreading_factor=9, power_dbm=10
    )
    sent: list[tuple[float, float]] = []
    for pause_s, length_s in story:
        now_s += pause_s
        if length_s > judge.left_s("t1", settings, now_s):
            continue
        assert Breach.TOO_MUCH not in judge.enter("t1", settings, length_s, now_s)
        sent.append((now_s, now_s + length_s))
        now_s += length_s
    if band.allowance is None:
        assert len(sent) == len(story)
        return
    for _, window_end_s in sent:
        since_s = window_end_s - band.allowance.window_s
        used_s = sum(
            max(0.0, min(end_s, window_end_s) - max(start_s, since_s)) for start_s, end_s in sent
        )
        assert used_s <= band.allowance.seconds_s + 1e-6
