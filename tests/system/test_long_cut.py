"""A township without a network for hundreds of check-ins; then all of them arrive."""

import asyncio
from pathlib import Path

import pytest

from sim.audit import read_ledger
from tests.system.rig import (
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    revive,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

SCANS_WITHOUT_LINK = 400
SCANS_INTO_THE_HOLE = 100
STOP_LIMIT_S = 5.0  # a service manager waits longer, an operator does not


@live(60)
async def test_a_long_cut_drains_completely(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await post.link.cut()
        await until_page(post, lambda page: page["link"] == "down")
        await hand.scan(SCANS_WITHOUT_LINK)
        page = await until_page(post, lambda page: page["custody"]["waiting"] > 0)
        assert page["custody"]["waiting"] == SCANS_WITHOUT_LINK
        assert read_ledger(county.ledger) == {}
        await post.link.restore()
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_a_black_hole_drains_completely(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await hand.scan()
        await drained(post)
        post.link.swallow()
        await hand.scan(SCANS_INTO_THE_HOLE)
        assert len(read_ledger(county.ledger)) == 1
        await post.link.cut()  # what was under way is gone with the connection
        await post.link.restore()
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_a_terminal_that_connects_into_a_black_hole_works_and_ends(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await hand.scan()
        await drained(post)
        await post.process.stop()
        post.link.swallow()
        await post.process.start()
        await post.witness.until_back()
        await hand.scan()
        async with asyncio.timeout(STOP_LIMIT_S):
            await post.process.stop()
        assert "Traceback" not in post.process.log.read_text()
        await post.link.restore()
        await revive(post)
        await assert_nothing_lost_or_doubled(county, post, hand)
