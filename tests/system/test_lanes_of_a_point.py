"""Two terminals of one point, their county out of reach: what one has seen the other knows."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from protocol.verdict import Verdict
from sim.audit import read_ledger
from sim.county import County, Post, Setting, towns
from sim.devices.card import Card
from sim.people import SimPerson, make_people
from sim.player import card_of
from sim.ports import free_port
from sim.witness import SeenVerdict
from tests.browser import CHROMIUM, FLAGS, STATION, Watched
from tests.system.rig import POINT, live, revive, until_page

pytestmark = [pytest.mark.system, pytest.mark.browser]

PEOPLE = 20
BOARD_LIMIT_S = 10.0


def lanes_of_a_point(folder: Path) -> County:
    """A broker, a gateway, and two terminals of one point."""
    return County(
        Setting(
            folder=folder / "county",
            points=towns(1),
            people=make_people(1, PEOPLE, [POINT], card_lost_share=0),
            web_port=free_port(),
            poll_s=0.002,
            is_paced=False,
            has_gnss=False,
            lanes=2,
        )
    )


async def ready_and_cut(county: County) -> tuple[Post, Post]:
    """Both lanes have the roster and hear each other; then nobody reaches the county."""
    await county.until_ready()
    first, second = county.posts[POINT], county.posts[f"{POINT}-2"]
    await until_page(first, lambda page: page["lanes_heard"] == [2])
    await until_page(second, lambda page: page["lanes_heard"] == [1])
    await county.broker.kill()
    for post in (first, second):
        await until_page(post, lambda page: page["link"] == "down")
    return first, second


async def lay_on(post: Post, card: Card) -> SeenVerdict:
    """Present a card until the screen answers."""
    before = post.witness.latest
    post.reader.present(card)
    seen = await post.witness.next_verdict(before)
    post.reader.remove()
    return seen


def cards(county: County) -> list[Card]:
    people: list[SimPerson] = list(county.setting.people)
    return [card_of(each) for each in people]


@live(120)
async def test_a_card_of_lane_1_is_already_here_at_lane_2_and_the_page_says_where(
    tmp_path: Path,
) -> None:
    async with lanes_of_a_point(tmp_path) as county:
        first, second = await ready_and_cut(county)
        card = cards(county)[0]
        assert (await lay_on(first, card)).verdict == Verdict.ACCEPTED
        await asyncio.sleep(1)  # nothing shows when lane 2 has heard
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            watched = Watched(await (await chromium.new_context(viewport=STATION)).new_page())
            try:
                await watched.page.goto(f"http://127.0.0.1:{second.web_port}/?lang=zh-Hans")
                assert (await lay_on(second, card)).verdict == Verdict.ALREADY
                panel = watched.page.locator("#verdict")
                await expect(panel.locator(".what")).to_contain_text("第 1 通道")
                await expect(watched.page.locator("#custody .lanes dd")).to_have_text("1")
                await watched.picture("lane-2-says-lane-1")
                assert await watched.fits()
            finally:
                await chromium.close()
        assert second.witness.page["verdict"]["first_seen_lane"] == 1
        for post in (first, second):  # both scans are records
            assert post.witness.page["custody"]["captured"] == 1


@live(120)
async def test_a_killed_lane_hears_it_all_again(tmp_path: Path) -> None:
    async with lanes_of_a_point(tmp_path) as county:
        first, second = await ready_and_cut(county)
        one, other, third = cards(county)[:3]
        await lay_on(first, one)
        await second.process.kill()
        await lay_on(first, other)
        await revive(second)
        await until_page(second, lambda page: page["lanes_heard"] == [1])
        for card in (one, other):
            assert (await lay_on(second, card)).verdict == Verdict.ALREADY
        assert (await lay_on(second, third)).verdict == Verdict.ACCEPTED
        await until_page(first, lambda page: page["lanes_heard"] == [2])
        assert (await lay_on(first, third)).verdict == Verdict.ALREADY


@live(120)
async def test_a_race_is_two_records_and_one_person_on_the_board(tmp_path: Path) -> None:
    async with lanes_of_a_point(tmp_path) as county:
        first, second = await ready_and_cut(county)
        cloned = cards(county)[0]
        seen = await asyncio.gather(lay_on(first, cloned), lay_on(second, cloned))
        assert {each.verdict for each in seen} <= {Verdict.ACCEPTED, Verdict.ALREADY}
        assert Verdict.ACCEPTED in {each.verdict for each in seen}
        await county.broker.start()
        for post in (first, second):
            await post.witness.until_all_receipted()
        assert {each.record_id for each in seen} == set(read_ledger(county.ledger))
        async with asyncio.timeout(BOARD_LIMIT_S):
            while True:
                board = await county.board()
                if board["stored"] == 2:
                    break
                await asyncio.sleep(0.1)
        assert board["present"] == 1
