"""What gpsd says, as the facts that sentences state (hw/gpsd.md).

gpsd reads the receiver and tells the result in JSON, a line each. Its reports are turned into the
same facts, so that one judge decides for both what a fix is. Pure; never raises for any line.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from drivers.gnss.facts import Fact, Gga, Gsa, Gsv, NoFact, Rmc
from drivers.gnss.place import Position

MAX_LINE_BYTES = 16_384
"""gpsd's own limit is 10 240 (GPS_JSON_RESPONSE_MAX); a longer line is not from gpsd."""

_NO_FIX = 1  # TPV mode: 0 and 1 none, 2 and 3 dimensions
_3D = 3
_MIN_FOR_3D = 4  # satellites: three coordinates and the receiver's clock
_NOT_MEASURED = 6  # GGA quality: dead reckoning, surveyed in, simulated
_GGA_QUALITY: Mapping[int, int] = {0: 1, 1: 1, 2: 2, 3: 4, 4: 5, 9: 3}
"""TPV status -> GGA quality; gpsd leaves the status out where nothing is special."""


class Version(Struct, frozen=True, tag_field="class", tag="VERSION"):
    """The first line of a connection."""

    proto_major: int
    release: str = "?"


class Report(Struct, frozen=True, tag_field="class", tag="TPV", rename={"altitude_m": "altMSL"}):
    """Time, position, velocity of one receiver."""

    mode: int
    device: str = ""
    time: str | None = None
    lat: float | None = None
    lon: float | None = None
    altitude_m: float | None = None
    alt: float | None = None
    """Before gpsd 3.20: above mean sea level, as `altMSL` since."""
    speed: float | None = None
    status: int = 0


class Satellite(Struct, frozen=True, rename={"number": "PRN", "cn0_dbhz": "ss"}):
    """One in view."""

    number: int
    cn0_dbhz: float | None = None
    used: bool = False
    gnssid: int = 0


class Sky(Struct, frozen=True, tag_field="class", tag="SKY"):
    """The satellites of one receiver; without a list it only repeats the DOPs."""

    device: str = ""
    hdop: float | None = None
    satellites: tuple[Satellite, ...] = ()


class _Head(Struct, frozen=True, rename={"kind": "class"}):
    kind: str


_HEAD = Decoder(_Head)
_READ: Mapping[str, Decoder[Version] | Decoder[Report] | Decoder[Sky]] = {
    "VERSION": Decoder(Version),
    "TPV": Decoder(Report),
    "SKY": Decoder(Sky),
}


def read_line(line: bytes) -> Version | Report | Sky | NoFact:
    """Read one line without its end."""
    try:
        reader = _READ.get(_HEAD.decode(line).kind)
        return NoFact.UNUSED if reader is None else reader.decode(line)
    except (DecodeError, UnicodeDecodeError, RecursionError):  # no JSON, not UTF-8, or too deep
        return NoFact.UNREADABLE


def moment(report: Report) -> datetime | None:
    """When it was measured; None without a time, or with one that is none."""
    if report.time is None:
        return None
    try:
        utc = datetime.fromisoformat(report.time)
    except ValueError:
        return None
    return utc if utc.tzinfo is UTC else None  # gpsd ends every time in Z


def position_facts(report: Report, sky: Sky | None) -> Sequence[Fact]:
    """What a receiver would have said in RMC, GGA and GSA."""
    utc = moment(report)
    time_of_day = None if utc is None else utc.timetz()
    has_fix = report.mode > _NO_FIX
    place = _place(report)
    quality = _GGA_QUALITY.get(report.status, _NOT_MEASURED) if has_fix else 0
    return (
        Rmc(time_of_day, None if utc is None else utc.date(), has_fix, None, place, report.speed),
        Gga(
            time_of_day,
            quality,
            place,
            satellites=None if sky is None else _used(sky, report.mode),
            hdop=None if sky is None else sky.hdop,
            altitude_m=report.alt if report.altitude_m is None else report.altitude_m,
        ),
        Gsa(min(report.mode, _3D) if has_fix else _NO_FIX),
    )


def sky_facts(sky: Sky) -> Sequence[Fact]:
    """What a receiver would have said in GSV, a list for each system."""
    systems: dict[int, list[Satellite]] = defaultdict(list)
    for satellite in sky.satellites:
        systems[satellite.gnssid].append(satellite)
    return [
        Gsv(
            talker=str(system),
            signal="",
            parts=1,
            part=1,
            in_view=len(listed),
            cn0_dbhz=tuple(
                (str(one.number), None if one.cn0_dbhz is None else round(one.cn0_dbhz))
                for one in listed
            ),
        )
        for system, listed in systems.items()
    ]


def _place(report: Report) -> Position | None:
    latitude_deg, longitude_deg = report.lat, report.lon
    if latitude_deg is None or longitude_deg is None:
        return None
    if abs(latitude_deg) > 90 or abs(longitude_deg) > 180 or latitude_deg == longitude_deg == 0:
        return None
    return Position(latitude_deg, longitude_deg)


def _used(sky: Sky, mode: int) -> int | None:
    """How many satellites are used; None where gpsd's count cannot be.

    gpsd 3.22 misses BeiDou's, some or all. So a system in view of which none is said to be used, or
    three dimensions out of fewer than four satellites, are that case.
    """
    systems = {satellite.gnssid for satellite in sky.satellites}
    used = [satellite.gnssid for satellite in sky.satellites if satellite.used]
    if systems != {*used} or (mode == _3D and len(used) < _MIN_FOR_3D):
        return None
    return len(used)
