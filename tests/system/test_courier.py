"""Records carried by hand between a real terminal and a real gateway, the link cut."""

import asyncio
from itertools import cycle
from pathlib import Path

import pytest

from courier.codes import FRAME_S
from gateway.cli import take_roster
from protocol.courier import CourierKind, CourierMessage, pack_courier, unpack_courier
from provisioning.layout import TERMINAL_TOML
from sim.audit import read_ledger
from sim.county import County, Post
from sim.devices.scanner import SimScanner
from sim.expose import ExposedPty
from sim.people import write_roster_csv
from tests.couriers import Said, courier
from tests.system.powerdir import PowerDir
from tests.system.rig import (
    NODE,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    losses,
    revive,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

SCANS = 12
ROOM_BYTES = 4 * 1024 * 1024
PULLED_BEFORE = (1, 2, 4)  # of the changes that an export makes to a stick
AFTER_A_PULL = ("new in the ledger", "nothing from a terminal", "torn so early")


async def cut_off(county: County, post: Post, scans: int = SCANS) -> Hand:
    """A terminal whose link is cut, and on which so many records wait."""
    hand = Hand(county, post)
    await post.link.cut()
    await until_page(post, lambda page: page["link"] == "down")
    await hand.scan(scans)
    return hand


async def at_terminal(post: Post, command: str, *arguments: object, stdin: str = "") -> Said:
    return await courier(command, post.folder / TERMINAL_TOML, *arguments, stdin=stdin)


async def at_county(county: County, command: str, *arguments: object, stdin: str = "") -> Said:
    return await courier(command, county.gateway_config, *arguments, stdin=stdin)


def stick_in(folder: Path) -> Path:
    stick = folder / "stick"
    stick.mkdir()
    return stick


async def until_settled(post: Post, waiting: int = 0) -> None:
    await until_page(post, lambda page: page["custody"]["waiting"] == waiting)


@live(90)
async def test_records_go_up_and_receipts_and_roster_come_down_on_a_stick(tmp_path: Path) -> None:
    stick = stick_in(tmp_path)
    async with small_county(tmp_path) as (county, post):
        hand = await cut_off(county, post)
        up = await at_terminal(post, "export", stick)
        assert up.code == 0, up.all
        assert f"read back: {SCANS}." in up.out
        assert post.witness.page["custody"]["waiting"] == SCANS

        version_before = post.witness.page["roster_version"]
        roster = tmp_path / "newer.csv"
        write_roster_csv(roster, county.setting.people[: SCANS + 5])
        take_roster(county.gateway_config, roster.read_bytes())

        there = await at_county(county, "import", stick)
        assert there.code == 0, there.all
        assert f"new in the ledger {SCANS}, there already 0." in there.out
        assert losses(county, hand) == []
        assert not list(stick.glob("*.up.muster"))

        back = await at_terminal(post, "import", stick)
        assert back.code == 0, back.all
        assert f"the county has {SCANS}." in back.out
        await until_settled(post)
        page = await until_page(post, lambda page: page["roster_version"] > version_before)
        assert page["link"] == "down"

        await post.link.restore()
        await hand.scan(3)
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(90)
async def test_a_terminal_killed_while_the_stick_is_away_settles_when_it_is_back(
    tmp_path: Path,
) -> None:
    stick = stick_in(tmp_path)
    async with small_county(tmp_path) as (county, post):
        hand = await cut_off(county, post)
        assert (await at_terminal(post, "export", stick)).code == 0
        await post.process.kill()
        assert (await at_county(county, "import", stick)).code == 0
        away = await at_terminal(post, "import", stick)
        assert away.code == 1
        assert "What came is kept safe and taken when it starts" in away.err
        await revive(post)
        await until_settled(post)
        await hand.scan(2)
        await until_settled(post, waiting=2)
        await post.link.restore()
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(90)
async def test_what_also_came_by_mqtt_and_twice_by_stick_is_stored_once(tmp_path: Path) -> None:
    stick = stick_in(tmp_path)
    async with small_county(tmp_path) as (county, post):
        hand = await cut_off(county, post)
        assert (await at_terminal(post, "export", stick)).code == 0
        (path,) = stick.glob("*.up.muster")
        kept = path.read_bytes()
        await post.link.restore()
        await drained(post)
        for _ in range(2):
            path.write_bytes(kept)
            there = await at_county(county, "import", stick)
            assert there.code == 0, there.all
            assert f"new in the ledger 0, there already {SCANS}." in there.out
        back = await at_terminal(post, "import", stick)
        assert "the county has 0. Waiting still: 0." in back.out
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(90)
async def test_a_gateway_that_was_away_admits_it_when_it_is_back(tmp_path: Path) -> None:
    stick = stick_in(tmp_path)
    async with small_county(tmp_path) as (county, post):
        hand = await cut_off(county, post)
        assert (await at_terminal(post, "export", stick)).code == 0
        await county.gateway.kill()
        alone = await at_county(county, "import", stick)
        assert alone.code == 1
        assert "no gateway has answered" in alone.err
        await county.gateway.start()
        while len(read_ledger(county.ledger)) < SCANS:
            await post.witness.changed()
        assert (await at_county(county, "export", stick)).code == 0
        assert (await at_terminal(post, "import", stick)).code == 0
        await until_settled(post)
        await post.link.restore()
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(120)
async def test_a_stick_that_is_full_or_pulled_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    with PowerDir(tmp_path, keep=0.5, capacity_bytes=ROOM_BYTES) as stick:
        async with small_county(tmp_path) as (county, post):
            hand = await cut_off(county, post)
            stick.fill()
            full = await at_terminal(post, "export", stick.path)
            assert full.code == 1
            assert "The stick is full." in full.err
            assert f"On the stick: 0 of {SCANS} records. The others wait" in full.err
            assert list(stick.path.iterdir()) == []
            stick.resize(ROOM_BYTES)
            for changes in PULLED_BEFORE:
                stick.cut_before(changes)
                pulled = await at_terminal(post, "export", stick.path)
                assert pulled.code == 1
                assert "The stick cannot be written" in pulled.err
                stick.remount()
                torn = await at_county(county, "import", stick.path)
                assert any(words in torn.all for words in AFTER_A_PULL), torn.all
            assert (await at_terminal(post, "export", stick.path)).code == 0
            stick.remount()  # whoever pulls it right then takes all of it along
            assert (await at_county(county, "import", stick.path)).code == 0
            stick.remount()
            assert (await at_terminal(post, "import", stick.path)).code == 0
            await until_settled(post)
            await post.link.restore()
            await assert_nothing_lost_or_doubled(county, post, hand)


@live(90)
async def test_a_forged_envelope_is_kept_apart_and_the_rest_is_stored(tmp_path: Path) -> None:
    stick = stick_in(tmp_path)
    async with small_county(tmp_path) as (county, post):
        await cut_off(county, post)
        assert (await at_terminal(post, "export", stick)).code == 0
        (path,) = stick.glob("*.up.muster")
        file = unpack_courier(path.read_bytes())
        forged = bytearray(file.messages[0].message)
        forged[-1] ^= 1
        altered = [CourierMessage(CourierKind.ENVELOPE, bytes(forged)), *file.messages]
        path.write_bytes(pack_courier(file.head, altered))
        there = await at_county(county, "import", stick)
        assert there.code == 1
        assert "could not be admitted: 1." in there.err
        assert f"new in the ledger {SCANS}" in there.out
        assert path.exists()
        assert (await county.board())["quarantined"] == 1
        assert (await at_terminal(post, "import", stick)).code == 0
        await until_settled(post)


@live(90)
async def test_a_few_records_go_up_and_receipts_come_down_as_codes(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = await cut_off(county, post, scans=3)
        shown = await at_terminal(post, "export", "--qr")
        codes = shown.out.splitlines()[::-1]
        there = await at_county(county, "import", "--qr", stdin="\n".join([*codes, *codes]))
        assert there.code == 0, there.all
        assert "new in the ledger 3" in there.out
        answer = await at_county(county, "export", "--qr", "--node", NODE)
        back = await at_terminal(post, "import", "--qr", stdin=answer.out)
        assert back.code == 0, back.all
        await until_settled(post)
        await post.link.restore()
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(90)
async def test_codes_come_from_a_scanner_on_a_port(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        await cut_off(county, post, scans=3)
        codes = (await at_terminal(post, "export", "--qr")).out.splitlines()
        async with ExposedPty(tmp_path / "scanner") as pty, asyncio.TaskGroup() as tasks:
            scanner = SimScanner(pty)
            running = tasks.create_task(scanner.run())
            holding = tasks.create_task(hold_up(scanner, codes))
            there = await at_county(county, "import", "--port", pty.url)
            running.cancel()
            holding.cancel()
        assert there.code == 0, there.all
        assert "new in the ledger 3" in there.out


async def hold_up(scanner: SimScanner, codes: list[str]) -> None:
    """Show one code after the other, again and again, as the window of a terminal does."""
    for code in cycle(codes):
        scanner.present(code)
        await asyncio.sleep(FRAME_S)
