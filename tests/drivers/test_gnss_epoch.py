"""Which sentences belong together, when an epoch is over, and what makes it a fix."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time

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
from drivers.gnss.epoch import DIMENSIONS_FRESH_S, REPEAT_S, EpochAssembler
from drivers.gnss.facts import Fact, Gga, Gsa, Gsv, Rmc, Zda
from drivers.gnss.judge import FRESH_S
from drivers.gnss.place import Position
from drivers.gnss.satellites import VIEW_FRESH_S
from drivers.gnss.self_report import REPORT_FRESH_S

TODAY = date(2026, 5, 1)
HERE = Position(30.5, 104.1)


def at(second: float) -> time:
    whole = int(second)
    return time(10, whole // 60, whole % 60, round(second % 1 * 1e6), tzinfo=UTC)


def rmc(second: float, *, mode: str | None = "A", active: bool = True) -> Rmc:
    return Rmc(at(second), TODAY, active, mode, HERE, 0.5)


def gga(second: float, **changes: object) -> Gga:
    usual = Gga(at(second), 1, HERE, satellites=9, hdop=0.9, altitude_m=500.0)
    return replace(usual, **changes)  # type: ignore[arg-type]  # the fields differ in type


def told(facts: Iterable[tuple[float, Fact]], *, built: date | None = None) -> list[GnssEvent]:
    assembler = EpochAssembler(built=built)
    return [event for when_s, fact in facts for event in assembler.feed(fact, when_s)]


def seconds(*kinds: str, count: int = 3) -> list[tuple[float, Fact]]:
    make: dict[str, Callable[[float], Fact]] = {
        "rmc": rmc,
        "gga": gga,
        "gsa": lambda _: Gsa(3),
        "zda": lambda second: Zda(at(second), TODAY),
    }
    return [
        (second + 0.01 * place, make[kind](second))
        for second in range(count)
        for place, kind in enumerate(kinds)
    ]


def reasons(events: Iterable[GnssEvent]) -> list[NoFixReason | None]:
    return [event.reason if isinstance(event, NoFix) else None for event in events]


UNCONFIRMED_THEN_FIX = [NoFixReason.UNCONFIRMED, None]


def test_everything_a_receiver_says_becomes_one_fix() -> None:
    _, fix = told(seconds("rmc", "gga", "gsa", "zda", count=2))
    assert fix == Fix(
        utc=datetime(2026, 5, 1, 10, 0, 1, tzinfo=UTC),
        latitude_deg=30.5,
        longitude_deg=104.1,
        altitude_m=500.0,
        satellites=9,
        hdop=0.9,
        quality=FixQuality.SPS,
        is_3d=True,
        speed_mps=0.5,
        received_mono_s=1.0,
    )


@pytest.mark.parametrize(
    "kinds",
    [("rmc",), ("gga",), ("rmc", "gga"), ("gga", "gsa", "rmc"), ("gga", "zda"), ("gsa", "gga")],
)
def test_receivers_that_send_only_some_in_any_order(kinds: tuple[str, ...]) -> None:
    events = told(seconds(*kinds))
    assert reasons(events)[:2] == UNCONFIRMED_THEN_FIX
    fix = events[1]
    assert isinstance(fix, Fix)
    assert (fix.utc is not None) == bool({"rmc", "zda"} & set(kinds))
    assert (fix.speed_mps is not None) == ("rmc" in kinds)
    assert (fix.satellites is not None) == ("gga" in kinds)
    assert fix.is_3d is (True if "gsa" in kinds else None)


def test_a_fix_is_told_with_the_last_sentence_of_its_own_epoch() -> None:
    assembler = EpochAssembler()
    for when_s, fact in seconds("rmc", "gga", "gsa", count=2):
        events = assembler.feed(fact, when_s)
    assert reasons(events) == [None]


def test_a_sentence_that_stays_away_costs_the_epoch_a_second_not_its_fix() -> None:
    facts = seconds("rmc", "gga", "gsa", count=4)
    del facts[5]  # GSA of the second epoch
    assert reasons(told(facts)) == [NoFixReason.UNCONFIRMED, None, None, None]


def test_zda_behind_a_long_burst_is_not_waited_for() -> None:
    facts = seconds("rmc", "gga", "zda", count=3)
    assert reasons(told(facts[:-1])) == [NoFixReason.UNCONFIRMED, None, None]


def test_ten_epochs_a_second_become_one_event() -> None:
    facts: list[tuple[float, Fact]] = []
    for tenth in range(35):
        now_s = tenth / 10
        facts += [(now_s, rmc(now_s)), (now_s, gga(now_s))]
    events = told(facts)
    assert reasons(events) == [NoFixReason.UNCONFIRMED, None, None, None]
    assert [event.received_mono_s for event in events] == [0.0, 1.0, 2.0, 3.0]


def test_two_talkers_in_one_epoch_are_one_fix() -> None:
    facts = [pair for pair in seconds("rmc", "gga") for _ in ["GP", "BD"]]
    assert reasons(told(facts)) == [NoFixReason.UNCONFIRMED, None, None]


ALONE = ("GP", "BD")
ELSEWHERE = Position(30.5, 104.101)  # 96 m east


def two_systems(second: int, *, bd: Position = HERE) -> list[tuple[float, Fact]]:
    """GPRMC GPGGA BDRMC BDGGA, as a receiver does that keeps its systems apart."""
    sentences = [
        fact
        for talker, place in zip(ALONE, (HERE, bd), strict=True)
        for fact in (
            replace(rmc(second), talker=talker, position=place),
            gga(second, talker=talker, position=place),
        )
    ]
    return [(second + 0.01 * place, fact) for place, fact in enumerate(sentences)]


def test_systems_that_speak_one_after_the_other_are_compared_in_their_own_epoch() -> None:
    facts = [pair for second in range(3) for pair in two_systems(second, bd=ELSEWHERE)]
    events = told(facts)
    assert reasons(events) == [NoFixReason.UNCONFIRMED, None, None]
    for event in events[1:]:
        assert isinstance(event, Fix)
        assert event.systems_apart_m == pytest.approx(95.8, abs=0.1)
        assert event.longitude_deg == HERE.longitude_deg  # the first talker's


def test_the_combined_position_counts_and_is_not_compared() -> None:
    combined: list[tuple[float, Fact]] = [
        (second + 0.4, gga(second, position=ELSEWHERE)) for second in range(3)
    ]
    facts = sorted(
        [pair for second in range(3) for pair in two_systems(second)[:2]] + combined,
        key=lambda pair: pair[0],
    )
    for event in told(facts)[1:]:
        assert isinstance(event, Fix)
        assert event.systems_apart_m is None


def test_a_system_without_a_position_is_not_compared() -> None:
    blind = [
        (when_s, replace(fact, active=False) if isinstance(fact, Rmc) else fact)
        for when_s, fact in [pair for second in range(3) for pair in two_systems(second)]
        if not (isinstance(fact, Gga) and fact.talker == "BD")
    ]
    facts = [pair for pair in blind if not (isinstance(pair[1], Rmc) and pair[1].talker == "GP")]
    for event in told(facts):
        if isinstance(event, Fix):
            assert event.systems_apart_m is None


def test_what_the_receiver_says_of_itself_goes_stale_but_its_antenna_does_not() -> None:
    facts: list[tuple[float, Fact]] = [
        (0.0, SelfReport(jammed=True)),
        (0.0, SelfReport(antenna=Antenna.OPEN)),
        *seconds("rmc", "gga", count=20),
    ]
    reports = [event.report for event in told(facts)]
    assert reports[0] == SelfReport(jammed=True, antenna=Antenna.OPEN)
    assert reports[int(REPORT_FRESH_S) + 1] == SelfReport(antenna=Antenna.OPEN)


def test_a_receiver_that_says_nothing_of_itself() -> None:
    assert {event.report for event in told(seconds("rmc", "gga"))} == {None}


def test_a_talker_that_repeats_only_the_first_sentence_does_not_cut_the_epoch_short() -> None:
    events = told(seconds("gga", "rmc", "gga"))
    assert reasons(events) == [NoFixReason.UNCONFIRMED, None, None]
    assert all(event.utc is not None for event in events if isinstance(event, Fix))


@pytest.mark.parametrize("mode", ["A", "D", "F", "P", "R"])
def test_modes_measured_from_satellites(mode: str) -> None:
    events = told([(0, rmc(0)), (1, rmc(1, mode=mode))])
    quality = {
        "A": FixQuality.SPS,
        "D": FixQuality.DGPS,
        "F": FixQuality.FLOAT,
        "P": FixQuality.PPS,
        "R": FixQuality.RTK,
    }
    assert [event.quality for event in events if isinstance(event, Fix)] == [quality[mode]]


@pytest.mark.parametrize("mode", ["E", "M", "S", "", "X"])
@pytest.mark.parametrize("active", [True, False])
def test_other_modes_are_no_fix_whatever_the_status(mode: str, active: bool) -> None:
    expected = NoFixReason.QUALITY if active or mode in {"E", "M", "S"} else NO_SATELLITES
    events = told([(0, rmc(0, mode=mode, active=active)), (1, rmc(1))])
    assert reasons(events)[0] is expected


NO_SATELLITES = NoFixReason.NO_SATELLITES


def test_without_a_mode_gga_must_give_the_quality() -> None:
    old = [(0.0, rmc(0, mode=None)), (1.0, rmc(1, mode=None))]
    assert reasons(told(old)) == [NoFixReason.QUALITY] * 2
    both: list[tuple[float, Fact]] = [(0, old[0][1]), (0, gga(0)), (1, old[1][1]), (1, gga(1))]
    assert reasons(told(both)) == UNCONFIRMED_THEN_FIX


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quality": 0}, NoFixReason.NO_SATELLITES),
        ({"quality": 6}, NoFixReason.QUALITY),
        ({"quality": 7}, NoFixReason.QUALITY),
        ({"quality": 8}, NoFixReason.QUALITY),
        ({"quality": -1}, NoFixReason.QUALITY),
        ({"position": None}, NoFixReason.NO_POSITION),
        ({"satellites": 3}, NoFixReason.FEW_SATELLITES),
        ({"satellites": 4}, None),
        ({"hdop": 5.01}, NoFixReason.HDOP),
        ({"hdop": 5.0}, None),
        ({"quality": 5}, None),
    ],
)
def test_what_gga_says_against_a_good_rmc(
    changes: dict[str, object], reason: NoFixReason | None
) -> None:
    facts: list[tuple[float, Fact]] = [
        (0, rmc(0)),
        (0, gga(0)),
        (1, rmc(1)),
        (1, gga(1, **changes)),
    ]
    assert reasons(told(facts)) == [NoFixReason.UNCONFIRMED, reason]


def test_status_and_dimensions_overrule_a_good_gga() -> None:
    by_status: list[tuple[float, Fact]] = [(0, gga(0)), (0, rmc(0, active=False)), (1, gga(1))]
    by_gsa: list[tuple[float, Fact]] = [(0, gga(0)), (0, Gsa(1)), (1, gga(1))]
    assert reasons(told(by_status)) == reasons(told(by_gsa)) == [NO_SATELLITES]


def test_in_two_dimensions_the_altitude_is_not_measured() -> None:
    facts: list[tuple[float, Fact]] = [(0, gga(0)), (0, Gsa(2)), (1, gga(1)), (1, Gsa(2))]
    fix = told(facts)[1]
    assert isinstance(fix, Fix)
    assert (fix.is_3d, fix.altitude_m) == (False, None)


@pytest.mark.parametrize(
    ("age_s", "is_3d"), [(DIMENSIONS_FRESH_S - 0.1, True), (DIMENSIONS_FRESH_S, None)]
)
def test_dimensions_of_an_earlier_epoch_are_kept_for_a_while(
    age_s: float, is_3d: bool | None
) -> None:
    facts: list[tuple[float, Fact]] = [(0, gga(0)), (0, Gsa(3))]
    facts += [(age_s - 1, gga(1)), (age_s - 1, rmc(1)), (age_s - 0.5, gga(2)), (age_s, rmc(2))]
    fix = told(facts)[-1]
    assert isinstance(fix, Fix)
    assert fix.is_3d is is_3d


def test_dimensions_from_before_the_fix_say_nothing_about_it() -> None:
    facts: list[tuple[float, Fact]] = [
        (0, gga(0, quality=0)),
        (0, Gsa(1)),
        (1, gga(1)),
        (2, gga(2)),
    ]
    fix = told([*facts, (3, gga(3))])[-1]
    assert isinstance(fix, Fix)
    assert fix.is_3d is None


def test_a_lost_fix_must_be_confirmed_again() -> None:
    facts: list[tuple[float, Fact]] = [
        (second, rmc(second, active=second != 3)) for second in range(7)
    ]
    assert reasons(told(facts)) == [
        *UNCONFIRMED_THEN_FIX,
        None,
        NO_SATELLITES,
        *UNCONFIRMED_THEN_FIX,
        None,
    ]


@pytest.mark.parametrize(
    ("gap_s", "last"), [(FRESH_S - 0.1, None), (FRESH_S, NoFixReason.UNCONFIRMED)]
)
def test_two_good_epochs_far_apart_do_not_confirm_each_other(
    gap_s: float, last: NoFixReason | None
) -> None:
    facts: list[tuple[float, Fact]] = [(0, rmc(0)), (1, rmc(1)), (1 + gap_s, rmc(9))]
    assert reasons(told(facts))[-1] is last


def test_a_position_that_waited_too_long_is_stale() -> None:
    facts = seconds("rmc", "gga", count=2)[:-1]  # the second epoch lacks GGA, then silence
    facts.append((1 + FRESH_S, rmc(1 + FRESH_S)))
    assert reasons(told(facts)) == [
        NoFixReason.UNCONFIRMED,
        NoFixReason.STALE,
        NoFixReason.UNCONFIRMED,
    ]


def test_a_clock_that_stands_still_is_stale() -> None:
    facts: list[tuple[float, Fact]] = [(REPEAT_S * tick, rmc(7)) for tick in range(4)]
    assert reasons(told(facts)) == [NoFixReason.UNCONFIRMED, *[NoFixReason.STALE] * 3]


def test_without_a_time_of_day_each_round_is_an_epoch() -> None:
    no_time = Rmc(None, None, False, "N", None, None)
    blank = Gga(None, 0, None, None, None, None)
    facts: list[tuple[float, Fact]] = [(0, blank), (0, no_time)] * 3
    assert reasons(told(facts)) == [NO_SATELLITES] * 3


def test_a_fix_without_date_or_time_has_no_utc() -> None:
    dateless = [(float(second), replace(rmc(second), day=None)) for second in range(2)]
    timeless = [(float(second), replace(rmc(0), time_of_day=None)) for second in range(3)]
    for facts in (dateless, timeless):
        fix = told(facts)[1]
        assert isinstance(fix, Fix)
        assert fix.utc is None


@pytest.mark.parametrize(
    ("said", "built", "meant"),
    [
        pytest.param(date(2006, 9, 15), date(2026, 3, 1), date(2026, 5, 1), id="one rollover"),
        pytest.param(date(1987, 1, 30), date(2026, 3, 1), date(2026, 5, 1), id="two rollovers"),
        pytest.param(date(2026, 5, 1), date(2026, 3, 1), date(2026, 5, 1), id="right"),
        pytest.param(date(2029, 5, 1), date(2026, 3, 1), date(2029, 5, 1), id="old software"),
        pytest.param(date(2016, 4, 21), date(2026, 3, 1), date(2016, 4, 21), id="not explained"),
        pytest.param(date(2006, 9, 15), None, date(2006, 9, 15), id="build day unknown"),
    ],
)
def test_week_rollover(said: date, built: date | None, meant: date) -> None:
    facts = [(float(second), replace(rmc(second), day=said)) for second in range(2)]
    fix = told(facts, built=built)[1]
    assert isinstance(fix, Fix)
    assert fix.utc == datetime.combine(meant, at(1))


def gsv(talker: str, signal: str, part: int, parts: int, *cn0: int | None) -> Gsv:
    satellites = tuple((f"{part}{place}", value) for place, value in enumerate(cn0))
    return Gsv(talker, signal, parts, part, 6, satellites)


def test_the_view_counts_each_satellite_once_on_its_strongest_signal() -> None:
    facts: list[tuple[float, Fact]] = [
        (0, gsv("GP", "1", 1, 2, 40, 30, None, 20)),
        (0, gsv("GP", "1", 2, 2, 0, 10)),
        (0, gsv("GP", "1", 3, 3, 45)),  # of a list whose other parts were lost
        (0, gsv("GP", "8", 1, 1, 35, 35)),
        (0, gsv("GB", "1", 2, 2, 50)),  # its first part was lost
        (0, rmc(0)),
        (VIEW_FRESH_S, rmc(1)),
        (VIEW_FRESH_S + 1, rmc(2)),
        (VIEW_FRESH_S + 2, rmc(3)),
    ]
    views = [event.view for event in told(facts)]
    whole = SatelliteView(6, (40, 35, 20, 10))
    assert views == [whole, whole, None, None]
    assert whole.mean_cn0_dbhz == 26.25


def test_a_view_of_silence_has_no_mean() -> None:
    assert SatelliteView(4, ()).mean_cn0_dbhz is None


times = st.none() | st.integers(0, 5).map(at)
positions = st.none() | st.just(HERE)
facts_of_any_kind = st.one_of(
    st.builds(
        Rmc,
        times,
        st.none() | st.dates(),
        st.booleans(),
        st.none() | st.sampled_from("ADFRPEMSN"),
        positions,
        st.none(),
    ),
    st.builds(
        Gga, times, st.integers(0, 9), positions, st.none() | st.integers(), st.none(), st.none()
    ),
    st.builds(Gsa, st.integers(0, 4)),
    st.builds(Zda, times, st.none() | st.dates()),
    st.builds(
        Gsv,
        st.just("GP"),
        st.just(""),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(),
        st.just(()),
    ),
)


@given(
    st.lists(st.tuples(st.floats(0, 2), facts_of_any_kind), max_size=40),
    st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
)
def test_any_facts_never_raise_and_no_fix_comes_unconfirmed(
    steps: list[tuple[float, Fact]], built: date | None
) -> None:
    now_s, story = 0.0, []
    for step_s, fact in steps:
        now_s += step_s
        story.append((now_s, fact))
    events = told(story, built=built)
    assert not events or isinstance(events[0], NoFix)
    assert all(event.quality in FixQuality for event in events if isinstance(event, Fix))
