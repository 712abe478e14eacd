"""A network link that can be cut, slowed and swallowed: a TCP proxy on loopback.

Not modelled: single lost or re-ordered segments, which TCP hides anyway; and the connection
attempt into a black hole, which succeeds here (the kernel answers it) where the field's hangs.
"""

import asyncio
import socket
import struct
from functools import partial
from types import TracebackType
from typing import Final, Self

LOOPBACK: Final = "127.0.0.1"
CHUNK_BYTES: Final = 4096
_LINGER_NOT: Final = struct.pack("ii", 1, 0)  # socket(7): close with a reset, not in good order
CHUNKS_UNDERWAY: Final = 64  # what a link holds, in each direction, before the sender must wait


class LinkProxy:
    """Stands between a terminal and its broker, listening on `port` of loopback.

    `async with LinkProxy(target_port) as link:` and let the terminal connect to `link.port`,
    which stays the same over cuts. Both directions of every connection fare alike.
    """

    def __init__(self, target_port: int, *, port: int = 0) -> None:
        self.port = port
        """Where the proxy listens; 0 until entered lets the kernel choose."""
        self._target_port = target_port
        self._bytes_per_s: float | None = None
        self._delay_s = 0.0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._is_cut = True
        self._flowing = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.restore()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Reset all connections and refuse new ones; what was underway is lost."""
        self._is_cut = True
        server, self._server = self._server, None
        if server is not None:
            server.close()
        closing = list(self._connections)
        for connection in closing:
            connection.cancel()
        await asyncio.gather(*closing, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def restore(self) -> None:
        """Make the link whole again: listening, flowing, at full speed.

        What was swallowed arrives now, as TCP would send it again. Raises `OSError` if somebody
        took the port during the cut.
        """
        self._bytes_per_s, self._delay_s = None, 0.0
        self._flowing.set()
        self._is_cut = False
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def slow(self, *, bytes_per_s: float | None = None, delay_s: float = 0.0) -> None:
        """From now on carry at most so many bytes a second each way, each so much later."""
        self._bytes_per_s, self._delay_s = bytes_per_s, delay_s

    def swallow(self) -> None:
        """Become a black hole: connections stay open, nothing arrives, nobody is told."""
        self._flowing.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:  # the kernel had accepted it just before
            _reset(writer)
            return
        connection = asyncio.create_task(self._bridge(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(partial(self._forget, writer))

    def _forget(self, writer: asyncio.StreamWriter, connection: asyncio.Task[None]) -> None:
        _reset(writer)
        self._connections.discard(connection)

    async def _bridge(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until both sides have ended it, one is reset, or it is cut."""
        await self._flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target_port)
        except ConnectionError:  # no broker: the terminal sees its connection reset
            return
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._carry(reader, far_writer))
                directions.create_task(self._carry(far_reader, writer))
            for end in (writer, far_writer):
                end.close()
                await end.wait_closed()
        except* OSError:  # one side was reset, so is the other; ENOTCONN is no ConnectionError
            pass
        finally:
            _reset(far_writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction to its end. What is underway waits in a queue, as on a long line."""
        underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_UNDERWAY)
        async with asyncio.TaskGroup() as ends:
            ends.create_task(self._take(reader, underway))
            ends.create_task(self._give(underway, writer))

    async def _take(
        self, reader: asyncio.StreamReader, underway: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            data = await reader.read(CHUNK_BYTES)
            if self._bytes_per_s is not None:
                await asyncio.sleep(len(data) / self._bytes_per_s)
            await underway.put((clock() + self._delay_s, data))
            if not data:
                return

    async def _give(
        self, underway: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due_s, data = await underway.get()
            await asyncio.sleep(due_s - clock())
            await self._flowing.wait()
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection at once; the other side gets an error, unless it was ending already."""
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()
