"""What every satellite receiver owes its callers, held against the simulated device."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import cos, hypot, radians

import pytest

from drivers.errors import DeviceSilent, PortGone
from drivers.gnss.base import Fix, FixQuality, GnssEvent, GnssReceiver, NoFix, NoFixReason
from drivers.registry import GNSS, load
from sim.clock import Run
from sim.devices.burst import Burst, play
from sim.devices.gnss import REACQUIRE_S, SimGnss, Talker
from sim.devices.gpsd import SimGpsd
from sim.devices.line import DeviceLine
from sim.faults import FAULTS, FaultyLine
from sim.memory import MemoryCable

LATITUDE_DEG, LONGITUDE_DEG = -29.9999, 104.0660
START = datetime(2026, 5, 1, 23, 59, 55, tzinfo=UTC)  # midnight is five seconds away
METRES_PER_DEGREE = 111_120
SILENCE_S = 5.0

Story = Callable[[SimGnss, int], None]


Make = Callable[..., GnssReceiver]


@dataclass(frozen=True)
class Kind:
    """A kind of receiver: its driver, and whether gpsd stands between it and the cable."""

    make: Make
    behind_gpsd: bool

    @asynccontextmanager
    async def plugged_into(self, cable: MemoryCable) -> AsyncIterator[DeviceLine]:
        """What the simulated receiver writes to."""
        if not self.behind_gpsd:
            yield cable.device
            return
        gpsd = SimGpsd(cable.device)
        listening = asyncio.create_task(gpsd.listen())
        yield gpsd
        listening.cancel()


@pytest.fixture(params=sorted(GNSS))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of receiver there is."""
    return Kind(load(GNSS[request.param].make), behind_gpsd=request.param == "gpsd")


def device(**options: object) -> SimGnss:
    place = {"latitude_deg": LATITUDE_DEG, "longitude_deg": LONGITUDE_DEG, "start": START}
    return SimGnss(**{**place, **options})  # type: ignore[arg-type]  # options differ in type


def nothing_happens(_device: SimGnss, _second: int) -> None:
    pass


def life(sim: SimGnss, seconds: int, story: Story = nothing_happens) -> Iterator[Burst]:
    """What the device says in so many seconds; `story` happens as each begins, too late for it."""
    bursts = sim.bursts()
    second = 0
    story(sim, 0)
    for burst in bursts:
        if burst.after_s >= seconds:
            return
        yield burst
        if burst.after_s >= second + 1:
            second += 1
            story(sim, second)


@dataclass(frozen=True)
class Told:
    """An event and when the caller had it."""

    at_s: float
    event: GnssEvent


async def listen(
    kind: Kind,
    bursts: Iterable[Burst],
    fault: str = "clean",
    seed: int = 0,
    built: date | None = None,
) -> list[Told]:
    """Play to a new receiver, pull the cable, and return what the receiver said until then."""
    loop, cable = asyncio.get_running_loop(), MemoryCable()
    receiver = kind.make(cable.host, monotonic=loop.time, built=built)
    told: list[Told] = []

    async def live() -> None:
        async with kind.plugged_into(cable) as line:
            await play(bursts, FaultyLine(line, FAULTS[fault], seed))
            cable.unplug()

    living = asyncio.create_task(live())
    try:
        async for event in receiver.events():
            told.append(Told(loop.time(), event))  # noqa: PERF401 - extend() loses all at PortGone
    except PortGone:
        await living
        return told
    raise AssertionError("events() ended; it must raise PortGone")


def reasons(told: list[Told]) -> list[NoFixReason | None]:
    return [one.event.reason if isinstance(one.event, NoFix) else None for one in told]


def fixes(told: list[Told]) -> list[Fix]:
    return [one.event for one in told if isinstance(one.event, Fix)]


def metres_off(fix: Fix) -> float:
    north_m = (fix.latitude_deg - LATITUDE_DEG) * METRES_PER_DEGREE
    east_m = (fix.longitude_deg - LONGITUDE_DEG) * METRES_PER_DEGREE * cos(radians(LATITUDE_DEG))
    return hypot(north_m, east_m)


@pytest.mark.parametrize("talker", ["GN", "GP", "GB", "BD"])
@pytest.mark.parametrize("with_zda", [True, False])
def test_a_fix_a_second_once_confirmed(
    kind: Kind, run: Run, talker: Talker, with_zda: bool
) -> None:
    told = run(listen(kind, life(device(talker=talker, with_zda=with_zda), 10)))
    assert reasons(told) == [NoFixReason.UNCONFIRMED, *[None] * 9]
    assert [fix.utc for fix in fixes(told)] == [START + timedelta(seconds=s) for s in range(1, 10)]
    for fix in fixes(told):
        assert metres_off(fix) < 10
        assert (fix.quality, fix.satellites, fix.hdop) == (FixQuality.SPS, 10, 0.9)
        assert (fix.altitude_m, fix.is_3d) == (50.0, True)
        assert fix.speed_mps is not None
        assert fix.view is not None
        assert (fix.view.in_view, len(fix.view.cn0_dbhz)) == (
            (12, 12) if talker == "GN" else (11, 11)
        )


