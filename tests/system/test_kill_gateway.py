"""A gateway is killed, also between commit and receipt: nothing is lost, nothing counted twice."""

import random
import signal
import sys
from pathlib import Path

import pytest

from sim.audit import read_ledger
from tests.system.rig import (
    GATEWAY,
    WEAKENED,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    losses,
    random_moment,
    small_county,
)

pytestmark = pytest.mark.system

WINDOW_ROUNDS = 2
RANDOM_ROUNDS = 8
LONGEST_LIFE_S = 1.5  # it takes about one second to start: some lives end before they begin
SCANS = 5


@live(60)
async def test_a_gateway_killed_between_commit_and_receipt(tmp_path: Path) -> None:
    flag = tmp_path / "die"
    programs = {GATEWAY: (sys.executable, "-m", "tests.system.dying_gateway", str(flag))}
    async with small_county(tmp_path, programs=programs) as (county, post):
        hand = Hand(county, post)
        for _ in range(WINDOW_ROUNDS):
            await hand.scan(SCANS)
            await drained(post)
            flag.touch()
            await hand.scan(SCANS)
            assert await county.gateway.ended() == -signal.SIGKILL
            # Committed, and the terminal does not know:
            assert post.witness.page["custody"]["stored"] < len(read_ledger(county.ledger))
            await county.gateway.start()
            await drained(post)
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_a_duplicate_batch_gets_its_receipt_again(tmp_path: Path) -> None:
    """The broker forgets too, so that it must be the terminal which sends again."""
    flag = tmp_path / "die"
    programs = {GATEWAY: (sys.executable, "-m", "tests.system.dying_gateway", str(flag))}
    async with small_county(tmp_path, programs=programs) as (county, post):
        hand = Hand(county, post)
        flag.touch()
        await hand.scan(SCANS)
        await county.gateway.ended()
        await county.broker.kill()
        held = len(read_ledger(county.ledger))
        assert held
        await county.broker.start()
        await county.gateway.start()
        await assert_nothing_lost_or_doubled(county, post, hand)
        assert (await county.board())["duplicates"] >= held


@live(90)
async def test_a_gateway_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(8)
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        async with hand.scanning():
            for _ in range(RANDOM_ROUNDS):
                await random_moment(chance, LONGEST_LIFE_S)
                await county.gateway.kill()
                await county.gateway.start()
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_the_harness_sees_a_gateway_that_receipts_before_it_commits(tmp_path: Path) -> None:
    programs = {GATEWAY: (*WEAKENED, "receipt-before-commit")}
    async with small_county(tmp_path, programs=programs) as (county, post):
        hand = Hand(county, post)
        await hand.scan(SCANS)
        await drained(post)
        await county.gateway.kill()
        assert losses(county, hand)
