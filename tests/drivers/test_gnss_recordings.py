"""The driver over ten recordings of real receivers, line by line what it must make of them.

Positions are checked against our own arithmetic on the raw lines, not the driver's.
"""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.errors import PortGone
from drivers.gnss.base import Fix, FixQuality, GnssEvent, NoFix
from drivers.gnss.nmea import NmeaReceiver, SentenceCounts
from drivers.gnss.rules import ClockFacts, Rule
from drivers.gnss.trust import GnssTrust
from sim.devices.gnss_replay import replay
from tests.recordings import recordings

pytestmark = pytest.mark.recordings

RAW_PLACE = re.compile(
    rb"\$..(?:RMC,(?P<rmc>[\d.]+),A|GGA,(?P<gga>[\d.]+)),"
    rb"(?P<lat>\d\d)(?P<lat_min>[\d.]+),(?P<ns>[NS]),(?P<lon>\d{3})(?P<lon_min>[\d.]+),(?P<ew>[EW])"
)


@dataclass(frozen=True)
class Expected:
    """What one recording holds. Places are latitude and longitude in degrees."""

    accepted: int
    fixes: int
    first_utc: str
    first: tuple[float, float]
    last_utc: str
    last: tuple[float, float]
    satellites: tuple[int | None, int | None]
    qualities: set[FixQuality] = field(default_factory=lambda: {FixQuality.SPS})
    no_fix: dict[str, int] = field(default_factory=lambda: {"UNCONFIRMED": 1})
    unknown: int = 0
    is_3d: bool | None = True


RECORDINGS = {
    "bu353s4.log": Expected(
        accepted=90,
        fixes=24,
        first_utc="2014-12-31T03:07:20",
        first=(-37.78479, 175.31490),
        last_utc="2014-12-31T03:07:43",
        last=(-37.78480, 175.31490),
        satellites=(7, 8),
    ),
    # Wakes up: RMC alone and five rounds without fix, one fix of no satellites, thirty of HDOP
    # 7.5 and more. GSA with every third round.
    "haicom-305N.log": Expected(
        accepted=325,
        fixes=36,
        first_utc="2007-04-08T09:53:38.795",
        first=(-27.21075, 153.05199),
        last_utc="2007-04-08T09:54:15.787",
        last=(-27.21067, 153.05200),
        satellites=(6, 9),
        no_fix={"NO_SATELLITES": 6, "FEW_SATELLITES": 1, "HDOP": 30, "UNCONFIRMED": 1},
    ),
    "navika-100-fix.log": Expected(
        accepted=180,
        fixes=19,
        first_utc="2016-04-21T22:32:52",
        first=(37.96544, -122.53242),
        last_utc="2016-04-21T22:33:10",
        last=(37.96544, -122.53242),
        satellites=(5, 5),
    ),
    # Ends in the middle of 17:19:48, before GSA.
    "neo-m8n.log": Expected(
        accepted=293,
        fixes=21,
        first_utc="2015-03-18T17:19:27",
        first=(44.06901, -121.31425),
        last_utc="2015-03-18T17:19:47",
        last=(44.06898, -121.31423),
        satellites=(12, 12),
    ),
    # Ten rounds a second, of which the first counts, no GSA, two pieces ten minutes apart.
    "nmea-rtk.log": Expected(
        accepted=244,
        fixes=13,
        first_utc="2020-03-18T13:28:20",
        first=(41.57497, -93.75057),
        last_utc="2020-03-18T13:39:01",
        last=(41.57503, -93.75060),
        satellites=(9, 19),
        qualities={FixQuality.DGPS, FixQuality.RTK},
        is_3d=None,
    ),
    # Five rounds a second; ends in the middle of 05:53:04.0, before RMC.
    "quectel-l76k-nmea.log": Expected(
        accepted=2280,
        fixes=29,
        first_utc="2026-08-05T05:52:35",
        first=(47.66198, -122.32639),
        last_utc="2026-08-05T05:53:03",
        last=(47.66198, -122.32639),
        satellites=(14, 15),
    ),
    "skytraq-dgps.log": Expected(
        accepted=1024,
        fixes=95,
        first_utc="2016-04-07T21:31:22",
        first=(44.06883, -121.31448),
        last_utc="2016-04-07T21:32:56",
        last=(44.06882, -121.31446),
        satellites=(6, 9),
        qualities={FixQuality.DGPS},
        unknown=96,  # $PSTI
    ),
    # 37 empty rounds; then 10:51:53.71 and, a round later, 10:51:53.408.
    "telit-he910.log": Expected(
        accepted=1558,
        fixes=185,
        first_utc="2019-03-12T10:51:54.408",
        first=(50.84020, 4.34711),
        last_utc="2019-03-12T10:54:59.408",
        last=(50.84021, 4.34705),
        satellites=(4, 6),
        no_fix={"NO_SATELLITES": 37, "UNCONFIRMED": 1},
    ),
    "ublox-neo-m9n-nmea.log": Expected(
        accepted=1403,
        fixes=60,
        first_utc="2020-07-11T22:37:46",
        first=(38.11049, -122.62690),
        last_utc="2020-07-11T22:38:45",
        last=(38.11050, -122.62692),
        satellites=(12, 12),
        qualities={FixQuality.DGPS},
    ),
    # 00:06:53 to 00:07:04 good, 00:07:05 HDOP 10.16, four seconds nothing, good from 00:07:10.
    "unicore-um621.log": Expected(
        accepted=882,
        fixes=13,
        first_utc="2024-06-09T00:06:54",
        first=(44.06883, -121.31410),
        last_utc="2024-06-09T00:07:12",
        last=(44.06880, -121.31412),
        satellites=(12, 29),
        no_fix={"UNCONFIRMED": 2, "HDOP": 1, "NO_SATELLITES": 4},
        unknown=221,  # 201 $GYOACC and 20 $SNRSTAT
    ),
}


