"""What every site of ours serves and forbids, whatever its pages are about."""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
    # Nothing but our own files: no inline script or style, no other origin, no frame around us.
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """ASGI middleware that puts `SECURITY_HEADERS` on every answer, streams included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def static_files() -> Mount:
    """Style, script and icon under `/static`."""
    return Mount("/static", StaticFiles(packages=[("runtime.web", "static")]), name="static")


async def healthz(request: Request) -> Response:  # noqa: ARG001  # the framework's signature
    """Says that this process answers."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
