"""Requests to an app in this process, without a server; cookies are kept."""

import asyncio

import httpx
from starlette.types import ASGIApp


class Visitor:
    """Asks for pages one at a time. Not for streams: those need a server that can end them."""

    def __init__(self, app: ASGIApp, cookies: dict[str, str] | None = None) -> None:
        self._transport = httpx.ASGITransport(app)
        self._cookies = httpx.Cookies(cookies)

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._get(path))

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=self._transport, base_url="http://muster.test", cookies=self._cookies
        ) as client:
            answer = await client.get(path)
            self._cookies = client.cookies
        return answer