def test_a_fix_is_told_within_the_second_it_belongs_to(kind: Kind, run: Run) -> None:
    told = run(listen(kind, life(device(), 10)))
    for second, one in enumerate(told[1:], start=1):
        assert second < one.event.received_mono_s <= one.at_s < second + 1


def test_no_sky_then_sky(kind: Kind, run: Run) -> None:
    told = run(listen(kind, life(device(first_fix_after_s=4), 8)))
    assert reasons(told)[-5:] == [
        *[NoFixReason.NO_SATELLITES] * 1,
        NoFixReason.UNCONFIRMED,
        *[None] * 3,
    ]
    assert set(reasons(told)[:-4]) == {NoFixReason.NO_SATELLITES}


def test_a_covered_antenna_loses_the_fix_and_regains_it(kind: Kind, run: Run) -> None:
    def cover_for_five_seconds(sim: SimGnss, second: int) -> None:
        if second == 4:
            sim.cover_antenna()
        if second == 9:
            sim.uncover_antenna()

    told = run(listen(kind, life(device(), 20, cover_for_five_seconds)))
    heard = reasons(told)
    lost = heard.count(NoFixReason.NO_SATELLITES)
    assert lost == (9 + REACQUIRE_S) - (4 + 1)  # the fix is gone with the second after the hand
    assert heard.count(NoFixReason.UNCONFIRMED) == 2
    first_lost = heard.index(NoFixReason.NO_SATELLITES)
    assert heard[first_lost:] == [
        *[NoFixReason.NO_SATELLITES] * lost,
        NoFixReason.UNCONFIRMED,
        *[None] * (len(heard) - first_lost - lost - 1),
    ]
    assert heard[-1] is None


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("quality", 8, NoFixReason.QUALITY),
        ("quality", 6, NoFixReason.QUALITY),
        ("mode", "E", NoFixReason.QUALITY),
        ("satellites", 3, NoFixReason.FEW_SATELLITES),
        ("hdop", 7.5, NoFixReason.HDOP),
    ],
)
def test_what_is_not_good_enough_is_no_fix(
    kind: Kind, run: Run, attribute: str, value: object, reason: NoFixReason
) -> None:
    sim = device()
    setattr(sim, attribute, value)
    first, *later = reasons(run(listen(kind, life(sim, 5))))
    assert first in {reason, NoFixReason.UNCONFIRMED}  # gpsd tells the HDOP behind the position
    assert later == [reason] * 4


def test_an_old_receiver_gets_its_date_put_right(kind: Kind, run: Run) -> None:
    early = START - timedelta(weeks=1024)
    told = run(listen(kind, life(device(start=early), 3), built=START.date()))
    assert [fix.utc for fix in fixes(told)] == [START + timedelta(seconds=s) for s in (1, 2)]


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("seed", range(5))
def test_a_bad_line_costs_events_and_never_makes_a_wrong_one(
    kind: Kind, run: Run, fault: str, seed: int
) -> None:
    told = run(listen(kind, life(device(seed=seed), 120), fault, seed))
    assert len(fixes(told)) > 30
    assert all(metres_off(fix) < 20 for fix in fixes(told))
    known = {START + timedelta(seconds=s) for s in range(120)}
    assert {fix.utc for fix in fixes(told)} <= known | {None}
    if fault in {"clean", "one_byte_at_a_time", "line_noise"}:
        assert len(fixes(told)) == 119


def test_binary_noise_between_sentences_costs_none(kind: Kind, run: Run) -> None:
    sim = device()
    sim.troubles.noise(300)
    assert len(fixes(run(listen(kind, life(sim, 60))))) == 59


def test_a_receiver_that_changes_its_talker_goes_on(kind: Kind, run: Run) -> None:
    def change(sim: SimGnss, second: int) -> None:
        sim.talk_as(("GN", "GP", "BD", "GB")[second // 5 % 4])

    told = run(listen(kind, life(device(), 40, change)))
    assert reasons(told) == [NoFixReason.UNCONFIRMED, *[None] * 39]


def test_silence(kind: Kind, run: Run) -> None:
    async def main() -> tuple[float, float]:
        loop, cable = asyncio.get_running_loop(), MemoryCable()
        told: list[float] = []
        async with kind.plugged_into(cable) as line:
            playing = asyncio.create_task(play(life(device(), 3), line))
            try:
                async for _ in kind.make(cable.host).events():
                    told.append(loop.time())  # noqa: PERF401 - likewise
            except DeviceSilent:
                await playing
                return told[-1], loop.time()
        raise AssertionError("events() ended")

    last_event_s, silent_s = run(main())
    assert SILENCE_S <= silent_s - last_event_s < SILENCE_S + 1


def test_noise_is_silence(kind: Kind, run: Run) -> None:
    async def main() -> float:
        cable = MemoryCable()
        async with kind.plugged_into(cable) as line:
            noise = play((Burst(tick / 10, b"\xb5b$GP\x00") for tick in range(100)), line)
            playing = asyncio.create_task(noise)
            with pytest.raises(DeviceSilent):
                await anext(aiter(kind.make(cable.host).events()))
            playing.cancel()
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(SILENCE_S)


def test_unplugged_before_a_word(kind: Kind, run: Run) -> None:
    assert run(listen(kind, ())) == []
