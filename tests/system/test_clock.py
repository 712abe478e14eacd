"""A terminal that wakes up in 2000, and one whose clock jumps. libfaketime stands in for the clock.

Only wall time is faked: a machine's monotonic clock never jumps.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from protocol.records import CheckIn, TimeSource
from runtime.release import RELEASED
from sim.audit import read_ledger
from sim.county import County
from sim.processes import MUSTER
from tests.system.rig import (
    NODE,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

WAKES_UP = datetime(2000, 1, 1, tzinfo=UTC)
SCANS = 3
CLOSE_MS = 60_000  # a floor is written at most once a minute (runtime.clock.FLOOR_STEP_MS)
DAY_S = 24 * 3600
JUMPS_S = (400 * DAY_S, -9000 * DAY_S, 3600, 0)


class FakeClock:
    """The wall clock of a process, so many seconds off."""

    def __init__(self, folder: Path, offset_s: float) -> None:
        self._rc = folder / "faketime.rc"
        self.jump(offset_s)
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        self.program = (
            "env",
            f"LD_PRELOAD={library}",
            f"FAKETIME_TIMESTAMP_FILE={self._rc}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            *MUSTER,
        )

    def jump(self, offset_s: float) -> None:
        """From now on the clock is so far off."""
        new = self._rc.with_suffix(".new")
        new.write_text(f"{offset_s:+.0f}\n")
        new.replace(self._rc)


def records_in_order(county: County) -> list[CheckIn]:
    ledger = read_ledger(county.ledger)
    return [ledger[key] for key in sorted(ledger)]


@live(60)
async def test_a_terminal_that_wakes_up_in_2000(tmp_path: Path) -> None:
    clock = FakeClock(tmp_path, WAKES_UP.timestamp() - time.time())
    async with small_county(tmp_path, programs={NODE: clock.program}) as (county, post):
        hand = Hand(county, post)
        page = await until_page(post, lambda page: page["link"] == "up")
        released_ms = RELEASED.timestamp() * 1000
        assert released_ms <= page["now_ms"] < released_ms + CLOSE_MS  # it is really fooled
        await hand.scan(SCANS)
        await drained(post)
        await hand.scan(SCANS)
        await assert_nothing_lost_or_doubled(county, post, hand)
        records = records_in_order(county)
        assert {record.at.source for record in records} == {TimeSource.UNSET}
        walls_ms = [record.at.wall_ms for record in records]
        assert walls_ms == sorted(walls_ms)
        assert walls_ms[0] >= released_ms
        # A receipt has told it what time it is at the least.
        assert walls_ms[-1] > time.time() * 1000 - CLOSE_MS


@live(60)
async def test_a_clock_that_jumps_changes_no_order_and_loses_nothing(tmp_path: Path) -> None:
    clock = FakeClock(tmp_path, 0)
    async with small_county(tmp_path, programs={NODE: clock.program}) as (county, post):
        hand = Hand(county, post)
        await hand.scan(SCANS)
        for offset_s in JUMPS_S:
            clock.jump(offset_s)
            await hand.scan(SCANS)
        await assert_nothing_lost_or_doubled(county, post, hand)
        shown = [each.seen.seq for each in hand.acknowledged]
        assert shown == sorted(shown)
        records = records_in_order(county)
        monos_ms = [record.at.mono_ms for record in records]
        assert monos_ms == sorted(monos_ms)
        assert len({record.at.boot for record in records}) == 1
        now_ms = time.time() * 1000
        assert records[SCANS].at.wall_ms > now_ms + JUMPS_S[0] * 900  # it has really jumped
        assert min(record.at.wall_ms for record in records) >= RELEASED.timestamp() * 1000
