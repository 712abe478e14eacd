"""Ten recordings, epoch by epoch, through our driver and a real gpsd; and our driver for gpsd.

Each epoch that one of the two knows is a row. A row says the same on both sides, to the last digit
that gpsd prints, or a named rule says why not, and proves it.
"""

import asyncio
import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

import pytest

from drivers.errors import PortGone
from drivers.gnss.base import Fix, GnssEvent, NoFix, NoFixReason
from drivers.gnss.gpsd import GpsdReceiver
from drivers.gnss.nmea import NmeaReceiver
from drivers.port import open_port
from sim.devices.burst import play
from sim.devices.gnss import SimGnss, Talker
from sim.devices.gnss_replay import replay
from sim.ports import free_port
from tests.gpsd_process import FedGpsd, connect, end_group, find
from tests.recordings import recordings

pytestmark = [pytest.mark.daemon, pytest.mark.recordings]

ROLLOVER_DAYS = 7168
LAST_DIGIT_DEG = 1e-9
ROUNDING_DEG = 1e-13  # of a double, near 180
TIMED = re.compile(rb"\$..(?:RMC|GGA|ZDA),(\d{6}(?:\.\d+)?),")
ENOUGH_S = 20.0


class Why(Enum):
    """What explains a row."""

    SAME = "time, latitude, longitude and altitude are those of gpsd"
    UNCONFIRMED = "gpsd believes the first position after none; we wait for the second"
    HDOP = "gpsd takes any HDOP; we refuse more than 5"
    NEITHER = "neither has a position"
    SECOND_TOLD = "we tell one event a second of receiver time, the first; gpsd tells all"


@dataclass(frozen=True)
class Expected:
    """The rows of one recording."""

    rows: dict[Why, int]
    gpsd_days_ahead: int = 0
    """gpsd 3.22 moves dates before its own years on by 1024 weeks; ours has no build day here."""


RECORDINGS = {
    "bu353s4.log": Expected({Why.SAME: 24, Why.UNCONFIRMED: 1}, ROLLOVER_DAYS),
    "haicom-305N.log": Expected(
        {Why.SAME: 36, Why.UNCONFIRMED: 1, Why.HDOP: 30, Why.NEITHER: 7}, ROLLOVER_DAYS
    ),
    "navika-100-fix.log": Expected({Why.SAME: 19, Why.UNCONFIRMED: 1}, ROLLOVER_DAYS),
    "neo-m8n.log": Expected({Why.SAME: 21, Why.UNCONFIRMED: 1}, ROLLOVER_DAYS),
    "nmea-rtk.log": Expected({Why.SAME: 13, Why.UNCONFIRMED: 1, Why.SECOND_TOLD: 108}),
    "quectel-l76k-nmea.log": Expected({Why.SAME: 29, Why.UNCONFIRMED: 1, Why.SECOND_TOLD: 120}),
    "skytraq-dgps.log": Expected({Why.SAME: 95, Why.UNCONFIRMED: 1}, ROLLOVER_DAYS),
    "telit-he910.log": Expected(
        {Why.SAME: 185, Why.UNCONFIRMED: 1, Why.NEITHER: 37, Why.SECOND_TOLD: 1}
    ),
    "ublox-neo-m9n-nmea.log": Expected({Why.SAME: 60, Why.UNCONFIRMED: 1}),
    "unicore-um621.log": Expected({Why.SAME: 13, Why.UNCONFIRMED: 2, Why.HDOP: 1, Why.NEITHER: 4}),
}

Report = dict[str, Any]


@cache
def concluded(name: str) -> list[tuple[float, Report]]:
    """What a real gpsd reports of a recording, and when by the recording's own pace."""
    bursts = list(replay(recordings() / name))
    with FedGpsd() as gpsd:
        found = list(gpsd.conclude(burst.data for burst in bursts))
    return [(bursts[one.line].after_s, one.report) for one in found]


class PlayedPort:
    """A `BytePort` that plays bytes at their times, and keeps that time."""

    def __init__(self, said: list[tuple[float, bytes]]) -> None:
        self.now_s = 0.0
        self.written = b""
        self._said = iter(said)

    async def read(self) -> bytes:
        said = next(self._said, None)
        if said is None:
            raise PortGone("end of the recording")
        self.now_s, data = said
        return data

    async def write(self, data: bytes) -> None:
        self.written += data

    async def close(self) -> None:
        pass


