"""A county of real processes whose network is gone: it goes on by radio, on modems on ptys."""

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
    live,
    revive,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

LIMIT_S = 120  # of one test: a radio takes its time, a busy machine too
DRAIN_LIMIT_S = 90.0
SCANS = 12
BACKLOG = 200  # sealed, a record or two to a frame: the network is back long before the last
STRANGERS_SEED = 99
NOTICE = "渡口封闭"  # short: it goes by radio


@contextlib.asynccontextmanager
async def by_radio_alone(folder: Path) -> AsyncIterator[tuple[County, Post, Hand]]:
    """A county without a network, whose terminal has noticed.

    At the end nobody has broken the law of the air, and no log tells of a person.
    """
    async with small_county(folder, radio_seed=7) as (county, post):
        await post.link.cut()
        await until_page(post, carried_by_radio)
        hand = Hand(county, post)
        yield county, post, hand
        assert dict(air_of(county).breaches) == {}
        told = "".join(log.read_text() for log in (folder / "county-logs").glob("*.log"))
        assert told
        for who in (each.tap.who for each in hand.acknowledged):
            assert not any(fact in told for fact in (who.id_number, who.name, who.phone))


def air_of(county: County) -> CountyAir:
    assert county.air is not None
    return county.air


def carried_by_radio(page: dict[str, Any]) -> bool:
    return bool(page.get("link") == "radio")


async def until_stored(county: County, post: Post, records: int) -> None:
    """As often as the station's page moves, which it does every second."""
    while len(read_ledger(county.ledger)) < records:
        await post.witness.changed()


async def heard_by_radio(county: County, post: Post) -> dict[str, Any]:
    """What the board says of the terminal, once that has told whom it hears."""
    while True:
        (node,) = (await county.board())["nodes"]
        radio: dict[str, Any] | None = node["radio"]
        if radio is not None and radio["hears"]:
            return radio
        await post.witness.changed()


async def told(county: County, command: str, *arguments: object) -> None:
    said = await at_desk(command, county.gateway_config, *arguments)
    assert said.code == 0, said.all


@live(LIMIT_S)
async def test_records_go_up_and_all_the_county_says_comes_down_by_radio(tmp_path: Path) -> None:
    async with by_radio_alone(tmp_path) as (county, post, hand):
        await hand.scan()
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)
        page = await until_page(post, lambda page: page["radio"]["answered_ms"])
        assert carried_by_radio(page)

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

        radio = await heard_by_radio(county, post)
        assert radio["frames"] >= 1
        assert radio["rssi_dbm"] < 0
        assert [each["node"] for each in radio["hears"]] == [GATEWAY]
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)


@live(LIMIT_S)
async def test_a_gateway_killed_a_stick_carried_and_modems_pulled(tmp_path: Path) -> None:
    """What waited for the gateway goes by stick and by radio at once."""
    stick = tmp_path / "stick"
    stick.mkdir()
    async with by_radio_alone(tmp_path) as (county, post, hand):
        config = post.folder / TERMINAL_TOML
        await hand.scan(SCANS)
        await until_stored(county, post, 1)
        await county.gateway.kill()
        await hand.scan(SCANS)
        up = await courier("export", config, stick)
        assert up.code == 0, up.all
        await county.gateway.start()
        await county.until_ready()
        for end in (county.gateway_config, config):
            done = await courier("import", end, stick)
            assert done.code == 0, done.all
        assert len(read_ledger(county.ledger)) == 2 * SCANS
        for node in (NODE, GATEWAY):
            await hand.scan(SCANS)
            await air_of(county).cables[node].unplug()
            await hand.scan(SCANS)
            await air_of(county).cables[node].plug()
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)


@live(LIMIT_S)
async def test_what_a_killed_terminal_left_goes_sealed_and_twice_is_once(tmp_path: Path) -> None:
    """The link comes back while the radio sends; how much comes by both is up to the machine."""
    async with by_radio_alone(tmp_path) as (county, post, hand):
        await hand.scan(BACKLOG)
        await post.process.kill()
        await revive(post)
        await until_stored(county, post, 1)
        await post.link.restore()
        await assert_nothing_lost_or_doubled(county, post, hand, DRAIN_LIMIT_S)
