"""The station's web site: one live page, the same facts as JSON, and a sign of life."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.screen import Screen
from runtime.web.site import SecurityHeaders, healthz, static_files
from runtime.web.sse import event_stream
from terminal.view import StationView
from terminal.web.facts import encode_facts
from terminal.web.page import KEYS, station_context

PARTS = ("facts", "county", "troubles", "verdict", "count", "custody", "last")


def station_app(feed: Feed[StationView]) -> Starlette:
    """The site, showing what `feed` holds. Raises `TextError` when words are missing."""
    screen = Screen(
        "station",
        PARTS,
        feed,
        Pages("terminal.web", KEYS),
        live_path="/live",
        context=station_context,
        now_ms=lambda view: view.now_ms,
    )

    async def live_json(request: Request) -> Response:
        return event_stream(request, feed, lambda view, _version: encode_facts(view), spacing_s=0)

    return Starlette(
        routes=[
            Route("/", screen.page),
            Route("/live", screen.live),
            Route("/live.json", live_json),
            Route("/healthz", healthz),
            static_files(),
        ],
        middleware=[Middleware(SecurityHeaders)],
    )
