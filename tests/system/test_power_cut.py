"""The power goes at any moment, on a disk that forgets what was not fsynced.

A verdict on a screen and a receipt in a terminal are promises that outlive it.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.system.powerdir import PowerDir
from tests.system.rig import (
    GATEWAY,
    NODE,
    WEAKENED,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    losses,
    power_cut,
    revive,
    small_county,
)

pytestmark = pytest.mark.system

# At most so many changes of a disk from the start of its process to the cut: also while it starts.
OPERATIONS = (400, 8, 40, 400)
CONTROL_ROUNDS = 2
SYNCHRONOUS_NORMAL = (*WEAKENED, "synchronous-normal")


@pytest.mark.parametrize("keep", [0.0, 0.5])
@live(90)
async def test_a_terminal_keeps_what_its_screen_has_shown(tmp_path: Path, keep: float) -> None:
    chance = random.Random(1)
    with PowerDir(tmp_path, keep=keep, seed=1) as disk:
        async with small_county(tmp_path, data={NODE: disk.path}) as (county, post):
            hand = Hand(county, post)
            await post.process.stop()
            for number, operations in enumerate(OPERATIONS):
                # Without a link nothing can hide in the ledger that the outbox has lost.
                await (post.link.restore() if number % 2 else post.link.cut())
                async with hand.scanning_in_vain():
                    await post.process.start()
                    await power_cut(disk, chance.randint(1, operations))
                    await post.process.kill()
                await asyncio.to_thread(disk.remount)
            await post.link.restore()
            await revive(post)
            await assert_nothing_lost_or_doubled(county, post, hand)
            assert len(hand.acknowledged) > len(OPERATIONS)


@live(60)
async def test_the_harness_sees_a_terminal_with_synchronous_normal(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        places, programs = {NODE: disk.path}, {NODE: SYNCHRONOUS_NORMAL}
        async with small_county(tmp_path, data=places, programs=programs) as (county, post):
            hand = Hand(county, post)
            await post.link.cut()
            for _ in range(CONTROL_ROUNDS):
                await hand.scan(3)
                await asyncio.to_thread(disk.cut)
                await post.process.kill()
                await asyncio.to_thread(disk.remount)
                await post.process.start()
                await post.witness.until_back()
            await post.link.restore()
            await post.witness.until_ready()
            await drained(post)
            assert losses(county, hand)


@pytest.mark.parametrize("keep", [0.0, 0.5])
@live(90)
async def test_a_gateway_keeps_what_it_has_receipted(tmp_path: Path, keep: float) -> None:
    chance = random.Random(2)
    with PowerDir(tmp_path, keep=keep, seed=2) as disk:
        async with small_county(tmp_path, data={GATEWAY: disk.path}) as (county, post):
            hand = Hand(county, post)
            await county.gateway.stop()
            for operations in OPERATIONS:
                async with hand.scanning_in_vain():
                    await county.gateway.start()
                    await power_cut(disk, chance.randint(1, operations))
                    await county.gateway.kill()
                await asyncio.to_thread(disk.remount)
            await county.gateway.start()
            await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_the_harness_sees_a_gateway_with_synchronous_normal(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        places, programs = {GATEWAY: disk.path}, {GATEWAY: SYNCHRONOUS_NORMAL}
        async with small_county(tmp_path, data=places, programs=programs) as (county, post):
            hand = Hand(county, post)
            for _ in range(CONTROL_ROUNDS):
                await hand.scan(3)
                await drained(post)
                await asyncio.to_thread(disk.cut)
                await county.gateway.kill()
                await asyncio.to_thread(disk.remount)
                await county.gateway.start()
            assert losses(county, hand)
