"""Stories of a county on the radio that once went wrong, or easily could."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from tests.lora_terminals import ROSTER, check_in
from tests.quick_disk import quick_disk
from tests.radio_world import World

HOUR_S = 3600.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        made.enter_context(quick_disk())
        yield made


def world(stack: ExitStack, folder: Path, *, turns: int, has_roster: bool = True) -> World:
    made = World(folder, ROSTER, ("t1", "t2"), turns_per_schedule=turns,
                 gateway_has_roster=has_roster)  # fmt: skip
    stack.callback(made.close)
    return made


@pytest.mark.parametrize("turns", [1, 4])
@pytest.mark.parametrize("has_roster", [True, False])
def test_a_backlog_of_before_a_restart_goes_sealed(
    stack: ExitStack, tmp_path: Path, turns: int, has_roster: bool
) -> None:
    """One frame at a time was granted, and each time the record key went again before the rows."""
    it = world(stack, tmp_path, turns=turns, has_roster=has_roster)
    for number in range(1, 31):
        it.terminals[0].append(check_in(number), it.now_s)
    it.terminals[0].restart(it.now_s)
    it.terminals[0].append(check_in(31), it.now_s)
    it.pass_time(HOUR_S, lambda: False, until_empty=True)
    assert it.is_empty
    assert len(it.gateway.entries()) == 31
    assert len(it.frames) < 120


@pytest.mark.parametrize("seed", range(4))
def test_half_of_all_frames_lost_only_takes_longer(
    stack: ExitStack, tmp_path: Path, seed: int
) -> None:
    dice, it = Random(seed), world(stack, tmp_path, turns=1)
    for terminal in it.terminals:
        for number in range(1, 201):
            terminal.append(check_in(number % 40 + 1, at_s=number), it.now_s)
    it.pass_time(HOUR_S, lambda: dice.random() < 0.5, until_empty=True)
    assert it.is_empty
    assert len(it.gateway.entries()) == 400


def test_the_gateway_comes_back_and_is_found(stack: ExitStack, tmp_path: Path) -> None:
    it = world(stack, tmp_path, turns=1)
    it.terminals[0].append(check_in(1), it.now_s)
    it.pass_time(1200, lambda: True)
    it.gateway.restart(it.now_s)
    it.pass_time(1500, lambda: False, until_empty=True)
    assert it.is_empty
