"""A terrain as a TOML file.

loss_chance = 0.05           # of every frame, on every way that says nothing else
level_db = 110.0             # the path loss between any two without places
fading = true                # every loss changes from frame to frame, by 3.57 dB

[[link]]
between = ["t1", "t2"]       # both ways
hidden = true                # or path_loss_db, obstacle_db, loss_chance
"""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from runtime.config import ConfigError, load_config
from sim.air.terrain import BUILT_UP, BUILT_UP_FADING, HIDDEN, Link, Terrain

Chance = Annotated[float, Meta(ge=0, le=1)]


class _LinkEntry(Struct, frozen=True, forbid_unknown_fields=True):
    between: tuple[str, str]
    hidden: bool = False
    path_loss_db: float | None = None
    obstacle_db: float = 0.0
    loss_chance: Chance | None = None


class _TerrainFile(Struct, frozen=True, forbid_unknown_fields=True):
    loss_chance: Chance = 0.0
    level_db: float | None = None
    fading: bool = False
    link: tuple[_LinkEntry, ...] = ()


def read_terrain(path: Path) -> Terrain:
    """The terrain in a file. Raises `runtime.config.ConfigError`."""
    file = load_config(path, _TerrainFile)
    links: dict[tuple[str, str], Link] = {}
    for entry in file.link:
        one, other = entry.between
        if (one, other) in links or (other, one) in links:
            raise ConfigError(f"{path}: two links between {one} and {other}")
        if entry.hidden:
            links[one, other] = HIDDEN
        else:
            links[one, other] = Link(entry.path_loss_db, entry.obstacle_db, entry.loss_chance)
    return Terrain(
        links=links,
        model=BUILT_UP_FADING if file.fading else BUILT_UP,
        level_db=file.level_db,
        loss_chance=file.loss_chance,
    )
