"""Simulated satellite receiver: NMEA 0183 at 1 Hz, byte for byte, at the pace of its line.

Written from hw/gnss-nmea.md, never from drivers/, so that the two can disagree. It talks and does
not listen. Its surroundings are its attributes and methods: somebody covers the antenna, the sky
gets worse (`satellites`, `hdop`), the position comes from elsewhere (`quality`), and whatever
`troubles` offers: jumps, jammers, spoofers, wrong clocks, noise.

Not modelled: satellites that rise and set (the sky stands still), differential corrections, leap
seconds, HDOP that follows the geometry, altitude that wanders, more than 1 Hz, the makers' own
sentences, any command, a place at a pole or on the 180th meridian, a time to re-acquire after a
jammer.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from itertools import count
from math import cos, hypot, radians
from operator import xor
from typing import Literal, get_args

from sim.control import ControlError, Verb, no_words, one_word
from sim.devices.burst import Burst
from sim.devices.gnss_sky import (
    FAINTEST_USED_DBHZ,
    SYSTEM_ID,
    Satellite,
    Sky,
    gsa_slots,
    gsv_fields,
)
from sim.devices.gnss_troubles import GnssTroubles
from sim.devices.line import BITS_PER_BYTE
from sim.devices.ubx import mon_hw, sec_sig

Talker = Literal["GN", "GP", "GB", "BD"]

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
_APART = ("GP", "BD")  # the talkers of a receiver that tells its systems apart


class SimGnss:
    """One receiver at one place. `talker` GN is GPS with BeiDou, GP, GB and BD one of them alone.

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
        self.troubles = GnssTroubles()
        self._place = (latitude_deg, longitude_deg, altitude_m)
        self._start = start
        self._wander_m = wander_m
        self._with_zda = with_zda
        self._byte_time_s = BITS_PER_BYTE / baud
        self._random = random.Random(seed)
        self._noise = random.Random(seed)  # its own: noise must not change where the receiver is
        self.talk_as(talker)
        self._wander_offset_m = (0.0, 0.0)  # north and east of the true place
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

    def talk_as(self, talker: Talker) -> None:
        """Begin every sentence differently from now on; the systems heard change with it."""
        self._talker: Talker = talker
        self._systems = ("GP", "GB") if talker == "GN" else (talker,)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """Name -> what does it, for `sim.control`."""
        return {
            "cover": no_words(self.cover_antenna),
            "uncover": no_words(self.uncover_antenna),
            "talker": one_word(self._talker_word),
            **self.troubles.verbs,
        }

    def _talker_word(self, word: str) -> None:
        for talker in get_args(Talker):
            if word == talker:
                self.talk_as(talker)
                return
        raise ControlError(f"a talker is {', '.join(get_args(Talker))}; not {word!r}")

    def bursts(self) -> Iterator[Burst]:
        """Yield a burst per sentence, without end; each second is made up when asked for."""
        for second in count(self._uptime_s):
            self._uptime_s = second
            after_s = second + LATENCY_S
            for said in self._second(self._start + timedelta(seconds=second)):
                after_s += len(said) * self._byte_time_s
                yield Burst(after_s, said)
            self._uptime_s = second + 1

    def _second(self, true_time: datetime) -> Iterator[bytes]:
        troubles = self.troubles
        now = true_time + troubles.time_step
        skies = self._skies()
        heard = [one.cn0_dbhz for sky in skies.values() for one in sky if one.cn0_dbhz is not None]
        has_fix = self._uptime_s >= self._fix_from_s and max(heard, default=0) >= FAINTEST_USED_DBHZ
        self._knows_time |= has_fix
        self._move()
        clock = f"{now:%H%M%S}.00" if self._knows_time else ""
        day = f"{now:%d%m%y}" if self._knows_time else ""
        for talker, east_m in self._talkers():
            place = self._coordinates(east_m) if has_fix else ",,,"
            yield _framed(f"{talker}RMC,{self._rmc(clock, place, day, has_fix=has_fix)}")
            yield _framed(f"{talker}GGA,{self._gga(clock, place, has_fix=has_fix)}")
            yield from self._rubbish()
        for system, sky in skies.items():
            yield self._sentence("GSA", self._gsa(system, sky, has_fix=has_fix))
        for system, sky in skies.items():
            for fields in gsv_fields(sky):
                yield _framed(f"{system}GSV,{fields}")
        if troubles.antenna is not None:
            yield self._sentence("TXT", f"01,01,01,ANTENNA {troubles.antenna.upper()}")
        if troubles.speaks_ubx:
            yield sec_sig(jammed=troubles.fall_db > 0, spoofed=troubles.equal_strength)
            yield mon_hw(jammed=troubles.fall_db > 0, has_fix=has_fix, antenna=troubles.antenna)
        if self._with_zda:
            calendar = f"{now:%d,%m,%Y}" if self._knows_time else ",,"
            yield self._sentence("ZDA", f"{clock},{calendar},00,00")

    def _skies(self) -> dict[str, list[Satellite]]:
        troubles = self.troubles
        deaf = self._covered or troubles.antenna in {"open", "short"}
        share, more = divmod(self.satellites, len(self._systems))
        return {
            system: Sky(system, index, share + (index < more)).look(
                self._random,
                fall_db=troubles.fall_db,
                equal=troubles.equal_strength,
                deaf=deaf,
            )
            for index, system in enumerate(self._systems)
        }

    def _talkers(self) -> list[tuple[str, float]]:
        """Who says where we are, and how far east of it."""
        apart_m = self.troubles.systems_apart_m
        if apart_m is None or self._talker != "GN":
            return [(self._talker, 0.0)]
        gps, beidou = _APART
        return [(gps, 0.0), (beidou, apart_m)]

    def _rubbish(self) -> Iterator[bytes]:
        if self.troubles.noise_bytes:
            yield self._noise.randbytes(self.troubles.noise_bytes)

    def _move(self) -> None:
        wandered = [
            (1 - _WANDER_PULL) * metres + self._random.gauss(0, self._wander_m)
            for metres in self._wander_offset_m
        ]
        north_mps, east_mps = self.troubles.drift_mps
        self._speed_mps = hypot(
            wandered[0] - self._wander_offset_m[0] + north_mps,
            wandered[1] - self._wander_offset_m[1] + east_mps,
        )
        self._wander_offset_m = (wandered[0], wandered[1])
        self.troubles.jump(north_mps, east_mps)  # a second's way

    def _coordinates(self, more_east_m: float) -> str:
        latitude_deg, longitude_deg, _ = self._place
        north_m = self._wander_offset_m[0] + self.troubles.offset_m[0]
        east_m = self._wander_offset_m[1] + self.troubles.offset_m[1] + more_east_m
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
        altitude_m = self._place[2] + self.troubles.offset_m[2]
        used = f"{self.quality},{self.satellites:02d},{self.hdop:.2f}"
        return f"{time_of_day},{place},{used},{altitude_m:.1f},M,0.0,M,,"

    def _gsa(self, system: str, sky: Sequence[Satellite], *, has_fix: bool) -> str:
        hdop = self.hdop if has_fix else _HDOP_WITHOUT_FIX
        system_id = f",{SYSTEM_ID[system]}" if self._talker == "GN" else ""
        enough = self.satellites >= _MIN_FOR_3D
        dimensions = (_3D if enough else _2D) if has_fix else _NO_FIX
        slots = gsa_slots(sky, has_fix=has_fix)
        return f"A,{dimensions},{slots},{hdop:.2f},{hdop:.2f},{hdop:.2f}{system_id}"

    def _sentence(self, kind: str, fields: str) -> bytes:
        return _framed(f"{self._talker}{kind},{fields}")


def _framed(body: str) -> bytes:
    return f"${body}*{reduce(xor, body.encode(), 0):02X}\r\n".encode()


def _degrees_and_minutes(angle_deg: float, degree_digits: int) -> str:
    """`ddmm.mmmmm`, counted in whole hundred-thousandths so that no minute is printed as 60."""
    degrees, rest = divmod(round(abs(angle_deg) * 60 * 100_000), 60 * 100_000)
    minutes, fraction = divmod(rest, 100_000)
    return f"{degrees:0{degree_digits}d}{minutes:02d}.{fraction:05d}"
