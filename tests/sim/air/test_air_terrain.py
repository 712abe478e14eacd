import math

import pytest

from sim.air.terrain import (
    BUILT_UP,
    BUILT_UP_FADING,
    HIDDEN,
    Link,
    Place,
    Site,
    Terrain,
    TerrainError,
)

A, B = Site("a", Place(0, 0)), Site("b", Place(300, 400))
NOWHERE = Site("nowhere")


def test_the_published_model() -> None:
    at_40_m, at_400_m = Place(40, 0), Place(0, 400)
    assert BUILT_UP.path_loss_db(Place(0, 0), at_40_m) == pytest.approx(127.41)
    assert BUILT_UP.path_loss_db(Place(0, 0), at_400_m) == pytest.approx(127.41 + 20.8)
    assert BUILT_UP.path_loss_db(at_40_m, at_40_m) < 127.41 - 30  # two in one place, not infinite


def test_places_make_a_way_and_obstacles_make_it_longer() -> None:
    plain = Terrain().way(A, B)
    assert plain.loss_db == pytest.approx(127.41 + 20.8 * math.log10(500 / 40))
    hill = Terrain(links={("a", "b"): Link(obstacle_db=20)}, model=BUILT_UP_FADING).way(B, A)
    assert hill.loss_db == pytest.approx(plain.loss_db + 20)
    assert (plain.fading_db, hill.fading_db) == (0, 3.57)


def test_a_link_is_meant_both_ways_unless_both_are_named() -> None:
    both = Terrain(links={("a", "b"): Link(path_loss_db=100)})
    assert both.way(A, B).loss_db == both.way(B, A).loss_db == 100
    each = Terrain(links={("a", "b"): Link(path_loss_db=100), ("b", "a"): HIDDEN})
    assert each.way(A, B).loss_db == 100
    assert each.way(B, A).loss_db == math.inf


def test_the_loss_of_a_link_goes_before_the_terrains() -> None:
    terrain = Terrain(links={("a", "b"): Link(loss_chance=0.0)}, level_db=100, loss_chance=0.05)
    assert terrain.way(A, B).loss_chance == 0.0
    assert terrain.way(A, NOWHERE).loss_chance == 0.05
    assert terrain.way(A, NOWHERE).loss_db == 100


def test_a_way_nobody_described_is_an_error() -> None:
    with pytest.raises(TerrainError, match="nowhere gets to a"):
        Terrain().way(NOWHERE, A)
