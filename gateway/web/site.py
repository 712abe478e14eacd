"""The county's web site: wall board, desk, JSON API, and a sign of life."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from gateway.view import BoardView
from gateway.web.desk import desk_context
from gateway.web.facts import BoardFacts, board_facts
from gateway.web.wall import wall_context
from gateway.web.words import KEYS
from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.screen import Screen
from runtime.web.site import SecurityHeaders, healthz, static_files

WALL_PARTS = ("head", "unaccounted", "arrivals", "records", "points", "latest")
DESK_PARTS = ("head", "summary", "table", "radio", "quarantine")


def board_app(feed: Feed[BoardView]) -> FastAPI:
    """The site, showing what `feed` holds. Raises `TextError` when words are missing."""
    pages = Pages("gateway.web", KEYS)
    wall = Screen(
        "wall",
        WALL_PARTS,
        feed,
        pages,
        live_path="/live",
        context=wall_context,
        now_ms=lambda view: view.now_ms,
    )
    desk = Screen(
        "nodes",
        DESK_PARTS,
        feed,
        pages,
        live_path="/nodes/live",
        context=desk_context,
        now_ms=lambda view: view.now_ms,
    )
    app = FastAPI(
        title="Muster county board",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the usual viewers load their scripts from elsewhere
        redoc_url=None,
        middleware=[Middleware(SecurityHeaders)],
    )

    @app.get("/api/v1/board", tags=["board"])
    async def board() -> BoardFacts:
        """The whole board at one moment. Names are left out."""
        return board_facts(feed.value)

    app.add_route("/", wall.page, include_in_schema=False)
    app.add_route("/live", wall.live, include_in_schema=False)
    app.add_route("/nodes", desk.page, include_in_schema=False)
    app.add_route("/nodes/live", desk.live, include_in_schema=False)
    app.add_route("/healthz", healthz, include_in_schema=False)
    app.router.routes.append(static_files())
    return app