class ReplayPort:
    """A `BytePort` that plays a recording and keeps its time."""

    def __init__(self, path: Path) -> None:
        self.now_s = 0.0
        self._bursts = replay(path)

    async def read(self) -> bytes:
        burst = next(self._bursts, None)
        if burst is None:
            raise PortGone("end of the recording")
        self.now_s = burst.after_s
        return burst.data

    async def write(self, data: bytes) -> None:
        raise AssertionError(f"the driver only listens, got {len(data)} bytes")

    async def close(self) -> None:
        pass


def heard(port: ReplayPort) -> tuple[list[GnssEvent], SentenceCounts]:
    """Run the driver to the end of the recording."""
    receiver = NmeaReceiver(port, monotonic=lambda: port.now_s)
    events: list[GnssEvent] = []

    async def collect() -> None:
        async for event in receiver.events():
            events.append(event)  # noqa: PERF401 - a comprehension would lose them at PortGone

    with pytest.raises(PortGone):
        asyncio.run(collect())
    return events, receiver.counts


def raw_places(path: Path) -> dict[str, set[tuple[float, float]]]:
    """Every position the file holds, by time of day, computed from the text alone."""
    places: dict[str, set[tuple[float, float]]] = {}
    for line in RAW_PLACE.finditer(path.read_bytes()):
        latitude = int(line["lat"]) + float(line["lat_min"]) / 60
        longitude = int(line["lon"]) + float(line["lon_min"]) / 60
        place = (
            round(-latitude if line["ns"] == b"S" else latitude, 9),
            round(-longitude if line["ew"] == b"W" else longitude, 9),
        )
        clock = float(line["rmc"] or line["gga"])
        places.setdefault(f"{clock:010.3f}", set()).add(place)
    return places


def at_millisecond(utc: datetime) -> datetime:
    """Without the microsecond that pynmea2 cuts off."""
    return utc.replace(microsecond=round(utc.microsecond / 1000) * 1000)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_recording_is_in_the_table() -> None:
    assert {path.name for path in recordings().glob("*.log")} == set(RECORDINGS)


@pytest.mark.parametrize("name", RECORDINGS)
def test_recording(name: str) -> None:
    expected = RECORDINGS[name]
    events, counts = heard(ReplayPort(recordings() / name))
    fixes = [event for event in events if isinstance(event, Fix)]
    no_fix = Counter(event.reason.name for event in events if isinstance(event, NoFix))
    used = [fix.satellites for fix in fixes if fix.satellites is not None]
    first, last = fixes[0], fixes[-1]
    assert first.utc is not None
    assert last.utc is not None

    assert counts == SentenceCounts(expected.accepted, expected.unknown, unreadable=0, damaged=0)
    assert (len(fixes), no_fix) == (expected.fixes, expected.no_fix)
    assert (at_millisecond(first.utc), at_millisecond(last.utc)) == (
        utc(expected.first_utc),
        utc(expected.last_utc),
    )
    assert (first.latitude_deg, first.longitude_deg) == pytest.approx(expected.first, abs=6e-6)
    assert (last.latitude_deg, last.longitude_deg) == pytest.approx(expected.last, abs=6e-6)
    assert (min(used), max(used)) == expected.satellites
    assert {fix.quality for fix in fixes} == expected.qualities
    assert {fix.is_3d for fix in fixes} == {expected.is_3d}


