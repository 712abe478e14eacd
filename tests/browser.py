"""A real Chromium, and a site it looks at that can be stopped and started again."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, Request, ViewportSize, async_playwright
from starlette.types import ASGIApp

from tests.browse import Site

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STATION: ViewportSize = {"width": 800, "height": 480}
PHONE: ViewportSize = {"width": 360, "height": 740}
WALL: ViewportSize = {"width": 1440, "height": 900}
FULL_HD: ViewportSize = {"width": 1920, "height": 1080}
SMALL: ViewportSize = {"width": 1280, "height": 720}


class Watched:
    """A page whose complaints and requests are kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requested: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.requested.append(request.url)

    async def fits(self) -> bool:
        """No scroll bar, and nothing shown beyond the edge."""
        size = await self.page.evaluate(
            "(e => [e.scrollWidth <= innerWidth, e.scrollHeight <= innerHeight])"
            "(document.documentElement)"
        )
        return bool(all(size))

    async def cut_off(self, selector: str) -> list[str]:
        """The texts of elements that do not lie wholly inside the screen."""
        found = await self.page.eval_on_selector_all(
            selector,
            "all => all.filter(e => {const b = e.getBoundingClientRect(); return b.left < 0 ||"
            " b.top < 0 || b.right > innerWidth + 1 || b.bottom > innerHeight + 1})"
            ".map(e => e.textContent)",
        )
        return [str(text) for text in found]

    async def own_words(self) -> str:
        """The page's text without what is marked as another language."""
        text = await self.page.evaluate(
            "(() => {const copy = document.body.cloneNode(true);"
            "copy.querySelectorAll('[lang]').forEach(e => e.remove()); return copy.textContent})()"
        )
        return re.sub(r"\s+", " ", str(text)).strip()

    async def picture(self, name: str) -> None:
        """Keep a screenshot when somebody wants to look."""
        folder = os.environ.get("MUSTER_SCREENSHOTS")
        if folder:
            await self.page.screenshot(path=Path(folder) / f"{name}.png")


@asynccontextmanager
async def browsing(app: ASGIApp, viewport: ViewportSize) -> AsyncIterator[tuple[Watched, Site]]:
    """A started site and an empty page; fails when there is no Chromium."""
    site = Site(app)
    await site.start()
    try:
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            context = await chromium.new_context(viewport=viewport)
            watched = Watched(await context.new_page())
            try:
                yield watched, site
            finally:
                await chromium.close()
    finally:
        await site.stop()
