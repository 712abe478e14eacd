"""Serving inside somebody else's loop: streams end at once, a taken port says so."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.feed import Feed
from runtime.web.errors import CannotListen
from runtime.web.server import serve
from runtime.web.site import SECURITY_HEADERS, SecurityHeaders, healthz
from runtime.web.sse import event_stream
from sim.ports import free_port

SOON_S = 5.0


def counter_app(feed: Feed[int], heartbeat_s: float = 15.0) -> Starlette:
    async def live(request: Request) -> Response:
        def odd_only(value: int, version: int) -> str | None:
            return json.dumps([value, version]) if value % 2 else None

        return event_stream(request, feed, odd_only, heartbeat_s=heartbeat_s)

    return Starlette(routes=[Route("/live", live), Route("/healthz", healthz)])


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.Task[None]]]:
    port = free_port()
    task = asyncio.create_task(serve(SecurityHeaders(app), "127.0.0.1", port))
    base_url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
        try:
            await until_it_answers(client)
            yield client, task
        finally:
            await stop(task)


async def until_it_answers(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                await client.get("/healthz")
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
            else:
                return


async def stop(task: asyncio.Task[None]) -> float:
    began = asyncio.get_running_loop().time()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return asyncio.get_running_loop().time() - began


async def next_data(lines: AsyncIterator[str]) -> str:
    async with asyncio.timeout(SOON_S):
        async for line in lines:
            if line.startswith("data: "):
                return line.removeprefix("data: ")
    raise AssertionError("the stream ended")


def test_a_stream_tells_the_latest_value_and_ends_within_a_second_of_the_stop() -> None:
    async def scenario() -> None:
        feed = Feed(1)
        async with (
            served(counter_app(feed)) as (client, task),
            client.stream("GET", "/live") as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            lines = answer.aiter_lines()
            feed.publish(2)
            feed.publish(3)
            assert await next_data(lines) in {"[1, 0]", "[3, 2]"}
            feed.publish(5)
            assert await next_data(lines) in {"[3, 2]", "[5, 3]"}
            seconds = await stop(task)
            assert seconds < 1
            assert [line async for line in lines if line.startswith("data: [7")] == []

    asyncio.run(scenario())


def test_updates_are_coalesced() -> None:
    async def scenario() -> None:
        feed = Feed(1)
        told: list[str] = []
        async with (
            served(counter_app(feed)) as (client, _),
            client.stream("GET", "/live") as answer,
        ):
            lines = answer.aiter_lines()
            for value in range(3, 203, 2):
                feed.publish(value)
                await asyncio.sleep(0)
            while not told or told[-1] != "[201, 100]":
                told.append(await next_data(lines))
        assert len(told) <= 3

    asyncio.run(scenario())


def test_a_quiet_stream_has_a_heartbeat() -> None:
    async def scenario() -> None:
        async with (
            served(counter_app(Feed(2), heartbeat_s=0.02)) as (client, _),
            client.stream("GET", "/live") as answer,
        ):
            async with asyncio.timeout(SOON_S):
                beats = [line async for line in _until(answer.aiter_lines(), "event: beat")]
        assert ": beat" in beats

    asyncio.run(scenario())


async def _until(lines: AsyncIterator[str], last: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line == last:
            return


def test_every_answer_carries_the_security_headers() -> None:
    async def scenario() -> None:
        async with served(counter_app(Feed(1))) as (client, _):
            answer = await client.get("/healthz")
            missing = await client.get("/nothing")
        assert answer.json() == {"status": "ok"}
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == missing.headers[name] == value
        assert "server" not in answer.headers

    asyncio.run(scenario())


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1:{port}: another program listens"):
            asyncio.run(serve(Starlette(), "127.0.0.1", port))
