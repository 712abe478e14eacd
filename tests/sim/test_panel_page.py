"""The page of a simulated panel, in a real Chromium."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from drivers.panel.board import load_board
from protocol.verdict import SIGNS
from runtime.web.text import Language
from sim.control import obey
from sim.devices.panel import Sound
from sim.panel_rig import PanelRig
from sim.web.panel_site import TRACK_MS, bars, captions, panel_app
from tests.browser import PHONE, SMALL, Watched, browsing

LIMIT_S = 10


@asynccontextmanager
async def page_of(
    lang: str = "zh-Hans", *, is_phone: bool = False
) -> AsyncIterator[tuple[Watched, PanelRig]]:
    rig = PanelRig("pi-4b", load_board("pi-4b"), sample_us=1)
    verbs = rig.verbs()
    app = panel_app(
        rig.feed, rig.buttons, has_loop=rig.has_loop, obey=lambda line: obey(verbs, line)
    )
    async with rig.daemon, browsing(app, PHONE if is_phone else SMALL) as (watched, site):
        await watched.page.goto(f"{site.origin}/?lang={lang}")
        yield watched, rig


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not is_so():  # noqa: ASYNC110  # another thread, or a browser, makes it so
            await asyncio.sleep(0.02)


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_it_shows_lights_and_tones_and_takes_hands(lang: str) -> None:
    async def main() -> None:
        async with page_of(lang) as (watched, rig):
            page = watched.page
            header = rig.daemon._header
            assert await page.locator(".lamp.on").count() == 0
            header.write(6, 1)
            await page.wait_for_selector(".lamp-look.on")
            header.write(19, 1)
            await page.wait_for_selector(".pitch.on")
            assert "2300" in await page.inner_text("#sound")
            undo = page.locator("[data-push=undo]")
            await undo.hover()
            await page.mouse.down()
            await until(lambda: rig.panel.view.pressed == {"undo"})
            await page.wait_for_selector(".down-undo", state="attached")
            await page.mouse.move(5, 5)
            await page.mouse.up()
            await until(lambda: rig.panel.view.pressed == frozenset())
            await page.locator("[data-push=confirm]").focus()
            await page.keyboard.down("Space")
            await until(lambda: rig.panel.view.pressed == {"confirm"})
            await page.keyboard.up("Space")
            await until(lambda: rig.panel.view.pressed == frozenset())
            await page.click("[data-tell]")
            await until(lambda: rig.panel.view.is_open)
            await page.wait_for_selector(".lid.open")
            await page.click("[data-tell]")
            await until(lambda: not rig.panel.view.is_open)
            assert await watched.fits()
            assert watched.complaints == []
            await watched.picture(f"sim-panel.{lang}")

    asyncio.run(main())


@pytest.mark.browser
def test_on_a_phone_nothing_is_cut_off_sideways() -> None:
    async def main() -> None:
        for lang in ("zh-Hans", "en"):
            async with page_of(lang, is_phone=True) as (watched, _rig):
                width = await watched.page.evaluate(
                    "document.documentElement.scrollWidth <= innerWidth"
                )
                assert width
                await watched.picture(f"sim-panel-phone.{lang}")

    asyncio.run(main())


def test_a_light_is_named_by_the_verdicts_that_use_it() -> None:
    words = captions(Language.CHINESE)
    assert words["accepted"] == ["已签到", "已在册"]
    assert set(words) == {signs.light for signs in SIGNS.values()}
    assert captions(Language.ENGLISH)["stop"] == ["Stop"]


def test_tones_are_as_long_and_as_high_as_they_were() -> None:
    drawn = bars((Sound(1, 350, 600), Sound(2, 1800, 120), Sound(3, 2400, None)))
    assert [bar.frequency_hz for bar in drawn] == [350, 1800, 2400]
    assert drawn[0].width == pytest.approx(100 * 600 / TRACK_MS)
    assert drawn[0].top > drawn[1].top > drawn[2].top
    assert drawn[-1].left + drawn[-1].width == pytest.approx(100)
    assert bars(tuple(Sound(number, 800, 900) for number in range(8)))[0].left >= 0
    assert bars(()) == []
