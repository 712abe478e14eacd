"""The station's page in a real browser."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest
from playwright.async_api import ViewportSize, expect

from drivers.readers.base import TroubleReason
from drivers.supervisor import DeviceState
from protocol.verdict import Reason, Verdict
from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.text import Language
from terminal.view import Custody, StationView, Trouble
from terminal.web import station_app
from terminal.web.page import KEYS, SHOWN_TROUBLES, idle_state, sentence, trouble_rows
from tests.browser import PHONE, STATION, Watched, browsing
from tests.views import SHIQIAO, scan, station_view, with_readers

pytestmark = pytest.mark.browser

WORDS = Pages("terminal.web", KEYS).words
LONG = "欧阳娜娜·阿卜杜热合曼·买买提明"
VIEWS: dict[str, StationView] = {
    "idle": station_view(),
    "accepted": replace(station_view(), verdict=scan()),
    "already": replace(
        station_view(), verdict=scan(Verdict.ALREADY, Reason.SEEN_BEFORE, first_seen_ago_s=12)
    ),
    "elsewhere": replace(
        station_view(),
        verdict=scan(Verdict.ALREADY, Reason.SEEN_BEFORE, first_seen_ago_s=125, first_seen_lane=99),
        lanes_heard=(1, 2, 3, 99),
    ),
    "elsewhere-refused": replace(
        station_view(),
        lanes_heard=(1, 2, 3, 99),
        custody=Custody(128, 118, 8, 2, 372),
    ),
    "look": replace(station_view(), verdict=scan(Verdict.LOOK, Reason.OTHER_POINT, home=SHIQIAO)),
    "stop": replace(
        station_view(),
        verdict=scan(Verdict.STOP, Reason.CARD_LOST, name=LONG, unit=LONG, post=LONG),
        custody=Custody(128, 118, 8, 2, 372),
    ),
    "nobody": replace(
        station_view(), verdict=scan(Verdict.LOOK, Reason.UNREADABLE, name="", unit="", post="")
    ),
    "one-of-two": with_readers(station_view(), DeviceState.READY, DeviceState.SILENT),
    "both-of-two": with_readers(station_view(), DeviceState.BUSY, DeviceState.UNAUTHORISED),
    "sought": with_readers(station_view(), None),
    **{
        f"reader-{state.name.lower()}": with_readers(station_view(), state)
        for state in DeviceState
        if state is not DeviceState.READY
    },
    **{
        f"card-{reason.value}": replace(
            station_view(),
            verdict=replace(
                scan(Verdict.LOOK, Reason.UNREADABLE, name="", unit="", post=""),
                card_trouble=reason,
            ),
        )
        for reason in TroubleReason
    },
    "hold": replace(station_view(), troubles=(Trouble.HOLD_CARD_STILL,)),
    "troubled": replace(
        station_view(),
        verdict=scan(Verdict.STOP, Reason.POSSIBLY_FORGED),
        troubles=tuple(Trouble),
        present=1260,
        expected=1400,
    ),
}


def browse(
    view: StationView,
    viewport: ViewportSize,
    story: Callable[[Watched, Feed[StationView], str], Coroutine[None, None, None]],
) -> Watched:
    async def scenario() -> Watched:
        feed = Feed(view)
        async with browsing(station_app(feed), viewport) as (watched, site):
            await story(watched, feed, site.origin)
            assert all(url.startswith(site.origin) for url in watched.requested)
        return watched

    return asyncio.run(scenario())


@pytest.mark.parametrize("size", [STATION, PHONE], ids=["800x480", "phone"])
def test_every_state_fits_the_screen_in_both_languages(size: ViewportSize) -> None:
    async def story(watched: Watched, feed: Feed[StationView], origin: str) -> None:
        for language in Language:
            await watched.page.goto(f"{origin}/?lang={language}")
            for name, view in VIEWS.items():
                feed.publish(view)
                panel = watched.page.locator("#verdict")
                await expect(panel.locator(_shown(view))).to_be_visible()
                rows = trouble_rows(view, WORDS[language])[:SHOWN_TROUBLES]
                await expect(watched.page.locator("#troubles p span")).to_have_text(
                    [row.sentence for row in rows]
                )
                await expect(watched.page.locator("#custody .refused")).to_have_count(
                    int(view.custody.refused > 0)
                )
                if view.verdict:
                    said = sentence(view.verdict, WORDS[language])
                    await expect(panel.locator(".what")).to_have_text(said)
                    await expect(panel.locator(".who")).to_have_count(int(bool(view.verdict.name)))
                await watched.picture(f"station-{size['width']}-{name}-{language}")
                assert await watched.fits(), name
                shown = (
                    "#facts > *, .key, .trouble, #verdict p, #verdict svg, #count p, #custody div"
                )
                assert await watched.cut_off(shown) == [], name
                assert await _overlapped(watched) == [], name

    assert browse(station_view(), size, story).complaints == []


def _shown(view: StationView) -> str:
    if view.verdict is None:
        return f".idle-{idle_state(view).value}"
    return f".v-{view.verdict.verdict.name.lower()}"


async def _overlapped(watched: Watched) -> list[str]:
    """Lines of the verdict that its own panel clips."""
    found = await watched.page.eval_on_selector_all(
        "#verdict p",
        "all => {const panel = document.getElementById('verdict').getBoundingClientRect();"
        "return all.filter(e => {const b = e.getBoundingClientRect();"
        "return b.top < panel.top - 1 || b.bottom > panel.bottom + 1}).map(e => e.textContent)}",
    )
    return [str(text) for text in found]


def test_a_scan_and_its_receipt_appear_without_a_reload() -> None:
    async def story(watched: Watched, feed: Feed[StationView], origin: str) -> None:
        page = watched.page
        await page.goto(origin)
        await expect(page.locator("#verdict .word")).to_contain_text("请刷身份证")
        await page.evaluate("window.sameDocument = true")
        feed.publish(replace(feed.value, verdict=scan(), present=127))
        await expect(page.locator("#verdict .word")).to_contain_text("已签到")
        await expect(page.locator("#count b")).to_have_text("127")
        feed.publish(replace(feed.value, custody=Custody(127, 127, 0, 0, 0)))
        await expect(page.locator("#custody dd").nth(1)).to_have_text("127")
        assert await page.evaluate("window.sameDocument") is True

    assert browse(station_view(), STATION, story).complaints == []


def test_ages_count_on_without_the_server() -> None:
    async def story(watched: Watched, feed: Feed[StationView], origin: str) -> None:
        view = station_view()
        await watched.page.clock.install()
        feed.publish(replace(view, last=(scan(name="王*伟", age_s=10),)))
        await watched.page.goto(origin)
        age = watched.page.locator("#last time")
        await expect(age).to_have_text(re.compile(r"^1[01] 秒前$"))
        await watched.page.clock.run_for(20_000)
        await expect(age).to_have_text(re.compile(r"^3[012] 秒前$"))

    browse(station_view(), STATION, story)


def test_one_key_switches_the_whole_page_and_it_stays_switched() -> None:
    latin = scan(name="J* Smith", unit="Rescue 1", post="Lead")
    view = replace(station_view(), verdict=latin, last=(latin,), troubles=tuple(Trouble))

    async def story(watched: Watched, feed: Feed[StationView], origin: str) -> None:  # noqa: ARG001  # shape of a story
        page = watched.page
        await page.goto(origin)
        chinese = await watched.own_words()
        assert not re.search(r"Recorded|Waiting|Roster|Lane|Accepted", chinese)
        await page.locator(".key").click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        english = await watched.own_words()
        assert not re.search(r"[\u3400-\u9fff]", english), english
        await page.goto(origin)
        await expect(page.locator("html")).to_have_attribute("lang", "en")

    assert browse(view, STATION, story).complaints == []


def test_an_old_verdict_is_not_shown_as_current_when_the_program_is_gone() -> None:
    async def scenario() -> None:
        feed = Feed(replace(station_view(), verdict=scan()))
        async with browsing(station_app(feed), STATION) as (watched, site):
            page = watched.page
            await page.goto(site.origin)
            await expect(page.locator("#verdict .verdict")).to_be_visible()
            banner = page.locator("#connection")
            await expect(banner).to_be_hidden()
            await site.stop()
            await expect(banner).to_contain_text(re.compile(r"连接中断 · 自 \d\d:\d\d:\d\d 起"))
            await expect(banner.locator("svg")).to_be_visible()
            await expect(page.locator("html")).to_have_class(re.compile("stale"))
            await watched.picture("station-800-connection-lost")
            assert await watched.fits()
            feed.publish(replace(station_view(), present=131))
            await site.start()
            await expect(banner).to_be_hidden(timeout=10_000)
            await expect(page.locator("#count b")).to_have_text("131")

    asyncio.run(scenario())
