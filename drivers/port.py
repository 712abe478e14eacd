"""The seam below every driver: a byte pipe, opened by URL.

    serial:///dev/ttyUSB0?baud=115200     a serial line or pty, 8N1
    tcp://127.0.0.1:4001                  a serial server, or a simulator on another machine

Everything above this file is the same in the field, in `sim` and in tests.
"""

import asyncio
import contextlib
import termios
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import serial

from drivers.errors import DriverConfigError, PortGone

READ_SIZE_BYTES = 4096
WRITE_TIMEOUT_S = 2.0  # a modem with stuck CTS would block for ever (hw/serial.md)
DEFAULT_BAUD = 115200

# What a vanishing device raises depends on the call that meets it (hw/serial.md, measured on ptys).
_GONE = (serial.SerialException, OSError, termios.error)


class BytePort(Protocol):
    """A byte pipe to a device. One reader, one writer at a time.

    Implementations must: return at least one byte from `read`, keep the order of bytes, raise
    `PortGone` from `read` and `write` once the other end is gone, and allow `close` twice.
    """

    async def read(self) -> bytes:
        """Wait for bytes. Cancelling loses nothing that has not been returned."""

    async def write(self, data: bytes) -> None:
        """Hand all of `data` to the device."""

    async def close(self) -> None:
        """Free the port; a pending `read` raises `PortGone`."""


async def open_port(url: str) -> BytePort:
    """Open the port a URL names.

    Raises `PortGone` while the device is not there, `DriverConfigError` for a URL no port has.
    """
    parts = urlsplit(url)
    if parts.scheme == "serial" and parts.path:
        options = parse_qs(parts.query)
        unknown = set(options) - {"baud"}
        baud = options.get("baud", [str(DEFAULT_BAUD)])[0]
        if unknown or not baud.isdigit():
            raise DriverConfigError(f"port {url!r}: only ?baud=NUMBER may follow a serial path")
        return SerialPort(parts.path, int(baud))
    if parts.scheme == "tcp" and parts.hostname and parts.port:
        return await TcpPort.connect(parts.hostname, parts.port)
    raise DriverConfigError(f"port {url!r}: expected serial:///dev/... or tcp://host:port")


class SerialPort:
    """A serial line or pty, read from the event loop, opened exclusively."""

    def __init__(self, path: str, baud: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._wake = asyncio.Event()
        self._gone: str | None = None
        line = serial.Serial()
        line.port, line.baudrate = path, baud
        line.timeout, line.write_timeout = 0, WRITE_TIMEOUT_S
        line.exclusive = True
        line.dtr = line.rts = False  # opening must not reset a modem (hw/serial.md)
        try:
            line.open()
        except _GONE as error:
            raise PortGone(f"cannot open {path}: {error}") from error
        self._line = line
        self._path = path
        self._loop.add_reader(line.fileno(), self._on_readable)

    async def read(self) -> bytes:
        """See `BytePort.read`."""
        while not self._received:
            if self._gone is not None:
                raise PortGone(self._gone)
            self._wake.clear()
            await self._wake.wait()
        data = bytes(self._received)
        self._received.clear()
        return data

    async def write(self, data: bytes) -> None:
        """See `BytePort.write`."""
        if self._gone is not None:
            raise PortGone(self._gone)
        try:
            await asyncio.to_thread(self._line.write, data)
        except _GONE as error:
            self._give_up(f"{self._path} failed while writing: {error}")
            raise PortGone(str(self._gone)) from error

    async def close(self) -> None:
        """See `BytePort.close`."""
        self._give_up(f"{self._path} is closed")
        with contextlib.suppress(*_GONE):
            self._line.close()

    def _on_readable(self) -> None:
        try:
            data = self._line.read(READ_SIZE_BYTES)
        except _GONE as error:
            self._give_up(f"{self._path} is gone: {error}")
            return
        self._received += data
        self._wake.set()

    def _give_up(self, reason: str) -> None:
        if self._gone is None:
            self._gone = reason
            self._loop.remove_reader(self._line.fileno())
            self._wake.set()


class TcpPort:
    """A byte pipe over TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, host: str, port: int) -> "TcpPort":
        """Connect, or raise `PortGone`."""
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            raise PortGone(f"cannot reach {host}:{port}: {error}") from error
        return cls(reader, writer)

    async def read(self) -> bytes:
        """See `BytePort.read`."""
        try:
            data = await self._reader.read(READ_SIZE_BYTES)
        except OSError as error:
            raise PortGone(f"connection lost: {error}") from error
        if not data:
            raise PortGone("connection closed by the other end")
        return data

    async def write(self, data: bytes) -> None:
        """See `BytePort.write`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise PortGone(f"connection lost: {error}") from error

    async def close(self) -> None:
        """See `BytePort.close`."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
