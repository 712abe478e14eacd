"""What one sentence states, read with pynmea2 and distrusting it (hw/gnss-nmea.md, 2 and 4).

pynmea2 converts when an attribute is read: a bad number comes back as a string, a missing position
as 0.0, and a bad one raises. So every field is read and checked here, once; nothing above sees
pynmea2.
"""

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from math import isfinite
from typing import Any

import pynmea2

from drivers.gnss.base import Antenna, SelfReport
from drivers.gnss.place import Position

MPS_PER_KNOT = 1852 / 3600
_TIME = re.compile(r"\d{6}(\.\d+)?")
_GSV_HEAD_FIELDS = 3  # messages, number of this one, satellites in view
_GSV_SATELLITE_FIELDS = 4  # id, elevation, azimuth, C/N0
_TXT_HEAD_FIELDS = 3  # messages, number of this one, severity
_ANTENNA_TEXT = re.compile(r"ANT(?:ENNA |STATUS=)(OK|OPEN|SHORT)")


class NoFact(enum.Enum):
    """Why a whole sentence states nothing."""

    UNUSED = enum.auto()
    """Of a known type, about something else."""
    UNKNOWN = enum.auto()
    """Of no type pynmea2 knows: the makers' own, or BeiDou short messages."""
    UNREADABLE = enum.auto()
    """Of a type we use, with a field that is none."""


@dataclass(frozen=True, slots=True)
class Rmc:
    """Recommended minimum: time, date, position, status."""

    time_of_day: time | None
    day: date | None
    active: bool
    mode: str | None
    """None before NMEA 2.3, which had no mode; empty when the receiver says none."""
    position: Position | None
    speed_mps: float | None
    talker: str = "GN"


@dataclass(frozen=True, slots=True)
class Gga:
    """Fix data: quality, satellites, altitude."""

    time_of_day: time | None
    quality: int
    position: Position | None
    satellites: int | None
    hdop: float | None
    altitude_m: float | None
    talker: str = "GN"


@dataclass(frozen=True, slots=True)
class Gsa:
    """Dimensions of the fix: 1 none, 2 or 3. It has no time of its own."""

    dimensions: int


@dataclass(frozen=True, slots=True)
class Zda:
    """Time and date with a four-digit year."""

    time_of_day: time | None
    day: date | None


@dataclass(frozen=True, slots=True)
class Gsv:
    """A part of the list of satellites in view; C/N0 is None for one that is not heard."""

    talker: str
    signal: str
    parts: int
    part: int
    in_view: int
    cn0_dbhz: tuple[tuple[str, int | None], ...]


Fact = Rmc | Gga | Gsa | Zda | Gsv | SelfReport


def read_fact(sentence: str) -> Fact | NoFact:
    """Read a framed sentence. Never raises."""
    if sentence.startswith("$P"):  # the makers' own: pynmea2 guesses at some of them
        return NoFact.UNKNOWN
    try:
        message = pynmea2.parse(sentence, check=True)
    except ValueError:  # pynmea2.ParseError
        return NoFact.UNKNOWN
    reader = _READERS.get(type(message))
    if reader is None:
        return NoFact.UNUSED
    try:
        return reader(message)
    except ValueError:
        return NoFact.UNREADABLE


# The readers below raise ValueError for a field that is none.


def _rmc(message: Any) -> Rmc:
    mode_index = message.name_to_idx["mode_indicator"]
    knots = _number(message.data, message.name_to_idx["spd_over_grnd"])
    return Rmc(
        time_of_day=_time_of_day(message),
        day=_day(message.datestamp),
        # Never is_valid: it refuses receivers whose navigation status is V, as most send it.
        active=message.status == "A",
        mode=message.data[mode_index] if len(message.data) > mode_index else None,
        position=_position(message),
        speed_mps=None if knots is None else knots * MPS_PER_KNOT,
        talker=message.talker,
    )


def _gga(message: Any) -> Gga:
    index = message.name_to_idx
    satellites = _number(message.data, index["num_sats"])
    return Gga(
        time_of_day=_time_of_day(message),
        quality=_whole_number(message.gps_qual),
        position=_position(message),
        satellites=None if satellites is None else int(satellites),
        hdop=_number(message.data, index["horizontal_dil"]),
        altitude_m=_number(message.data, index["altitude"]),
        talker=message.talker,
    )


def _gsa(message: Any) -> Gsa:
    return Gsa(_whole_number(message.mode_fix_type))


def _zda(message: Any) -> Zda:
    return Zda(_time_of_day(message), _zda_day(message))


def _gsv(message: Any) -> Gsv:
    # By our own count: pynmea2 takes the signal id of NMEA 4.10 for a satellite number.
    fields: list[str] = message.data
    count, extra = divmod(len(fields) - _GSV_HEAD_FIELDS, _GSV_SATELLITE_FIELDS)
    if count < 0:
        raise ValueError("GSV: too few fields")
    satellites: list[tuple[str, int | None]] = []
    for start in range(_GSV_HEAD_FIELDS, len(fields) - extra, _GSV_SATELLITE_FIELDS):
        number, cn0 = fields[start], fields[start + 3]
        if number:
            satellites.append((number, _whole_number(cn0) if cn0 else None))
    return Gsv(
        talker=message.talker,
        signal=fields[-1] if extra == 1 else "",
        parts=_whole_number(fields[0]),
        part=_whole_number(fields[1]),
        in_view=_whole_number(fields[2]),
        cn0_dbhz=tuple(satellites),
    )


def _txt(message: Any) -> SelfReport | NoFact:
    told = _ANTENNA_TEXT.match(",".join(message.data[_TXT_HEAD_FIELDS:]))
    return NoFact.UNUSED if told is None else SelfReport(antenna=Antenna[told[1]])


def _time_of_day(message: Any) -> time | None:
    text = message.data[0]
    if not text:
        return None
    value = message.timestamp
    if not _TIME.fullmatch(text) or not isinstance(value, time):
        raise ValueError("no time of day")
    return value


def _day(value: object) -> date | None:
    """Keep a date; a receiver that does not know it sends nothing or 000000."""
    return value if isinstance(value, date) else None


def _zda_day(message: Any) -> date | None:
    try:
        return _day(message.datestamp)
    except (TypeError, ValueError):
        return None


def _position(message: Any) -> Position | None:
    if not message.lat or not message.lon:
        return None
    if message.lat_dir not in {"N", "S"} or message.lon_dir not in {"E", "W"}:
        return None  # pynmea2 would say 0.0
    latitude_deg, longitude_deg = message.latitude, message.longitude
    if abs(latitude_deg) > 90 or abs(longitude_deg) > 180 or latitude_deg == longitude_deg == 0:
        return None
    return Position(latitude_deg, longitude_deg)


def _number(fields: list[str], index: int) -> float | None:
    text = fields[index] if index < len(fields) else ""
    if not text:
        return None
    value = float(text)
    if not isfinite(value):
        raise ValueError("no number")
    return value


def _whole_number(value: object) -> int:
    return int(str(value))


_READERS: Mapping[type[Any], Callable[[Any], Fact | NoFact]] = {
    pynmea2.RMC: _rmc,
    pynmea2.GGA: _gga,
    pynmea2.GSA: _gsa,
    pynmea2.GSV: _gsv,
    pynmea2.TXT: _txt,
    pynmea2.ZDA: _zda,
}
