"""A live page: server-rendered parts, swapped by `static/live.js` as the feed moves."""

import json
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from runtime.feed import Feed
from runtime.web.pages import Pages, language_named
from runtime.web.sse import event_stream
from runtime.web.text import Language, Words
from runtime.web.when import CHINA_TIME

V = TypeVar("V")

LANGUAGE_COOKIE = "lang"
COOKIE_S = 365 * 86_400
Parts = dict[str, str]


class Screen(Generic[V]):
    """One page of a feed, rendered once per version and language however many look at it.

    `<name>.html` is the page; part `x` is the inside of the element with id `x`, rendered from
    `<name>/x.html`. `context` turns a value into what the templates need; `now_ms` is the time at
    which the value was made: the page's clocks follow it, so publish every few seconds.
    """

    def __init__(
        self,
        name: str,
        parts: tuple[str, ...],
        feed: Feed[V],
        pages: Pages,
        *,
        live_path: str,
        context: Callable[[V, Words], Mapping[str, object]],
        now_ms: Callable[[V], int],
    ) -> None:
        self._name, self._parts = name, parts
        self._feed, self._pages = feed, pages
        self._live_path = live_path
        self._context, self._now_ms = context, now_ms
        self._rendered: dict[Language, tuple[int, Parts]] = {}

    async def page(self, request: Request) -> Response:
        """The whole page in the language asked for, which a cookie then remembers."""
        asked = language_named(request.query_params.get("lang"))
        language = asked or language_named(request.cookies.get(LANGUAGE_COOKIE))
        words = self._pages.words[language or Language.CHINESE]
        version, value = await self._feed.newer_than(-1)
        parts = self.parts(value, version, words)
        html = self._pages.render(
            f"{self._name}.html",
            words,
            {
                "parts": {part: Markup(html) for part, html in parts.items()},  # noqa: S704  # rendered with autoescape
                "build": self._pages.build,
                "now_ms": self._now_ms(value),
                "zone_min": int(CHINA_TIME.utcoffset(None).total_seconds()) // 60,
                "live": f"{self._live_path}?lang={words.language}",
            },
        )
        response = HTMLResponse(html, headers={"Cache-Control": "no-store"})
        if asked is not None:
            response.set_cookie(
                LANGUAGE_COOKIE, asked, max_age=COOKIE_S, httponly=True, samesite="lax"
            )
        return response

    async def live(self, request: Request) -> Response:
        """The stream of this page: at first every part, then those that changed."""
        language = language_named(request.query_params.get("lang")) or Language.CHINESE
        words = self._pages.words[language]
        sent: Parts = {}

        def changes(value: V, version: int) -> str | None:
            parts = self.parts(value, version, words)
            changed = {part: html for part, html in parts.items() if sent.get(part) != html}
            if not changed:
                return None
            sent.update(changed)
            message = {"build": self._pages.build, "now": self._now_ms(value), "parts": changed}
            return json.dumps(message, ensure_ascii=False)

        return event_stream(request, self._feed, changes)

    def parts(self, value: V, version: int, words: Words) -> Parts:
        """Every part in one language; rendered when first asked for."""
        known = self._rendered.get(words.language)
        if known is not None and known[0] == version:
            return known[1]
        context = self._context(value, words)
        parts = {
            part: self._pages.render(f"{self._name}/{part}.html", words, context)
            for part in self._parts
        }
        self._rendered[words.language] = version, parts
        return parts
