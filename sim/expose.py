"""Puts a simulated device where a driver can open it: on a pty with a name, or on a TCP port.

Plugging and unplugging are calls, so that a story can pull the cable and push it in again.
"""

import asyncio
import contextlib
import os
import termios
import tty
from pathlib import Path
from typing import Self

from sim.uart import heard_at

READ_SIZE_BYTES = 4096
# How long a device's bytes wait for a host that does not read before they are lost. A UART would
# not wait at all; a pty's small buffer must not lose what a busy host is about to read.
TAKE_TIMEOUT_S = 1.0
LOOPBACK = "127.0.0.1"


# The rates termios has a name for. A host at any other is taken to be at the device's.
_NAMED_BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
_BAUD_OF = {getattr(termios, f"B{baud}"): baud for baud in _NAMED_BAUDS}
_SPEED_AT = 5  # in what tcgetattr returns


class ExposedPty:
    """A `DeviceLine` on a pty; `link` is the path a driver opens, gone while unplugged.

    With a `baud` it behaves as a UART of that rate: a host that has set the port to another one
    is not understood and understands nothing. A pty by itself does not care.
    """

    def __init__(self, link: Path, baud: int | None = None) -> None:
        self.link, self.baud = link, baud
        self._received: asyncio.Queue[bytes] = asyncio.Queue()
        self._ends: tuple[int, int] | None = None  # device's end (master), host's end (slave)
        self._writable = asyncio.Event()

    @property
    def url(self) -> str:
        """What a terminal's configuration says to reach this device."""
        return f"serial://{self.link.absolute()}"

    async def plug(self) -> None:
        """Make the device appear. Raises `FileExistsError` if `link` is anything but a link."""
        if self._ends is not None:
            return
        if self.link.is_symlink():
            self.link.unlink()  # left behind by a simulator that was killed
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        try:
            self.link.symlink_to(os.ttyname(slave))
        except OSError:
            os.close(master)
            os.close(slave)
            raise
        # The host's end stays open here too, else the device's end fails whenever no driver
        # has the port open (hw/serial.md 5).
        self._ends = master, slave
        asyncio.get_running_loop().add_reader(master, self._on_readable, master)

    async def unplug(self) -> None:
        """Make the device vanish: a driver that has it open meets `PortGone`."""
        if self._ends is None:
            return
        master, slave = self._ends
        self._ends = None
        asyncio.get_running_loop().remove_reader(master)
        asyncio.get_running_loop().remove_writer(master)
        self._writable.set()  # a write in progress must not wait for a host that cannot come
        self.link.unlink(missing_ok=True)
        os.close(master)
        os.close(slave)

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.unplug()

    async def read(self) -> bytes:
        """See `DeviceLine.read`."""
        return await self._received.get()

    async def write(self, data: bytes) -> None:
        """See `DeviceLine.write`."""
        ends = self._ends
        if ends is not None and self.baud is not None:
            data = heard_at(data, self.baud, self._host_baud(ends[1]))
        rest = memoryview(data)
        while rest and ends is not None and self._ends is ends:  # plugged in, and never pulled
            try:
                sent = os.write(ends[0], rest)
            except BlockingIOError:
                if not await self._is_taken(ends):
                    return
                continue
            rest = rest[sent:]

    def _on_readable(self, master: int) -> None:
        data = os.read(master, READ_SIZE_BYTES)
        if self._ends is not None and self.baud is not None:
            data = heard_at(data, self._host_baud(self._ends[1]), self.baud)
        if data:
            self._received.put_nowait(data)

    def _host_baud(self, slave: int) -> int:
        """What the host has set the port to; the device's own rate where that cannot be told."""
        assert self.baud is not None  # noqa: S101  # asked for only then
        return _BAUD_OF.get(termios.tcgetattr(slave)[_SPEED_AT], self.baud)

    async def _is_taken(self, ends: tuple[int, int]) -> bool:
        """Wait until the host has read some of what it was sent; False if it does not read."""
        loop = asyncio.get_running_loop()
        self._writable.clear()
        loop.add_writer(ends[0], self._writable.set)
        try:
            async with asyncio.timeout(TAKE_TIMEOUT_S):
                await self._writable.wait()
        except TimeoutError:
            return False
        finally:
            if self._ends is ends:  # else the number may belong to another file by now
                loop.remove_writer(ends[0])
        return True


class ExposedTcp:
    """A `DeviceLine` on a TCP port of this machine, for one host at a time: the latest.

    `port` 0 takes a free one, which is kept over unplugging.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._received: asyncio.Queue[bytes] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._host: asyncio.StreamWriter | None = None

    @property
    def url(self) -> str:
        """What a terminal's configuration says to reach this device."""
        return f"tcp://{LOOPBACK}:{self.port}"

    async def plug(self) -> None:
        """Listen. Raises `OSError` if the port is taken."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Stop listening and hang up."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        if self._host is not None:
            self._host.close()
        await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.unplug()

    async def read(self) -> bytes:
        """See `DeviceLine.read`."""
        return await self._received.get()

    async def write(self, data: bytes) -> None:
        """See `DeviceLine.write`."""
        if self._host is None or self._host.is_closing():
            return
        self._host.write(data)
        with contextlib.suppress(OSError):
            await self._host.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host is not None:
            self._host.close()  # a host that was killed comes back before its old end is noticed
        self._host = writer
        try:
            while data := await reader.read(READ_SIZE_BYTES):
                self._received.put_nowait(data)
        except OSError:
            pass  # the host went away without a goodbye
        finally:
            if self._host is writer:
                self._host = None
            writer.close()
