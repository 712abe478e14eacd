"""Places on the globe, and how far it is from one to another."""

from dataclasses import dataclass
from math import asin, cos, hypot, radians, sin, sqrt
from typing import Protocol

EARTH_RADIUS_M = 6_371_009.0
"""Of the sphere nearest to WGS-84; distances are right to half a per cent."""


class Place(Protocol):
    """WGS-84 degrees."""

    @property
    def latitude_deg(self) -> float:
        """North is positive."""

    @property
    def longitude_deg(self) -> float:
        """East is positive."""


@dataclass(frozen=True, slots=True)
class Position:
    """WGS-84 degrees, on the globe and not exactly 0,0."""

    latitude_deg: float
    longitude_deg: float


def metres_between(a: Place, b: Place) -> float:
    """The great-circle distance, right across the 180th meridian too."""
    latitude_a, latitude_b = radians(a.latitude_deg), radians(b.latitude_deg)
    half_north = sin((latitude_b - latitude_a) / 2)
    half_east = sin(radians(b.longitude_deg - a.longitude_deg) / 2)
    chord = hypot(half_north, half_east * sqrt(cos(latitude_a) * cos(latitude_b)))
    return 2 * EARTH_RADIUS_M * asin(min(1.0, chord))
