"""gpsd's lines: whatever they hold, and whatever of it makes a fix."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DeviceRefused, DeviceSilent, PortGone
from drivers.gnss.base import Fix, FixQuality, GnssEvent, NoFix, NoFixReason
from drivers.gnss.facts import NoFact
from drivers.gnss.gpsd import SAME_TIME_S, WATCH, GpsdReceiver, LineSplitter
from drivers.gnss.gpsd_reports import MAX_LINE_BYTES, Report, Sky, Version, moment, read_line
from sim.clock import Run
from sim.memory import MemoryCable

VERSION = {"class": "VERSION", "release": "3.22", "proto_major": 3}


def tpv(second: int = 0, **changes: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "class": "TPV",
        "device": "/dev/ttyACM0",
        "mode": 3,
        "time": f"2026-12-01T12:00:{second:02d}.000Z",
        "lat": 30.5,
        "lon": 104.1,
        "altHAE": 460.0,
        "altMSL": 500.0,
        "speed": 0.5,
    }
    return {key: value for key, value in (usual | changes).items() if value is not None}


def sky(*used: tuple[int, bool], hdop: float = 0.9) -> dict[str, object]:
    """`used`: of each satellite its system and whether it is used."""
    satellites = [
        {"PRN": number, "gnssid": system, "ss": 40.4, "used": is_used}
        for number, (system, is_used) in enumerate(used, 1)
    ]
    return {"class": "SKY", "device": "/dev/ttyACM0", "hdop": hdop, "satellites": satellites}


def line(report: object) -> bytes:
    return json.dumps(report).encode() + b"\r\n"


def told(run: Run, *said: tuple[float, object]) -> list[GnssEvent]:
    """What the receiver makes of reports, each told at its second; bytes are sent as they are."""

    async def main() -> list[GnssEvent]:
        loop, cable = asyncio.get_running_loop(), MemoryCable()
        receiver, events = GpsdReceiver(cable.host, monotonic=loop.time), []

        async def say() -> None:
            await cable.device.write(line(VERSION))
            assert await cable.device.read() == WATCH
            for at_s, report in said:
                await asyncio.sleep(at_s - loop.time())
                await cable.device.write(report if isinstance(report, bytes) else line(report))
            await asyncio.sleep(0.1)
            cable.unplug()

        saying = asyncio.create_task(say())
        try:
            async for event in receiver.events():
                events.append(event)  # noqa: PERF401 - a comprehension would lose them at PortGone
        except PortGone:
            await saying
            return events
        raise AssertionError("events() ended; it must raise PortGone")

    return run(main())


def reasons(events: list[GnssEvent]) -> list[NoFixReason | None]:
    return [event.reason if isinstance(event, NoFix) else None for event in events]


FIRST = NoFixReason.UNCONFIRMED


def test_a_fix(run: Run) -> None:
    seen = sky(*[(0, True)] * 5, *[(3, True)] * 4, (3, False))
    events = told(run, (0, tpv(0)), (0.1, seen), (1, tpv(1)))
    assert reasons(events) == [FIRST, None]
    fix = events[1]
    assert isinstance(fix, Fix)
    assert fix.utc == datetime(2026, 12, 1, 12, 0, 1, tzinfo=UTC)
    assert (fix.latitude_deg, fix.longitude_deg, fix.altitude_m) == (30.5, 104.1, 500.0)
    assert (fix.satellites, fix.hdop, fix.speed_mps) == (9, 0.9, 0.5)
    assert (fix.quality, fix.is_3d, fix.report) == (FixQuality.SPS, True, None)
    assert fix.view is not None
    assert (fix.view.in_view, fix.view.cn0_dbhz) == (10, (40,) * 10)


def test_a_position_without_a_time_is_of_no_epoch(run: Run) -> None:
    events = told(run, (0, tpv(0, time=None)), (0.1, tpv(0)), (1, tpv(1, time=None)), (1, tpv(1)))
    assert reasons(events) == [FIRST, None]


def test_an_epoch_that_grows_is_told_once(run: Run) -> None:
    growing = [(second + tenth / 10, tpv(second)) for second in range(3) for tenth in range(4)]
    assert reasons(told(run, *growing)) == [FIRST, None, None]


def test_a_slow_line_stretches_an_epoch_and_is_no_stopped_clock(run: Run) -> None:
    stretched = [(second + late_s, tpv(second)) for second in range(4) for late_s in (0, 0.9)]
    assert reasons(told(run, *stretched)) == [FIRST, None, None, None]


def test_a_stopped_clock_is_stale(run: Run) -> None:
    stopped = [(float(second), tpv(min(second, 2))) for second in range(8)]
    events = told(run, *stopped)
    assert NoFixReason.STALE in reasons(events)
    assert None not in reasons(events)[2 + int(SAME_TIME_S) :]


def test_without_a_fix_one_event_a_second(run: Run) -> None:
    blind = {"class": "TPV", "device": "/dev/ttyACM0", "mode": 1}
    events = told(run, *[(tenth / 10, blind) for tenth in range(50)])
    assert set(reasons(events)) == {NoFixReason.NO_SATELLITES}
    assert len(events) == 6  # each 0.9 s of five


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": 0}, NoFixReason.NO_SATELLITES),
        ({"mode": 1}, NoFixReason.NO_SATELLITES),
        ({"mode": -7}, NoFixReason.NO_SATELLITES),
        ({"status": 5}, NoFixReason.QUALITY),
        ({"status": 6}, NoFixReason.QUALITY),
        ({"status": 7}, NoFixReason.QUALITY),
        ({"status": 8}, NoFixReason.QUALITY),
        ({"status": 99}, NoFixReason.QUALITY),
        ({"lat": None}, NoFixReason.NO_POSITION),
        ({"lon": None}, NoFixReason.NO_POSITION),
        ({"lat": 0, "lon": 0.0}, NoFixReason.NO_POSITION),
        ({"lat": 90.1}, NoFixReason.NO_POSITION),
        ({"lon": -180.1}, NoFixReason.NO_POSITION),
    ],
)
def test_what_is_no_fix(run: Run, changes: dict[str, object], reason: NoFixReason) -> None:
    events = told(run, *[(float(second), tpv(second, **changes)) for second in range(3)])
    assert set(reasons(events)) == {reason}


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        (0, FixQuality.SPS),
        (1, FixQuality.SPS),
        (2, FixQuality.DGPS),
        (3, FixQuality.RTK),
        (4, FixQuality.FLOAT),
        (9, FixQuality.PPS),
    ],
)
def test_status(run: Run, status: int, quality: FixQuality) -> None:
    events = told(run, (0, tpv(0, status=status)), (1, tpv(1, status=status)))
    assert [event.quality for event in events if isinstance(event, Fix)] == [quality]


def test_two_dimensions_have_no_altitude(run: Run) -> None:
    fix = told(run, (0, tpv(0, mode=2)), (1, tpv(1, mode=2)))[1]
    assert isinstance(fix, Fix)
    assert (fix.altitude_m, fix.is_3d) == (None, False)


def test_an_older_gpsd_says_alt(run: Run) -> None:
    older = {"altMSL": None, "altHAE": None, "alt": 499.0}
    fix = told(run, (0, tpv(0, **older)), (1, tpv(1, **older)))[1]
    assert isinstance(fix, Fix)
    assert fix.altitude_m == 499.0


@pytest.mark.parametrize(
    ("seen", "mode", "satellites", "reason"),
    [
        (sky(*[(0, True)] * 3), 2, None, NoFixReason.FEW_SATELLITES),
        (sky(*[(0, True)] * 3), 3, None, None),  # cannot be: gpsd 3.22 has lost count
        (sky(*[(0, True)] * 3, (3, True)), 3, 4, None),
        (sky(*[(0, True)] * 9, (3, False)), 3, None, None),  # gpsd 3.22 misses BeiDou
        (sky(*[(0, False)] * 9), 3, None, None),
        (sky(*[(0, True)] * 9, hdop=5.1), 3, None, NoFixReason.HDOP),
    ],
)
def test_what_sky_says_against_a_position(
    run: Run, seen: object, mode: int, satellites: int | None, reason: NoFixReason | None
) -> None:
    event = told(run, (0, seen), (0.1, tpv(0, mode=mode)), (1, tpv(1, mode=mode)))[1]
    assert reasons([event]) == [reason]
    if isinstance(event, Fix):
        assert event.satellites == satellites


def test_an_old_sky_says_nothing(run: Run) -> None:
    bad = sky(*[(0, True)] * 9, hdop=9.0)
    events = told(run, (0, bad), *[(float(second), tpv(second)) for second in range(14)])
    assert reasons(events)[-1] is None


def test_dops_alone_do_not_replace_the_satellites(run: Run) -> None:
    seen, dops = sky(*[(0, True)] * 9), {"class": "SKY", "device": "/dev/ttyACM0", "hdop": 0.8}
    fix = told(run, (0, seen), (0.1, tpv(0)), (0.5, dops), (1, tpv(1)))[1]
    assert isinstance(fix, Fix)
    assert fix.satellites == 9


def test_of_two_receivers_the_first_is_followed(run: Run) -> None:
    other = {"device": "/dev/ttyUSB7", "lat": 10.0}
    said = [(float(second), tpv(second, **extra)) for second in range(4) for extra in ({}, other)]
    events = told(run, *said)
    assert {event.latitude_deg for event in events if isinstance(event, Fix)} == {30.5}


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\xff\n",
        b"{}\n",
        b'{"class":"TP\x9aV"}\n',
        b"[]\n",
        b'{"class":"TPV"}\n',
        b'{"class":"TPV","mode":"3"}\n',
        b'{"class":"TPV","mode":3,"lat":1e999}\n',
        b'{"class":"TPV","mode":3,"lat":NaN}\n',
        b'{"class":"SKY","satellites":[{}]}\n',
        b'{"class":"GST","device":"/dev/ttyACM0"}\n',
        b'{"class":"TPV","x":' + b"[" * 9000 + b"\n",
        b"[" * (MAX_LINE_BYTES + 1) + b"\n",
        b"\r\n\n",
    ],
)
def test_a_line_that_is_no_report_costs_nothing(run: Run, noise: bytes) -> None:
    events = told(run, (0, tpv(0)), (0.5, noise), (1, tpv(1)))
    assert reasons(events) == [FIRST, None]


def test_a_gpsd_that_hears_no_receiver_is_silent(run: Run) -> None:
    async def main() -> float:
        cable = MemoryCable()
        await cable.device.write(line(VERSION) + line({"class": "DEVICES", "devices": []}))
        with pytest.raises(DeviceSilent, match="gpsd heard no receiver"):
            await anext(aiter(GpsdReceiver(cable.host).events()))
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(5.0)


def test_another_protocol_is_refused(run: Run) -> None:
    async def main() -> None:
        cable = MemoryCable()
        await cable.device.write(line(VERSION | {"proto_major": 4}))
        with pytest.raises(DeviceRefused, match=r"3\.22 speaks protocol 4"):
            await anext(aiter(GpsdReceiver(cable.host).events()))

    run(main())


# Whatever arrives: hostile JSON, any cut.

texts = st.text('0123456789-:+.TZWxyz"\\\\{}[], 中', max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
reports = st.builds(
    lambda kind, fields: {"class": kind} | fields,
    st.sampled_from(["TPV", "SKY", "VERSION", "ERROR"]),
    st.dictionaries(
        st.sampled_from(
            ["mode", "time", "lat", "lon", "altMSL", "status", "device", "satellites", "hdop"]
        ),
        json_values,
    ),
)


@given(reports)
def test_hostile_fields_are_read_or_refused(report: dict[str, object]) -> None:
    said = read_line(json.dumps(report).encode())
    assert isinstance(said, Report | Sky | Version | NoFact)
    if isinstance(said, Report):
        moment(said)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_line_or_none(data: bytes) -> None:
    read_line(data)


@given(texts)
def test_any_text_is_a_time_or_none(text: str) -> None:
    utc = moment(Report(mode=3, time=text))
    assert utc is None or utc.utcoffset() is not None


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+23:59", "2026-12-01T12:00:60Z", "2026-12-01", "12:00:00Z", ""]
)
def test_times_that_are_none(text: str) -> None:
    assert moment(Report(mode=3, time=text)) is None


def split(*pieces: bytes) -> list[bytes]:
    splitter = LineSplitter()
    return [found for piece in pieces for found in splitter.feed(piece)]


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_lines_never_depend_on_where_they_are_cut(pieces: list[bytes]) -> None:
    assert split(*pieces) == split(b"".join(pieces))


def test_lines() -> None:
    assert split(b"one\r\n\r\ntwo\nthr", b"ee\nfour") == [b"one", b"two", b"three"]
    longest = b"x" * MAX_LINE_BYTES
    assert split(longest + b"\n" + longest + b"x\nnext\n") == [longest, b"next"]
    assert split(*[longest] * 9, b"\n", b"next\n") == [b"next"]
