"""A county of real processes whose network is gone: it goes on by radio, on modems on ptys."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from protocol.verdict import Verdict
from provisioning.layout import TERMINAL_TOML
from sim.audit import read_ledger
from sim.county import County, Post
from sim.county_air import CountyAir
from sim.people import make_people, write_roster_csv
from tests.couriers import at_desk, courier
from tests.system.rig import (
    GATEWAY,
    NODE,
    POINT,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    revive,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

LIMIT_S = 120  # of one test: a radio takes its time, a busy machine too
DRAIN_LIMIT_S = 90.0
LOOK_S = 0.1
SCANS = 12
STRANGERS_SEED = 99
NOTICE = "渡口封闭"  # short: it goes by radio


@contextlib.asynccontextmanager
async def by_radio_alone(folder: Path) -> AsyncIterator[tuple[County, Post, Hand]]:
    """A county without a network, whose terminal has noticed; nobody breaks the law of the air."""
    async with small_county(folder, radio_seed=7) as (county, post):
        await post.link.cut()
        await until_page(post, carried_by_radio)
        yield county, post, Hand(county, post)
        assert dict(air_of(county).breaches) == {}


def air_of(county: County) -> CountyAir:
    assert county.air is not None
    return county.air


def carried_by_radio(page: dict[str, Any]) -> bool:
    return bool(page.get("link") == "radio")


async def until_stored(county: County, records: int) -> None:
    while True:
        if len(read_ledger(county.ledger)) >= records:
            return
        await asyncio.sleep(LOOK_S)


async def until_heard_whom(county: County) -> dict[str, Any]:
    """How the only terminal fares by radio, once it has told whom it hears."""
    while True:
        radio: dict[str, Any] | None = (await county.board())["nodes"][0]["radio"]
        if radio is not None and radio["hears"]:
            return radio
        await asyncio.sleep(LOOK_S)


async def told(county: County, command: str, *arguments: object) -> None:
    said = await at_desk(command, county.gateway_config, *arguments)
    assert said.code == 0, said.all


@live(LIMIT_S)
async def test_a_check_in_is_receipted_by_radio_and_the_board_says_how(tmp_path: Path) -> None:
    async with by_radio_alone(tmp_path) as (county, post, hand):
        await hand.scan()
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)
        page = await until_page(post, lambda page: page["radio"]["answered_ms"])
        assert carried_by_radio(page)
        radio = await until_heard_whom(county)
        assert radio["frames"] >= 1
        assert radio["rssi_dbm"] < 0
        assert [each["node"] for each in radio["hears"]] == [GATEWAY]


@live(LIMIT_S)
async def test_what_the_county_says_gets_to_a_terminal_by_radio(tmp_path: Path) -> None:
    async with by_radio_alone(tmp_path) as (county, post, hand):
        await hand.scan()
        await told(county, "notice", NOTICE)
        await until_page(post, lambda page: page["notice"] and page["notice"]["text"] == NOTICE)

        before = post.witness.page["roster_version"]
        (comer,) = make_people(STRANGERS_SEED, 1, [POINT], card_lost_share=0)
        roster = tmp_path / "roster.csv"
        write_roster_csv(roster, [*county.setting.people[:-1], comer])
        await told(county, "import-roster", roster)
        await until_page(post, lambda page: page["roster_version"] == before + 1)
        for who, verdict in ((comer, Verdict.ACCEPTED), (county.setting.people[-1], Verdict.LOOK)):
            assert (await hand.scan_of(who)).verdict == verdict

        await told(county, "end-activation")
        page = await until_page(post, lambda page: page["ended_ms"])
        assert carried_by_radio(page)
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)
        assert (await county.board())["roster_version"] == before + 1


@live(LIMIT_S)
async def test_a_gateway_killed_and_a_modem_pulled_amid_a_backlog(tmp_path: Path) -> None:
    async with by_radio_alone(tmp_path) as (county, post, hand):
        await hand.scan(SCANS)
        await until_stored(county, 1)
        await county.gateway.kill()
        await hand.scan(SCANS)
        await county.gateway.start()
        await until_stored(county, SCANS + 1)
        await hand.scan(SCANS)
        for node in (NODE, GATEWAY):
            await air_of(county).cables[node].unplug()
            await hand.scan(SCANS)
            await air_of(county).cables[node].plug()
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)


@live(LIMIT_S)
async def test_what_a_killed_terminal_left_goes_sealed_and_twice_is_once(tmp_path: Path) -> None:
    """The link comes back while the radio still sends, so that some comes by both."""
    async with by_radio_alone(tmp_path) as (county, post, hand):
        await hand.scan(SCANS)
        await post.process.kill()
        await revive(post)
        await until_page(post, carried_by_radio)
        await until_stored(county, 1)
        await post.link.restore()
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)


@live(LIMIT_S)
async def test_a_stick_and_the_radio_carry_the_same_records(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    async with by_radio_alone(tmp_path) as (county, post, hand):
        await hand.scan(SCANS)
        config = post.folder / TERMINAL_TOML
        up = await courier("export", config, stick)
        assert up.code == 0, up.all
        await drained(post, DRAIN_LIMIT_S)
        there = await courier("import", county.gateway_config, stick)
        assert f"new in the ledger 0, there already {SCANS}." in there.out, there.all

        await air_of(county).cables[NODE].unplug()
        await hand.scan(SCANS)
        await courier("export", config, stick)
        there = await courier("import", county.gateway_config, stick)
        assert f"new in the ledger {SCANS}" in there.out, there.all
        back = await courier("import", config, stick)
        assert back.code == 0, back.all
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)
