"""A terminal is killed at any moment; whatever its screen has shown green is in the ledger once."""

import random
from pathlib import Path

import pytest

from tests.system.rig import (
    NODE,
    WEAKENED,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    losses,
    random_moment,
    revive,
    small_county,
)

pytestmark = pytest.mark.system

ROUNDS = 14
LONGEST_LIFE_S = 0.3  # some thirty scans; the shortest lives end during the first
CONTROL_ROUNDS = 2


@live(90)
async def test_a_terminal_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(14)
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        async with hand.scanning():
            for _ in range(ROUNDS):
                await random_moment(chance, LONGEST_LIFE_S)
                await post.process.kill()
                await revive(post)
        await assert_nothing_lost_or_doubled(county, post, hand)
        assert len(hand.acknowledged) >= ROUNDS


@live(60)
async def test_the_harness_sees_a_terminal_that_answers_before_it_stores(tmp_path: Path) -> None:
    programs = {NODE: (*WEAKENED, "verdict-before-commit")}
    async with small_county(tmp_path, programs=programs) as (county, post):
        hand = Hand(county, post)
        for _ in range(CONTROL_ROUNDS):
            await hand.scan(3)
            await post.process.kill()
            await revive(post)
        await drained(post)
        assert losses(county, hand)
