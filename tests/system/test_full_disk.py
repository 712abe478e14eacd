"""Disks that are full or fail: no verdict without a record, and nothing acknowledged is lost."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from sim.audit import read_ledger
from sim.county import Post
from terminal.outbox import FLOOR_BYTES
from tests.system.powerdir import PowerDir
from tests.system.rig import (
    GATEWAY,
    NODE,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    revive,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

ROOMY_BYTES = 64 * 1024 * 1024
SCANS = 5


async def assert_not_recorded(post: Post, hand: Hand, trouble: str = "disk_full") -> None:
    """Whoever shows a card now is told that it was not recorded, and sees no verdict."""
    before = post.witness.latest
    await until_page(post, lambda page: trouble not in page["troubles"])
    captured = post.witness.page["custody"]["captured"]
    post.reader.present(hand.next_card())
    page = await until_page(post, lambda page: trouble in page["troubles"])
    post.reader.remove()
    assert page["verdict"] is None
    assert page["custody"]["captured"] == captured
    assert post.witness.latest == before


@live(60)
async def test_a_terminal_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    with PowerDir(tmp_path, capacity_bytes=ROOMY_BYTES) as disk:
        async with small_county(tmp_path, data={NODE: disk.path}) as (county, post):
            hand = Hand(county, post)
            await post.link.cut()
            await hand.scan(SCANS)
            disk.resize(FLOOR_BYTES)
            await assert_not_recorded(post, hand)
            await post.link.restore()
            await drained(post)  # what is kept free is for this
            await assert_not_recorded(post, hand)
            disk.resize(ROOMY_BYTES)
            await hand.scan(SCANS)
            await assert_nothing_lost_or_doubled(county, post, hand)
            assert len(read_ledger(county.ledger)) == 2 * SCANS


@live(60)
async def test_receipts_that_find_no_room_at_all_are_repeated(tmp_path: Path) -> None:
    with PowerDir(tmp_path, capacity_bytes=ROOMY_BYTES) as disk:
        async with small_county(tmp_path, data={NODE: disk.path}) as (county, post):
            hand = Hand(county, post)
            await post.link.cut()
            await hand.scan(SCANS)
            disk.fill()
            await assert_not_recorded(post, hand)
            await post.link.restore()
            while len(read_ledger(county.ledger)) < SCANS:
                await post.witness.changed()
            disk.resize(ROOMY_BYTES)
            await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_a_terminal_killed_and_started_on_a_full_disk_says_so(tmp_path: Path) -> None:
    with PowerDir(tmp_path, capacity_bytes=ROOMY_BYTES) as disk:
        async with small_county(tmp_path, data={NODE: disk.path}) as (county, post):
            hand = Hand(county, post)
            await post.link.cut()
            await hand.scan(SCANS)
            await post.process.kill()
            disk.fill()
            await revive(post)
            await assert_not_recorded(post, hand)
            await post.process.stop()  # takes away the log, and with it what there was to work with
            disk.fill()
            await post.process.start()
            assert await post.process.ended() == 1
            assert "outbox.db" in post.process.log.read_text().splitlines()[-1]
            disk.resize(ROOMY_BYTES)
            await revive(post)
            await hand.scan(SCANS)
            await post.link.restore()
            await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_a_terminal_whose_disk_fails_acknowledges_nothing(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        async with small_county(tmp_path, data={NODE: disk.path}) as (county, post):
            hand = Hand(county, post)
            await post.link.cut()
            await hand.scan(SCANS)
            disk.fail_fsync()
            await assert_not_recorded(post, hand, "disk_failing")
            await assert_not_recorded(post, hand, "disk_failing")
            await post.process.kill()
            await asyncio.to_thread(disk.remount)
            await revive(post)
            await hand.scan(SCANS)
            await post.link.restore()
            await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_what_is_recorded_after_a_failed_fsync_does_not_rest_on_it(tmp_path: Path) -> None:
    """The kernel shows what a failed fsync left in its cache, and never writes it."""
    with PowerDir(tmp_path) as disk:
        async with small_county(tmp_path, data={NODE: disk.path}) as (county, post):
            hand = Hand(county, post)
            await post.link.cut()
            await hand.scan(SCANS)
            disk.fail_fsync()
            await assert_not_recorded(post, hand, "disk_failing")
            await assert_not_recorded(post, hand, "disk_failing")
            disk.heal()
            await hand.scan(SCANS)
            await asyncio.to_thread(disk.cut)
            await post.process.kill()
            await asyncio.to_thread(disk.remount)
            await revive(post)
            await post.link.restore()
            await assert_nothing_lost_or_doubled(county, post, hand)


@pytest.mark.parametrize("trouble", ["full", "failing"])
@live(60)
async def test_a_gateway_without_a_disk_receipts_nothing(tmp_path: Path, trouble: str) -> None:
    with PowerDir(tmp_path, capacity_bytes=ROOMY_BYTES) as disk:
        async with small_county(tmp_path, data={GATEWAY: disk.path}) as (county, post):
            hand = Hand(county, post)
            await hand.scan(SCANS)
            await drained(post)
            (disk.fill if trouble == "full" else disk.fail_fsync)()
            await hand.scan(SCANS)
            log = county.gateway.log
            while "the ledger cannot be written" not in log.read_text():
                await post.witness.changed()
            assert post.witness.page["custody"]["waiting"] == SCANS
            county.check()
            (partial(disk.resize, ROOMY_BYTES) if trouble == "full" else disk.heal)()
            await drained(post)
            await asyncio.to_thread(disk.cut)
            await county.gateway.kill()
            await asyncio.to_thread(disk.remount)
            await county.gateway.start()
            await hand.scan(SCANS)
            await assert_nothing_lost_or_doubled(county, post, hand)
