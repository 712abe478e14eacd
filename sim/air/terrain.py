"""What lies between two antennas: distance, hills, and how much of what is heard is lost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

MIN_DISTANCE_M = 1.0  # the model means nothing nearer


@dataclass(frozen=True, slots=True)
class Place:
    """Where an antenna is, from any point all agree on."""

    east_m: float
    north_m: float


@dataclass(frozen=True, slots=True)
class LogDistance:
    """Path loss that grows with the logarithm of the distance.

    `fading_db` is the standard deviation of what is added anew to each frame at each listener.
    """

    reference_db: float
    reference_m: float
    exponent: float
    fading_db: float = 0.0

    def path_loss_db(self, one: Place, other: Place) -> float:
        """The loss between two places."""
        distance_m = math.hypot(one.east_m - other.east_m, one.north_m - other.north_m)
        ratio = max(distance_m, MIN_DISTANCE_M) / self.reference_m
        return self.reference_db + 10 * self.exponent * math.log10(ratio)


BUILT_UP = LogDistance(reference_db=127.41, reference_m=40.0, exponent=2.08)
"""Measured in a town (Bor and others, MSWiM 2016); LoRaSim and FLoRa use it."""

BUILT_UP_FADING = LogDistance(reference_db=127.41, reference_m=40.0, exponent=2.08, fading_db=3.57)
"""The same with the fading FLoRa adds."""


@dataclass(frozen=True, slots=True)
class Link:
    """What is special between two antennas.

    `path_loss_db` replaces what the places say, `obstacle_db` comes on top; `loss_chance` is the
    share of frames that arrive damaged although nobody disturbs them (None: the terrain's).
    """

    path_loss_db: float | None = None
    obstacle_db: float = 0.0
    loss_chance: float | None = None


HIDDEN = Link(path_loss_db=math.inf)
"""The two never hear each other."""


@dataclass(frozen=True, slots=True)
class Site:
    """An antenna as the terrain knows it."""

    name: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How frames of one antenna get to another."""

    loss_db: float
    fading_db: float
    loss_chance: float


class TerrainError(ValueError):
    """Nothing is known of the way between two antennas."""


@dataclass(frozen=True, slots=True)
class Terrain:
    """The ways between all antennas.

    `links` is by the names of sender and listener; a pair that is named in one order only is
    meant both ways. `level_db` is the path loss of all pairs that have neither link nor places:
    a table on which all hear each other, say.
    """

    links: Mapping[tuple[str, str], Link] = field(default_factory=dict)
    model: LogDistance = BUILT_UP
    level_db: float | None = None
    loss_chance: float = 0.0

    def way(self, sender: Site, listener: Site) -> Way:
        """The way from one to the other. Raises `TerrainError` where nothing describes it."""
        link = self.links.get((sender.name, listener.name))
        if link is None:
            link = self.links.get((listener.name, sender.name), Link())
        return Way(
            loss_db=self._base_db(link, sender, listener) + link.obstacle_db,
            fading_db=self.model.fading_db,
            loss_chance=self.loss_chance if link.loss_chance is None else link.loss_chance,
        )

    def _base_db(self, link: Link, sender: Site, listener: Site) -> float:
        if link.path_loss_db is not None:
            return link.path_loss_db
        if sender.place is not None and listener.place is not None:
            return self.model.path_loss_db(sender.place, listener.place)
        if self.level_db is not None:
            return self.level_db
        raise TerrainError(f"nobody said how {sender.name} gets to {listener.name}")
