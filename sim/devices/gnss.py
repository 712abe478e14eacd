"""Simulated satellite receiver: NMEA 0183 at 1 Hz, byte for byte, at the pace of its line.

Written from hw/gnss-nmea.md, never from drivers/, so that the two can disagree. It talks and does
not listen. Its surroundings are its attributes and methods: somebody covers the antenna, the sky
gets worse (`satellites`, `hdop`), the position comes from elsewhere (`quality`).

Not modelled: satellites that rise and set (the sky stands still), differential corrections, leap
seconds, HDOP that follows the geometry, altitude that wanders, more than 1 Hz, the makers' own
sentences, any command, a place at a pole or on the 180th meridian.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import count
from math import cos, hypot, radians
from operator import xor
from typing import Literal

from sim.devices.burst import Burst
from sim.devices.line import BITS_PER_BYTE

Talker = Literal["GN", "GP", "GB"]

DEFAULT_BAUD = 9600
LATENCY_S = 0.1
"""From the second itself to its first byte; 0.07 to 0.25 s is usual."""
REACQUIRE_S = 2
"""From uncovering the antenna to the next fix: a hot start."""

_METRES_PER_DEGREE = 60 * 1852.0  # of latitude: one minute is one nautical mile
_KNOTS_PER_MPS = 3600 / 1852
_WANDER_PULL = 0.1  # the share of the way back to the true place that each second brings
_HDOP_WITHOUT_FIX = 99.99
_NO_FIX, _2D, _3D = 1, 2, 3  # GSA
_MIN_FOR_3D = 4  # satellites: three coordinates and the receiver's clock
_SYSTEM_ID = {"GP": 1, "GB": 4}  # NMEA 4.10: closes the GSA of a receiver with several systems
_FIRST_SATELLITE = {"GP": 2, "GB": 6}
_SATELLITES_PER_GSV = 4
_SATELLITES_PER_GSA = 12
_SEEN_UNUSED = 1  # per system: in view, too low to be used


@dataclass(frozen=True, slots=True)
class _Satellite:
    number: int
    elevation_deg: int
    azimuth_deg: int
    cn0_dbhz: int


class SimGnss:
    """One receiver at one place. `talker` GN is GPS with BeiDou, GP and GB are one of them alone.

    `start` is the true time, aware, at which it is switched on; `first_fix_after_s` its time to
    first fix, before which it knows no time either.
    """

    def __init__(
        self,
        *,
        latitude_deg: float,
        longitude_deg: float,
        start: datetime,
        altitude_m: float = 50.0,
        talker: Talker = "GN",
        satellites: int = 10,
        hdop: float = 0.9,
        wander_m: float = 0.5,
        first_fix_after_s: int = 0,
        with_zda: bool = False,
        baud: int = DEFAULT_BAUD,
        seed: int = 0,
    ) -> None:
        self.satellites = satellites
        self.hdop = hdop
        self.quality = 1
        self.mode = "A"
        self._place = (latitude_deg, longitude_deg, altitude_m)
        self._start = start
        self._talker = talker
        self._wander_m = wander_m
        self._with_zda = with_zda
        self._byte_time_s = BITS_PER_BYTE / baud
        self._random = random.Random(seed)
        self._systems = ("GP", "GB") if talker == "GN" else (talker,)
        self._offset_m = (0.0, 0.0)  # north and east of the true place
        self._speed_mps = 0.0
        self._covered = False
        self._fix_from_s = first_fix_after_s
        self._knows_time = first_fix_after_s == 0
        self._uptime_s = 0

    def cover_antenna(self) -> None:
        """Take the sky away: the fix is gone with the next second."""
        self._covered = True

    def uncover_antenna(self) -> None:
        """Give the sky back: a fix follows `REACQUIRE_S` later."""
        if self._covered:
            self._covered = False
            self._fix_from_s = max(self._fix_from_s, self._uptime_s + REACQUIRE_S)

    def bursts(self) -> Iterator[Burst]:
        """Yield a burst per sentence, without end; each second is made up when asked for."""
        for second in count(self._uptime_s):
            self._uptime_s = second
            after_s = second + LATENCY_S
            for sentence in self._second(self._start + timedelta(seconds=second)):
                after_s += len(sentence) * self._byte_time_s
                yield Burst(after_s, sentence)
            self._uptime_s = second + 1

    def _second(self, now: datetime) -> Iterator[bytes]:
        has_fix = not self._covered and self._uptime_s >= self._fix_from_s
        self._knows_time |= has_fix
        self._drift()
        time_of_day = f"{now:%H%M%S}.00" if self._knows_time else ""
        day = f"{now:%d%m%y}" if self._knows_time else ""
        place = self._coordinates() if has_fix else ",,,"
        yield self._sentence("RMC", self._rmc(time_of_day, place, day, has_fix=has_fix))
        yield self._sentence("GGA", self._gga(time_of_day, place, has_fix=has_fix))
        skies = {system: self._sky(system) for system in self._systems}
        for system, sky in skies.items():
            yield self._sentence("GSA", self._gsa(system, sky, has_fix=has_fix))
        for system, sky in skies.items():
            yield from self._gsv(system, sky)
        if self._with_zda:
            calendar = f"{now:%d,%m,%Y}" if self._knows_time else ",,"
            yield self._sentence("ZDA", f"{time_of_day},{calendar},00,00")

    def _drift(self) -> None:
        moved = [
            (1 - _WANDER_PULL) * metres + self._random.gauss(0, self._wander_m)
            for metres in self._offset_m
        ]
        self._speed_mps = hypot(moved[0] - self._offset_m[0], moved[1] - self._offset_m[1])
        self._offset_m = (moved[0], moved[1])

    def _coordinates(self) -> str:
        latitude_deg, longitude_deg, _ = self._place
        north_m, east_m = self._offset_m
        latitude = latitude_deg + north_m / _METRES_PER_DEGREE
        longitude = longitude_deg + east_m / (_METRES_PER_DEGREE * cos(radians(latitude_deg)))
        return (
            f"{_degrees_and_minutes(latitude, 2)},{'N' if latitude >= 0 else 'S'},"
            f"{_degrees_and_minutes(longitude, 3)},{'E' if longitude >= 0 else 'W'}"
        )

    def _rmc(self, time_of_day: str, place: str, day: str, *, has_fix: bool) -> str:
        if not has_fix:
            return f"{time_of_day},V,{place},,,{day},,,N,V"
        knots = self._speed_mps * _KNOTS_PER_MPS
        return f"{time_of_day},A,{place},{knots:.3f},,{day},,,{self.mode},V"

    def _gga(self, time_of_day: str, place: str, *, has_fix: bool) -> str:
        if not has_fix:
            return f"{time_of_day},{place},0,00,{_HDOP_WITHOUT_FIX},,M,,M,,"
        altitude_m = self._place[2]
        used = f"{self.quality},{self.satellites:02d},{self.hdop:.2f}"
        return f"{time_of_day},{place},{used},{altitude_m:.1f},M,0.0,M,,"

    def _gsa(self, system: str, sky: Sequence[_Satellite], *, has_fix: bool) -> str:
        used = [f"{satellite.number:02d}" for satellite in sky[:-_SEEN_UNUSED]] if has_fix else []
        slots = ",".join((used + [""] * _SATELLITES_PER_GSA)[:_SATELLITES_PER_GSA])
        hdop = self.hdop if has_fix else _HDOP_WITHOUT_FIX
        system_id = f",{_SYSTEM_ID[system]}" if self._talker == "GN" else ""
        enough = self.satellites >= _MIN_FOR_3D
        dimensions = (_3D if enough else _2D) if has_fix else _NO_FIX
        return f"A,{dimensions},{slots},{hdop:.2f},{hdop:.2f},{hdop:.2f}{system_id}"

    def _gsv(self, system: str, sky: Sequence[_Satellite]) -> Iterator[bytes]:
        parts = [
            sky[first : first + _SATELLITES_PER_GSV]
            for first in range(0, len(sky), _SATELLITES_PER_GSV)
        ]
        for number, part in enumerate(parts, 1):
            listed = ",".join(
                f"{satellite.number:02d},{satellite.elevation_deg:02d},"
                f"{satellite.azimuth_deg:03d},{'' if self._covered else satellite.cn0_dbhz}"
                for satellite in part
            )
            head = f"{len(parts)},{number},{len(sky):02d}"
            yield _framed(f"{system}GSV,{head},{listed},1")

    def _sky(self, system: str) -> list[_Satellite]:
        """Return the same satellites every time, each a decibel or so louder or fainter."""
        index = self._systems.index(system)
        share, more = divmod(self.satellites, len(self._systems))
        number_used = share + (index < more)
        return [
            _Satellite(
                number=_FIRST_SATELLITE[system] + 3 * place,
                elevation_deg=80 - 60 * place // (number_used + _SEEN_UNUSED),
                azimuth_deg=(137 * place + 90 * index) % 360,
                cn0_dbhz=45 - place + self._random.randint(-1, 1),
            )
            for place in range(number_used + _SEEN_UNUSED)
        ]

    def _sentence(self, kind: str, fields: str) -> bytes:
        return _framed(f"{self._talker}{kind},{fields}")


def _framed(body: str) -> bytes:
    return f"${body}*{reduce(xor, body.encode(), 0):02X}\r\n".encode()


def _degrees_and_minutes(angle_deg: float, degree_digits: int) -> str:
    """`ddmm.mmmmm`, counted in whole hundred-thousandths so that no minute is printed as 60."""
    degrees, rest = divmod(round(abs(angle_deg) * 60 * 100_000), 60 * 100_000)
    minutes, fraction = divmod(rest, 100_000)
    return f"{degrees:0{degree_digits}d}{minutes:02d}.{fraction:05d}"
