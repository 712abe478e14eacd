"""Server-sent events out of a `Feed`: latest value first, then every change, spaced out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse

from runtime.feed import Feed

T = TypeVar("T")

HEARTBEAT_S = 15.0  # below the idle limit of the usual proxies (30 s and more)
SPACING_S = 0.2  # five updates a second are more than an eye can read
RETRY_MS = 1000  # how soon a browser comes back after the stream has ended
ENDING = "muster.ending"
"""Key of the ASGI scope: an `asyncio.Event`, set when the server is about to stop."""

_BEAT = ": beat\nevent: beat\ndata:\n\n"


def event_stream(
    request: Request,
    feed: Feed[T],
    encode: Callable[[T, int], str | None],
    *,
    heartbeat_s: float = HEARTBEAT_S,
    spacing_s: float = SPACING_S,
) -> StreamingResponse:
    """Answer with a stream that ends when the client leaves or the server stops.

    `encode(value, version)` gives the data of one event, without line breaks, or `None` when there
    is nothing new to tell. A client that reads slowly skips values. The heartbeat is a comment for
    proxies and an event named `beat` for the page, which cannot see comments.
    """
    ending = request.scope.get(ENDING)
    ending = ending or asyncio.Event()
    stream = _events(feed, encode, ending, heartbeat_s=heartbeat_s, spacing_s=spacing_s)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _events(
    feed: Feed[T],
    encode: Callable[[T, int], str | None],
    ending: asyncio.Event,
    *,
    heartbeat_s: float,
    spacing_s: float,
) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    version = -1
    end = asyncio.ensure_future(ending.wait())
    newer = asyncio.ensure_future(feed.newer_than(version))
    try:
        while not end.done():
            await asyncio.wait(
                {newer, end}, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED
            )
            if end.done():
                return
            if not newer.done():
                yield _BEAT
                continue
            version, value = newer.result()
            newer = asyncio.ensure_future(feed.newer_than(version))
            data = encode(value, version)
            if data is not None:
                yield f"id: {version}\ndata: {data}\n\n"
                await asyncio.wait({end}, timeout=spacing_s)
    finally:
        end.cancel()
        newer.cancel()
