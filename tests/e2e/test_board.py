"""The county's pages in a real browser."""

import asyncio
import re
from dataclasses import replace

import pytest
from playwright.async_api import expect

from gateway.view import BoardView, FeedItem
from gateway.web import board_app
from protocol.roster import Point
from protocol.verdict import Reason, Verdict
from runtime.feed import Feed
from tests.browser import FULL_HD, PHONE, SMALL, WALL, browsing
from tests.views import NOW_MS, board_view, empty_board

pytestmark = pytest.mark.browser

ENDLESS = Point(
    "p", "某某自治州某某县某某镇某某村民委员会集结点", "A township name that never ends"
)
BOARDS: dict[str, BoardView] = {
    "one": board_view(1, 1),
    "three": board_view(3, 4),
    "six": board_view(),
    "twelve": board_view(12, 20),
    "nineteen": board_view(19, 40),
    "forty": board_view(40, 100),
    "empty": empty_board(),
    "soon": empty_board(NOW_MS + 600_000),
    "huge": replace(
        board_view(15, 15),
        points=tuple(
            replace(row, point=ENDLESS, expected=10_000, here=9_000, missing=1_000)
            for row in board_view(15, 15).points
        ),
        missing=123_456,
        expected=234_567,
        stored=12_345_678,
    ),
}


def test_the_wall_shows_any_county_at_once_in_both_languages() -> None:
    async def scenario() -> None:
        feed = Feed(board_view())
        async with browsing(board_app(feed), WALL) as (watched, site):
            for language in ("zh-Hans", "en"):
                await watched.page.goto(f"{site.origin}/?lang={language}")
                for name, view in BOARDS.items():
                    feed.publish(view)
                    rows = watched.page.locator("#points tbody tr")
                    await expect(rows).to_have_count(len(view.points))
                    await expect(watched.page.locator("#unaccounted .big")).to_have_text(
                        str(view.missing)
                    )
                    await watched.picture(f"wall-{name}-{language}")
                    assert await watched.fits(), name
                    shown = ".tile, .wall-bar *, #points tbody td, #records div, #unaccounted div"
                    assert await watched.cut_off(shown) == [], name
            for size in (FULL_HD, SMALL):
                await watched.page.set_viewport_size(size)
                feed.publish(board_view())
                await expect(watched.page.locator("#points tbody tr")).to_have_count(6)
                assert await watched.fits(), size
                await watched.picture(f"wall-{size['width']}")
            assert watched.complaints == []
            assert all(url.startswith(site.origin) for url in watched.requested)

    asyncio.run(scenario())


def test_the_desk_lists_a_hundred_terminals() -> None:
    async def scenario() -> None:
        feed = Feed(board_view())
        async with browsing(board_app(feed), WALL) as (watched, site):
            for language in ("zh-Hans", "en"):
                await watched.page.goto(f"{site.origin}/nodes?lang={language}")
                for name in ("six", "forty", "empty"):
                    feed.publish(BOARDS[name])
                    rows = watched.page.locator("#table tbody tr")
                    await expect(rows).to_have_count(len(BOARDS[name].nodes))
                    await watched.picture(f"nodes-{name}-{language}")
                    wide = await watched.page.evaluate(
                        "document.documentElement.scrollWidth > innerWidth"
                    )
                    assert not wide
            await watched.page.set_viewport_size(PHONE)
            feed.publish(BOARDS["six"])
            await expect(rows).to_have_count(8)
            assert await watched.cut_off(".desk-bar *, .summary *") == []
            await watched.picture("nodes-phone")
            assert watched.complaints == []
            assert all(url.startswith(site.origin) for url in watched.requested)

    asyncio.run(scenario())


def test_numbers_change_live_and_survive_a_restart_of_the_gateway() -> None:
    async def scenario() -> None:
        view = board_view()
        feed = Feed(view)
        async with browsing(board_app(feed), WALL) as (watched, site):
            page = watched.page
            await page.goto(site.origin)
            await page.evaluate("window.sameDocument = true")
            hero, banner = page.locator("#unaccounted .big"), page.locator("#connection")
            await expect(hero).to_have_text(str(view.missing))
            newest = FeedItem(NOW_MS, ENDLESS, Verdict.LOOK, Reason.OTHER_POINT, "吴*")
            feed.publish(replace(view, missing=7, latest=(newest, *view.latest[:9])))
            await expect(hero).to_have_text("7")
            await expect(page.locator("#latest li").first).to_contain_text("吴*")
            assert watched.complaints == []
            await site.stop()
            await expect(banner).to_be_visible()
            await expect(banner).to_contain_text(re.compile(r"自 \d\d:\d\d:\d\d 起"))
            assert await watched.fits()
            await watched.picture("wall-connection-lost")
            feed.publish(replace(view, missing=3))
            await site.start()
            await expect(banner).to_be_hidden(timeout=10_000)
            await expect(hero).to_have_text("3")
            assert await page.evaluate("window.sameDocument") is True

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/", "/nodes"])
def test_one_key_switches_the_whole_page(path: str) -> None:
    async def scenario() -> None:
        view = board_view()
        latin = tuple(replace(item, name=item.name and "J* Smith") for item in view.latest)
        feed = Feed(replace(view, latest=latin))
        async with browsing(board_app(feed), WALL) as (watched, site):
            await watched.page.goto(f"{site.origin}{path}")
            chinese = await watched.own_words()
            assert not re.search(r"Unaccounted|Latest|Expected|Silent|Waiting|Clock", chinese)
            await watched.page.get_by_text("EN", exact=True).click()
            await expect(watched.page.locator("html")).to_have_attribute("lang", "en")
            english = await watched.own_words()
            assert not re.search(r"[\u3400-\u9fff]", english), english
            assert watched.complaints == []

    asyncio.run(scenario())