def heard(make: Callable[..., Any], said: list[tuple[float, bytes]]) -> list[GnssEvent]:
    """Run a driver to the end of what is said."""
    port = PlayedPort(said)
    receiver = make(port, monotonic=lambda: port.now_s)
    events: list[GnssEvent] = []

    async def collect() -> None:
        async for event in receiver.events():
            events.append(event)  # noqa: PERF401 - a comprehension would lose them at PortGone

    with pytest.raises(PortGone):
        asyncio.run(collect())
    return events


def ours(name: str) -> dict[str, GnssEvent]:
    """Our events by the time of day of their epoch, `HHMMSS.mmm`; by number where there is none."""
    bursts = list(replay(recordings() / name))
    clock: dict[float, str] = {}
    for burst in bursts:
        timed = TIMED.search(burst.data)
        if timed is not None:
            clock.setdefault(burst.after_s, f"{float(timed[1]):010.3f}")
    events = heard(NmeaReceiver, [(burst.after_s, burst.data) for burst in bursts])
    named = {
        clock.get(event.received_mono_s, f"untimed {number}"): event
        for number, event in enumerate(events)
    }
    assert len(named) == len(events)
    return named


def theirs(name: str) -> dict[str, Report]:
    """gpsd's last word on each epoch of which it knows the time."""
    return {
        report["time"][11:23].replace(":", ""): report
        for _, report in concluded(name)
        if report["class"] == "TPV" and report["mode"] >= 2 and "time" in report
    }


def same(fix: Fix, report: Report, days_ahead: int) -> bool:
    """Whether both say the same, to the last digit that gpsd prints."""
    assert fix.utc is not None
    at_ms = fix.utc.replace(microsecond=round(fix.utc.microsecond / 1000) * 1000)
    half = LAST_DIGIT_DEG / 2 + ROUNDING_DEG
    return (
        (datetime.fromisoformat(report["time"]) - at_ms).total_seconds() == days_ahead * 86_400
        and abs(fix.latitude_deg - report["lat"]) <= half
        and abs(fix.longitude_deg - report["lon"]) <= half
        and fix.altitude_m == report["altMSL"]
    )


def explain(
    key: str, told: dict[str, GnssEvent], reports: dict[str, Report], days_ahead: int
) -> Why | None:
    """The rule that explains a row; None if there is none."""
    event, report = told.get(key), reports.get(key)
    match event:
        case Fix():
            return Why.SAME if report is not None and same(event, report, days_ahead) else None
        case NoFix(NoFixReason.UNCONFIRMED):
            return Why.UNCONFIRMED if report is not None else None
        case NoFix(NoFixReason.HDOP):
            return Why.HDOP if report is not None else None
        case NoFix(NoFixReason.NO_SATELLITES | NoFixReason.FEW_SATELLITES):
            return Why.NEITHER if report is None else None
        case None:
            in_second = [other for other in told if other[:6] == key[:6]]
            return Why.SECOND_TOLD if len(in_second) == 1 else None
    return None


def test_every_recording_is_in_the_table() -> None:
    assert {path.name for path in recordings().glob("*.log")} == set(RECORDINGS)


@pytest.mark.parametrize("name", RECORDINGS)
def test_each_epoch_is_what_gpsd_says_or_a_rule_explains_it(name: str) -> None:
    expected, told, reports = RECORDINGS[name], ours(name), theirs(name)
    table = {
        key: explain(key, told, reports, expected.gpsd_days_ahead)
        for key in sorted({*told, *reports})
    }
    unexplained = [(key, told.get(key), reports.get(key)) for key in table if not table[key]]
    assert unexplained == []
    assert Counter(table.values()) == expected.rows


def test_the_table_notices_a_wrong_digit() -> None:
    """In each number of each row: none is compared loosely."""
    told, reports = ours("ublox-neo-m9n-nmea.log"), theirs("ublox-neo-m9n-nmea.log")
    for key, event in told.items():
        if isinstance(event, Fix):
            for field, step in (("lat", 2e-9), ("lon", 2e-9), ("altMSL", 0.01)):
                wrong = reports[key] | {field: reports[key][field] + step}
                assert not same(event, wrong, 0)
            late = reports[key]["time"].replace(".000Z", ".001Z")
            assert not same(event, reports[key] | {"time": late}, 0)


