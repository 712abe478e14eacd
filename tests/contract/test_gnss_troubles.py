"""What a tester does to the simulated receiver, and the rule that notices it, byte for byte.

Through our own driver: what the receiver says of itself does not get through gpsd.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from drivers.errors import PortGone
from drivers.gnss.base import Antenna
from drivers.gnss.nmea import NmeaReceiver
from drivers.gnss.place import Position
from drivers.gnss.rules import ClockFacts, Rule
from drivers.gnss.self_report import REPORT_FRESH_S
from drivers.gnss.trust import HOLD_S, GnssQuality, GnssTrust, Trust
from sim.clock import Run
from sim.devices.burst import play
from sim.devices.gnss import SimGnss
from sim.memory import MemoryCable

START = datetime(2026, 12, 1, 12, tzinfo=UTC)
SITE = Position(30.0, 104.0)
CLOCK = ClockFacts(START - timedelta(days=30), START + timedelta(days=3650))
TROUBLE_AT_S = 10
Act = Callable[[SimGnss], None]


def story(
    run: Run, seconds: int, acts: dict[int, Act], *, site: Position | None = None
) -> tuple[list[Rule], list[GnssQuality]]:
    """The rules raised, and the quality each second; `acts` happen before their seconds."""

    async def main() -> tuple[list[Rule], list[GnssQuality]]:
        loop, cable = asyncio.get_running_loop(), MemoryCable()
        sim = SimGnss(latitude_deg=SITE.latitude_deg, longitude_deg=SITE.longitude_deg, start=START)
        trust = GnssTrust(site=site)
        raised: list[Rule] = []
        qualities: list[GnssQuality] = []

        async def live() -> None:
            bursts = takewhile(lambda burst: burst.after_s < seconds, sim.bursts())
            for second, act in acts.items():
                loop.call_at(second - 0.5, act, sim)
            await play(bursts, cable.device)
            cable.unplug()

        living = asyncio.create_task(live())
        try:
            async for event in NmeaReceiver(cable.host, monotonic=loop.time).events():
                raised += trust.take(event, CLOCK).raised
                qualities.append(trust.quality(loop.time()))
        except PortGone:
            await living
            return raised, qualities
        raise AssertionError("events() ended")

    return run(main())


def jammed(sim: SimGnss) -> None:
    sim.troubles.speak_ubx()
    sim.troubles.jam(5)  # too little to show in the strengths: the receiver notices


def spoofed(sim: SimGnss) -> None:
    sim.troubles.speak_ubx()
    sim.troubles.spoof()


@pytest.mark.parametrize(
    ("act", "rules"),
    [
        pytest.param(lambda sim: sim.troubles.jump(5000.0), {Rule.SPEED}, id="jump"),
        pytest.param(lambda sim: sim.troubles.jump(0.0, 0.0, 2000.0), {Rule.ALTITUDE}, id="rise"),
        pytest.param(lambda sim: sim.troubles.step_time(3.0), {Rule.TIME_STEP}, id="step"),
        pytest.param(lambda sim: sim.troubles.roll_over(), {Rule.TIME_PAST}, id="rollover"),
        pytest.param(lambda sim: sim.troubles.jam(15), {Rule.STRENGTH_JUMP}, id="jam"),
        pytest.param(lambda sim: sim.troubles.spoof(), {Rule.SAME_STRENGTH}, id="spoof"),
        pytest.param(lambda sim: sim.troubles.part_systems(500), {Rule.SYSTEMS}, id="apart"),
        pytest.param(jammed, {Rule.JAMMED}, id="jammed u-blox"),
        pytest.param(spoofed, {Rule.SPOOFED, Rule.SAME_STRENGTH}, id="spoofed u-blox"),
    ],
)
def test_each_trouble_is_noticed_at_once_and_forgiven_after_a_while(
    run: Run, act: Act, rules: set[Rule]
) -> None:
    acts = {TROUBLE_AT_S: act, TROUBLE_AT_S + 5: lambda sim: sim.troubles.calm()}
    raised, qualities = story(run, TROUBLE_AT_S + 5 + int(REPORT_FRESH_S + HOLD_S) + 5, acts)
    assert rules <= set(raised)
    assert set(raised) <= rules | {Rule.STRENGTH_JUMP}  # signals that come back jump as well
    assert qualities[TROUBLE_AT_S - 1].time is Trust.TRUSTED
    assert qualities[TROUBLE_AT_S + 1].time is Trust.SUSPECT
    assert (qualities[-1].position, qualities[-1].time) == (Trust.TRUSTED, Trust.TRUSTED)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda sim: sim.troubles.drift(2.0), id="slow drift"),
        pytest.param(lambda sim: sim.troubles.noise(200), id="noise"),
        pytest.param(lambda sim: sim.troubles.speak_ubx(), id="u-blox"),
        pytest.param(lambda sim: sim.troubles.part_systems(5), id="apart as they are"),
        pytest.param(lambda sim: sim.talk_as("BD"), id="talker"),
        pytest.param(lambda sim: sim.cover_antenna(), id="covered"),
        pytest.param(lambda sim: sim.troubles.say_antenna("open"), id="antenna open"),
    ],
)
def test_what_is_no_trick_raises_no_rule(run: Run, act: Act) -> None:
    raised, qualities = story(run, 60, {TROUBLE_AT_S: act})
    assert raised == []
    assert {quality.position for quality in qualities[1:]} <= {Trust.TRUSTED, Trust.STALE}


def test_a_steady_drift_that_is_too_fast_does_not_hide_in_the_noise(run: Run) -> None:
    acts: dict[int, Act] = {TROUBLE_AT_S: lambda sim: sim.troubles.drift(80.0)}
    assert story(run, TROUBLE_AT_S + 20, acts)[0] == [Rule.SPEED]
    acts = {TROUBLE_AT_S: lambda sim: sim.troubles.drift(65.0)}
    assert story(run, TROUBLE_AT_S + 60, acts)[0] == []


def test_a_slow_drift_is_noticed_at_a_fixed_point(run: Run) -> None:
    acts: dict[int, Act] = {TROUBLE_AT_S: lambda sim: sim.troubles.drift(2.0)}
    assert story(run, 150, acts, site=SITE)[0] == [Rule.SITE]


def test_a_cut_antenna_is_told(run: Run) -> None:
    acts: dict[int, Act] = {TROUBLE_AT_S: lambda sim: sim.troubles.say_antenna("short")}
    assert story(run, 20, acts)[1][-1].antenna is Antenna.SHORT
