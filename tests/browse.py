"""Ways to look at a site: requests within this process, and a server on a loopback port."""

import asyncio

import httpx
from starlette.types import ASGIApp

from runtime.web.server import serve
from sim.ports import free_port


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


class Site:
    """An app on a loopback port; `stop` and `start` as often as you like."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._port = free_port()
        self.origin = f"http://127.0.0.1:{self._port}"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(serve(self._app, "127.0.0.1", self._port))
        async with asyncio.timeout(5):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