@pytest.mark.parametrize("name", RECORDINGS)
def test_our_driver_for_gpsd_tells_what_gpsd_concluded(name: str) -> None:
    said = [(at_s, json_line(report)) for at_s, report in concluded(name)]
    fixes = [event for event in heard(GpsdReceiver, said) if isinstance(event, Fix)]
    known = {
        (report["time"], report["lat"], report["lon"])
        for _, report in concluded(name)
        if "lat" in report and "time" in report
    }
    for fix in fixes:
        assert fix.utc is not None
        at = f"{fix.utc:%Y-%m-%dT%H:%M:%S}.{fix.utc.microsecond // 1000:03d}Z"
        assert (at, fix.latitude_deg, fix.longitude_deg) in known
    seconds = [fix.utc.replace(microsecond=0) for fix in fixes if fix.utc is not None]
    assert seconds == sorted(set(seconds))
    assert len(fixes) == RECORDINGS[name].rows[Why.SAME] - FEWER_THROUGH_GPSD.get(name, 0)


FEWER_THROUGH_GPSD = {"haicom-305N.log": 1}
"""gpsd has the HDOP from GSA, which a SiRF-II sends with every third epoch; we have GGA's."""


def json_line(report: Report) -> bytes:
    return json.dumps(report).encode() + b"\r\n"


async def told_by(port: int, enough: int) -> list[GnssEvent]:
    """The first events of our driver at a real gpsd's port."""
    opened = await open_port(f"tcp://127.0.0.1:{port}")
    events: list[GnssEvent] = []
    try:
        async with asyncio.timeout(ENOUGH_S):
            async for event in GpsdReceiver(opened).events():
                events.append(event)
                if len(events) == enough:
                    return events
    finally:
        await opened.close()
    raise AssertionError("events() ended")


async def live(sim: SimGnss, enough: int) -> list[GnssEvent]:
    """A simulated receiver, a real gpsd, and our driver, at the pace of a real one."""
    with FedGpsd() as gpsd:
        playing = asyncio.create_task(play(sim.bursts(), FeedLine(gpsd)))
        try:
            return await told_by(gpsd.port, enough)
        finally:
            playing.cancel()


class FeedLine:
    """The `DeviceLine` of a receiver that gpsd listens to."""

    def __init__(self, gpsd: FedGpsd) -> None:
        self._gpsd = gpsd

    async def read(self) -> bytes:
        raise AssertionError("gpsd was told not to write")

    async def write(self, data: bytes) -> None:
        self._gpsd.send(data)


def device(talker: Talker = "GN") -> SimGnss:
    start = datetime(2026, 12, 1, 12, tzinfo=UTC)
    return SimGnss(latitude_deg=30.5, longitude_deg=104.1, start=start, talker=talker)


@pytest.mark.parametrize("talker", ["GN", "GB"])
def test_a_receiver_behind_gpsd(talker: Talker) -> None:
    *_, fix = asyncio.run(live(device(talker), enough=4))
    assert isinstance(fix, Fix)
    assert (fix.latitude_deg, fix.longitude_deg) == pytest.approx((30.5, 104.1), abs=1e-3)
    assert (fix.altitude_m, fix.hdop, fix.is_3d) == (50.0, 0.9, True)
    assert fix.view is not None
    assert fix.satellites is None  # gpsd 3.22 counts 5 of 10 for GN, 9 of 10 for GB


def test_a_simulator_behind_gpsd_is_found_out() -> None:
    simulator = device()
    simulator.quality = 8
    first, *later = asyncio.run(live(simulator, enough=4))
    assert isinstance(first, NoFix)  # gpsd reports RMC before it has read GGA, once
    reasons = [event.reason for event in later if isinstance(event, NoFix)]
    assert reasons == [NoFixReason.QUALITY] * 3


def test_gpsd_that_dies_is_a_port_gone() -> None:
    async def main() -> None:
        with FedGpsd() as gpsd:
            opened = await open_port(f"tcp://127.0.0.1:{gpsd.port}")
            asyncio.get_running_loop().call_later(0.2, gpsd.kill)
            with pytest.raises(PortGone):
                await anext(aiter(GpsdReceiver(opened).events()))
            await opened.close()

    asyncio.run(main())


def test_gpsfake() -> None:
    """gpsd as its own people test it: on a pty, with everything switched on."""
    port = free_port()
    recording = recordings() / "bu353s4.log"
    command = [find("gpsfake"), "-q", "-c", "0.02", "-P", str(port), str(recording)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        connect(port, process).close()
        events = asyncio.run(told_by(port, enough=4))
    finally:
        end_group(process)
    places = {(report["lat"], report["lon"]) for report in theirs("bu353s4.log").values()}
    fixes = [event for event in events if isinstance(event, Fix)]
    assert len(fixes) >= 2
    assert {(fix.latitude_deg, fix.longitude_deg) for fix in fixes} <= places
