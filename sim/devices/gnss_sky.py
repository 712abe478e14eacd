"""The sky of the simulated satellite receiver: the same satellites for ever, a decibel or so louder
or fainter each second."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

STRONGEST_DBHZ = 45
FAINTEST_HEARD_DBHZ = 12
"""Below this a receiver lists a satellite without a strength."""
FAINTEST_USED_DBHZ = 25
"""Without one satellite of this strength there is no fix."""
SPOOFER_DBHZ = 47
"""One transmitter for all satellites, a little louder than the sky."""

SYSTEM_ID = {"GP": 1, "GB": 4, "BD": 4}
"""NMEA 4.10: closes the GSA of a receiver with several systems."""
_FIRST_SATELLITE = {"GP": 2, "GB": 6, "BD": 6}
_SATELLITES_PER_GSV = 4
_SATELLITES_PER_GSA = 12
_SEEN_UNUSED = 1  # per system: in view, too low to be used


@dataclass(frozen=True, slots=True)
class Satellite:
    """One in view; without a strength it is not heard."""

    number: int
    elevation_deg: int
    azimuth_deg: int
    cn0_dbhz: int | None


class Sky:
    """The satellites of one system; `index` keeps systems from standing behind each other."""

    def __init__(self, system: str, index: int, number_used: int) -> None:
        self.system = system
        self._index, self._number_used = index, number_used

    def look(
        self, random: random.Random, *, fall_db: int = 0, equal: bool = False, deaf: bool = False
    ) -> list[Satellite]:
        """The satellites this second: jammed by so much, all from one spoofer, or not heard."""
        return [
            Satellite(
                number=_FIRST_SATELLITE[self.system] + 3 * place,
                elevation_deg=80 - 60 * place // (self._number_used + _SEEN_UNUSED),
                azimuth_deg=(137 * place + 90 * self._index) % 360,
                cn0_dbhz=_strength(place, random.randint(-1, 1), fall_db, equal=equal, deaf=deaf),
            )
            for place in range(self._number_used + _SEEN_UNUSED)
        ]


def _strength(place: int, jitter: int, fall_db: int, *, equal: bool, deaf: bool) -> int | None:
    if deaf:
        return None
    strength = SPOOFER_DBHZ if equal else STRONGEST_DBHZ - place + jitter
    strength -= fall_db
    return strength if strength >= FAINTEST_HEARD_DBHZ else None


def gsa_slots(sky: Sequence[Satellite], *, has_fix: bool) -> str:
    """The twelve fields of GSA for satellites that are used."""
    used = [f"{satellite.number:02d}" for satellite in sky[:-_SEEN_UNUSED]] if has_fix else []
    return ",".join((used + [""] * _SATELLITES_PER_GSA)[:_SATELLITES_PER_GSA])


def gsv_fields(sky: Sequence[Satellite]) -> Iterator[str]:
    """The fields of each GSV of a list, the signal id of NMEA 4.10 at the end."""
    parts = [
        sky[first : first + _SATELLITES_PER_GSV]
        for first in range(0, len(sky), _SATELLITES_PER_GSV)
    ]
    for number, part in enumerate(parts, 1):
        listed = ",".join(
            f"{satellite.number:02d},{satellite.elevation_deg:02d},{satellite.azimuth_deg:03d},"
            f"{'' if satellite.cn0_dbhz is None else satellite.cn0_dbhz}"
            for satellite in part
        )
        yield f"{len(parts)},{number},{len(sky):02d},{listed},1"
