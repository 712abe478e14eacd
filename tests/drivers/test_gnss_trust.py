"""What speaks against a receiver, and what becomes of its position and time then."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gnss.base import (
    Antenna,
    Fix,
    FixQuality,
    GnssEvent,
    NoFix,
    NoFixReason,
    SatelliteView,
    SelfReport,
)
from drivers.gnss.place import Position, metres_between
from drivers.gnss.rules import JAM_INDICATOR_RISE, MAX_SPEED_MPS, NOISE_M, ClockFacts, Rule
from drivers.gnss.trust import HOLD_S, STALE_AFTER_S, GnssTrust, Judgement, Trust

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
CLOCK = ClockFacts(NOON - timedelta(days=1), NOON + timedelta(days=3650))
HERE = Position(30.0, 104.0)
METRE_DEG = 1 / 111_195
SKY = SatelliteView(12, (44, 41, 39, 37, 33, 30, 28))


def fix(
    second: float,
    *,
    north_m: float = 0.0,
    up_m: float = 0.0,
    speed_mps: float | None = 0.0,
    late_s: float = 0.0,
    view: SatelliteView | None = SKY,
    report: SelfReport | None = None,
    apart_m: float | None = None,
) -> Fix:
    return Fix(
        utc=NOON + timedelta(seconds=second + late_s),
        latitude_deg=HERE.latitude_deg + north_m * METRE_DEG,
        longitude_deg=HERE.longitude_deg,
        altitude_m=500.0 + up_m,
        satellites=9,
        hdop=0.9,
        quality=FixQuality.SPS,
        is_3d=True,
        speed_mps=speed_mps,
        received_mono_s=1000.0 + second,
        view=view,
        report=report,
        systems_apart_m=apart_m,
    )


def judged(events: Iterable[GnssEvent], trust: GnssTrust | None = None) -> list[Judgement]:
    trust = trust or GnssTrust()
    return [trust.take(event, CLOCK) for event in events]


def raised(events: Iterable[GnssEvent], trust: GnssTrust | None = None) -> list[Rule]:
    return [rule for judgement in judged(events, trust) for rule in judgement.raised]


def test_a_quiet_receiver_is_trusted() -> None:
    events = [fix(second) for second in range(100)]
    judgements = judged(events)
    assert [judgement.position for judgement in judgements] == events
    assert all(judgement.time is not None for judgement in judgements)
    assert raised(events) == []


def test_before_anything_came_nothing_is_known() -> None:
    quality = GnssTrust().quality(0.0)
    assert (quality.position, quality.time, quality.rules) == (Trust.UNKNOWN, Trust.UNKNOWN, ())


def test_what_was_trusted_grows_stale() -> None:
    trust = GnssTrust()
    trust.take(fix(0), CLOCK)
    assert trust.quality(1000.0 + STALE_AFTER_S).position is Trust.TRUSTED
    late = trust.quality(1000.1 + STALE_AFTER_S)
    assert (late.position, late.time) == (Trust.STALE, Trust.STALE)


def test_a_second_without_a_fix_takes_no_trust_away() -> None:
    trust = GnssTrust()
    trust.take(fix(0), CLOCK)
    judgement = trust.take(NoFix(NoFixReason.HDOP, 1001.0, SKY), CLOCK)
    assert judgement == Judgement(None, None, (), ())
    assert trust.quality(1001.0).position is Trust.TRUSTED


JAMMER_ON = replace(SKY, cn0_dbhz=tuple(cn0 - 9 for cn0 in SKY.cn0_dbhz))
CASES = {
    Rule.SPEED: fix(10, north_m=MAX_SPEED_MPS * 1 + NOISE_M + 1, speed_mps=200.0),
    Rule.ALTITUDE: fix(10, up_m=321),
    Rule.TIME_STEP: fix(10, late_s=2.1),
    Rule.TIME_PAST: fix(10, late_s=-7168 * 86_400),
    Rule.TIME_FUTURE: fix(10, late_s=7168 * 86_400),
    Rule.SAME_STRENGTH: fix(10, view=SatelliteView(8, (37,) * 6)),
    Rule.STRENGTH_JUMP: fix(10, view=JAMMER_ON),
    Rule.SYSTEMS: fix(10, apart_m=101.0),
    Rule.SPOOFED: fix(10, report=SelfReport(spoofed=True)),
    Rule.JAMMED: fix(10, report=SelfReport(jammed=True)),
}
HARMLESS = {
    Rule.SPEED: fix(10, north_m=MAX_SPEED_MPS + NOISE_M - 1, speed_mps=60.0),
    Rule.ALTITUDE: fix(10, up_m=319),
    Rule.TIME_STEP: fix(10, late_s=1.9),
    Rule.SAME_STRENGTH: fix(10, view=SatelliteView(8, (37,) * 5)),
    Rule.STRENGTH_JUMP: fix(10, view=replace(SKY, cn0_dbhz=tuple(cn0 - 8 for cn0 in SKY.cn0_dbhz))),
    Rule.SYSTEMS: fix(10, apart_m=99.0),
    Rule.SPOOFED: fix(10, report=SelfReport(spoofed=False)),
    Rule.JAMMED: fix(10, report=SelfReport(jammed=False)),
}
BEFORE = [fix(second) for second in range(10)]


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.name)
def test_each_rule_keeps_the_last_good_position_and_sets_no_clock(rule: Rule) -> None:
    trust = GnssTrust()
    judged(BEFORE, trust)
    judgement = trust.take(CASES[rule], CLOCK)
    assert judgement.raised == (rule,)
    assert judgement.time is None
    quality = trust.quality(1010.0)
    assert (quality.rules, quality.time) == ((rule,), Trust.SUSPECT)
    about_time_only = rule in {Rule.TIME_PAST, Rule.TIME_FUTURE}
    assert (judgement.position is not None) == about_time_only
    assert quality.position is (Trust.TRUSTED if about_time_only else Trust.SUSPECT)


@pytest.mark.parametrize("rule", HARMLESS, ids=lambda rule: rule.name)
def test_just_below_its_limit_each_rule_is_silent(rule: Rule) -> None:
    assert raised([*BEFORE, HARMLESS[rule]]) == []


def test_the_limits_of_time_are_those_of_the_clock() -> None:
    trust = GnssTrust()
    clock = ClockFacts(NOON, NOON + timedelta(seconds=1))
    assert trust.take(fix(0), clock).time is not None
    assert trust.take(fix(1), clock).time is not None
    assert trust.take(fix(2), clock).raised == (Rule.TIME_FUTURE,)


def test_faster_than_it_says_it_moves() -> None:
    assert raised([*BEFORE, fix(10, north_m=60, speed_mps=1.0)]) == [Rule.SPEED]
    assert raised([*BEFORE, fix(10, north_m=60, speed_mps=5.0)]) == []
    assert raised([*BEFORE, fix(10, north_m=60, speed_mps=None)]) == [Rule.SPEED]  # 0.0 before
    slow = [replace(one, speed_mps=None) for one in BEFORE]
    assert raised([*slow, fix(10, north_m=60, speed_mps=None)]) == []


def test_a_drive_without_sky_is_no_jump() -> None:
    assert raised([*BEFORE, fix(1000, north_m=20_000, up_m=900)]) == []


def test_the_speed_limit_is_a_setting() -> None:
    slow = GnssTrust(max_speed_mps=10.0)
    assert raised([*BEFORE, fix(12, north_m=100, speed_mps=50.0)], slow) == [Rule.SPEED]


def test_a_fixed_point_that_moves() -> None:
    assert raised([fix(0, north_m=199)], GnssTrust(site=HERE)) == []
    assert raised([fix(0, north_m=201)], GnssTrust(site=HERE)) == [Rule.SITE]
    drifting = [fix(second, north_m=second * 2.0) for second in range(200)]
    assert raised(drifting) == []  # too slow for every other rule
    assert raised(drifting, GnssTrust(site=HERE)) == [Rule.SITE]


def test_the_jam_indicator_is_compared_with_its_quietest_value() -> None:
    def levels(*levels: int) -> list[GnssEvent]:
        return [
            fix(second, report=SelfReport(jam_indicator=level))
            for second, level in enumerate(levels)
        ]

    assert raised(levels(200, 210, 255)) == []
    assert raised(levels(30, 20, 19 + JAM_INDICATOR_RISE)) == []
    assert raised(levels(30, 20, 20 + JAM_INDICATOR_RISE)) == [Rule.JAMMED]


def test_an_open_antenna_is_told_and_no_rule() -> None:
    trust = GnssTrust()
    judgement = trust.take(fix(0, report=SelfReport(antenna=Antenna.OPEN)), CLOCK)
    assert judgement.position is not None
    assert trust.quality(1000.0).antenna is Antenna.OPEN


def test_few_faint_satellites_are_no_jammer() -> None:
    few = SatelliteView(9, (20, 21, 20))
    assert raised([*BEFORE, fix(10, view=few), fix(11, view=None), fix(12)]) == []


def test_jamming_is_seen_without_a_fix() -> None:
    jammed = NoFix(NoFixReason.NO_SATELLITES, 1010.0, None, SelfReport(jammed=True))
    assert raised([*BEFORE, jammed]) == [Rule.JAMMED]


def test_trust_comes_back_once_all_has_been_quiet() -> None:
    trust = GnssTrust()
    judged(BEFORE, trust)
    trust.take(fix(10, north_m=5000), CLOCK)
    after = [(second, trust.take(fix(second), CLOCK)) for second in range(11, 100)]
    trusted = [second for second, judgement in after if judgement.position is not None]
    assert trusted[0] == 10 + HOLD_S
    assert [judgement.settled for _, judgement in after if judgement.settled] == [(Rule.SPEED,)]


def test_a_false_place_never_replaces_the_good_one_while_it_cannot_be_reached() -> None:
    trust = GnssTrust()
    judged(BEFORE, trust)
    away_m = 20_000.0
    for second in range(10, int(away_m / MAX_SPEED_MPS)):
        judgement = trust.take(fix(second, north_m=away_m), CLOCK)
        assert judgement.position is None
    assert trust.quality(1000.0 + second).position is Trust.SUSPECT


def test_a_stepped_time_is_never_believed_however_long_it_lasts() -> None:
    trust = GnssTrust()
    judged(BEFORE, trust)
    for second in range(10, 3600, 10):
        assert trust.take(fix(second, late_s=3600.0), CLOCK).time is None
    assert trust.quality(4600.0).rules == (Rule.TIME_STEP,)
    assert trust.take(fix(3600), CLOCK).time is None
    assert trust.take(fix(3600 + HOLD_S), CLOCK).time is not None


def test_a_crystal_may_drift_while_there_is_no_sky() -> None:
    day_s = 86_400.0
    assert raised([*BEFORE, fix(day_s, late_s=10.0)]) == []
    assert raised([*BEFORE, fix(day_s, late_s=11.0)]) == [Rule.TIME_STEP]


@given(
    st.lists(
        st.builds(
            fix,
            st.floats(0, 1e4),
            north_m=st.floats(-1e6, 1e6),
            up_m=st.floats(-1e4, 1e5),
            speed_mps=st.none() | st.floats(0, 1e4),
            late_s=st.floats(-1e9, 1e9),
            apart_m=st.none() | st.floats(0, 1e7),
        ),
        max_size=20,
    )
)
def test_whatever_comes_a_position_is_kept_only_while_no_rule_stands(events: list[Fix]) -> None:
    trust = GnssTrust()
    for event in events:
        judgement = trust.take(event, CLOCK)
        quality = trust.quality(event.received_mono_s)
        if judgement.position is not None:
            assert quality.position is Trust.TRUSTED
        if judgement.time is not None:
            assert (quality.time, quality.rules) == (Trust.TRUSTED, ())


def test_distances() -> None:
    assert metres_between(HERE, HERE) == 0
    assert metres_between(Position(0, 179.9995), Position(0, -179.9995)) == pytest.approx(
        111.2, abs=0.1
    )
    assert metres_between(Position(90, 0), Position(-90, 77)) == pytest.approx(20_015_000, rel=1e-3)
