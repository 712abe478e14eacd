"""Serve an ASGI app inside an event loop that belongs to somebody else."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.web.errors import CannotListen
from runtime.web.sse import ENDING

SHUTDOWN_S = 1  # streams end at once; a request that hangs is cut after this


class _Server(uvicorn.Server):
    """Leaves the process's signals alone: `runtime.service` owns them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve `app` until cancelled; open streams end at once. Raises `CannotListen`."""
    ending = asyncio.Event()

    async def told_of_the_end(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ENDING] = ending
        await app(scope, receive, send)

    config = uvicorn.Config(
        told_of_the_end,
        http="h11",
        ws="none",
        lifespan="off",  # who owns the loop builds and ends things
        log_config=None,  # runtime.log has set up logging
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    server = _Server(config)
    with _listen(host, port) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(running)
        finally:
            ending.set()
            server.should_exit = True
            await running


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
        raise CannotListen(error.errno, f"cannot serve pages on {host}:{port}: {why}") from error