@pytest.mark.parametrize("name", RECORDINGS)
def test_each_fix_is_where_the_raw_line_of_its_second_says(name: str) -> None:
    path = recordings() / name
    places = raw_places(path)
    events, _ = heard(ReplayPort(path))
    fixes = [event for event in events if isinstance(event, Fix)]
    for fix in fixes:
        assert fix.utc is not None
        place = (round(fix.latitude_deg, 9), round(fix.longitude_deg, 9))
        assert place in places[f"{at_millisecond(fix.utc):%H%M%S.%f}"[:10]]


@pytest.mark.parametrize("name", RECORDINGS)
def test_at_most_one_event_a_second_and_time_never_stands(name: str) -> None:
    events, _ = heard(ReplayPort(recordings() / name))
    clock = [event.utc for event in events if isinstance(event, Fix) and event.utc is not None]
    seconds = [utc.replace(microsecond=0) for utc in clock]
    assert seconds == sorted(set(seconds))


@pytest.mark.parametrize(
    ("name", "latitude_deg", "longitude_deg", "within_deg"),
    [
        pytest.param("bu353s4.log", -37.8, 175.3, 0.05, id="Hamilton"),
        pytest.param("haicom-305N.log", -27, 153, 0.5, id="27S 153E"),
        pytest.param("quectel-l76k-nmea.log", 47.7, -122.3, 0.05, id="Seattle"),
        pytest.param("telit-he910.log", 50 + 50.4126 / 60, 4 + 20.8228 / 60, 1e-4, id="Brussels"),
        pytest.param("unicore-um621.log", 44.06886183, -121.31410000, 2e-4, id="Bend"),
    ],
)
def test_the_place_that_the_collector_wrote_down(
    name: str, latitude_deg: float, longitude_deg: float, within_deg: float
) -> None:
    events, _ = heard(ReplayPort(recordings() / name))
    for event in events:
        if isinstance(event, Fix):
            assert event.latitude_deg == pytest.approx(latitude_deg, abs=within_deg)
            assert event.longitude_deg == pytest.approx(longitude_deg, abs=within_deg)


RULES_THAT_SPEAK = {
    "nmea-rtk.log": {Rule.TIME_STEP},  # ten minutes were cut out of it
    "unicore-um621.log": {Rule.STRENGTH_JUMP},  # its sky was taken away: 10 dB in a second
}
ANY_TIME = ClockFacts(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", RECORDINGS)
def test_no_rule_speaks_against_an_honest_receiver(name: str) -> None:
    events, _ = heard(ReplayPort(recordings() / name))
    trust, raised = GnssTrust(), set[Rule]()
    for event in events:
        raised |= set(trust.take(event, ANY_TIME).raised)
    assert raised == RULES_THAT_SPEAK.get(name, set())


LOST_EVERY = 500


class LossyPort(ReplayPort):
    """Loses every five-hundredth byte."""

    sent = 0

    async def read(self) -> bytes:
        data = await super().read()
        start, self.sent = self.sent + 1, self.sent + len(data)
        return bytes(byte for place, byte in enumerate(data, start) if place % LOST_EVERY)


def test_bytes_lost_on_the_line_cost_sentences_and_never_make_a_wrong_fix() -> None:
    path = recordings() / "telit-he910.log"
    known = set().union(*raw_places(path).values())
    port = LossyPort(path)
    events, counts = heard(port)
    fixes = [event for event in events if isinstance(event, Fix)]
    losses = port.sent // LOST_EVERY
    assert losses / 2 < counts.damaged <= losses
    assert len(fixes) > 100
    assert all((round(fix.latitude_deg, 9), round(fix.longitude_deg, 9)) in known for fix in fixes)
