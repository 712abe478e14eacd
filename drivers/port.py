"""The seam below every driver: a byte pipe, opened by URL.

    serial:///dev/ttyUSB0?baud=115200     a serial line or pty, 8N1
    tcp://127.0.0.1:4001                  a serial server, or a simulator on another machine

Everything above this file is the same in the field, in `sim` and in tests. Pitfalls: hw/serial.md.
"""

import asyncio
import contextlib
import errno
import os
import termios
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

import serial

from drivers.errors import DriverConfigError, PortBusy, PortGone, PortNotSetUp

READ_SIZE_BYTES = 4096  # one pty or driver buffer; the longest ID reader frame is 2407
WRITE_TIMEOUT_S = 2.0  # a modem with stuck CTS would block for ever (hw/serial.md 3)
CONNECT_TIMEOUT_S = 5.0  # the kernel's own limit is minutes
DEFAULT_BAUD = 115200
# What waits for a caller who does not read. A device that pours is held back by the kernel, which
# then drops: the longest frame of any device here is 2407 bytes.
RECEIVED_LIMIT_BYTES = 16 * READ_SIZE_BYTES

# What a vanishing device raises depends on the call that meets it (hw/serial.md 2).
_GONE = (serial.SerialException, OSError, termios.error)
_HELD = frozenset({errno.EAGAIN, errno.EBUSY})  # the lock of pyserial's `exclusive`, or a driver's
_DENIED = frozenset({errno.EACCES, errno.EPERM})


class Closable(Protocol):
    """Whatever an open device is reached through."""

    async def close(self) -> None:
        """Free it; allowed twice."""


class BytePort(Closable, Protocol):
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

    Raises `PortGone` while the device is not there, `PortBusy` or `PortNotSetUp` while it is and
    cannot be had, `DriverConfigError` for a URL no port has.
    """
    parts = urlsplit(url)
    if parts.scheme == "serial" and parts.path and not parts.netloc:
        return SerialPort(parts.path, _baud(url, parts))
    if parts.scheme == "tcp":
        return await open_tcp(url)
    raise DriverConfigError(f"port {url!r}: expected serial:///dev/... or tcp://host:port")


async def open_tcp(url: str) -> BytePort:
    """Open the port of a program that is reached over TCP only. Raises as `open_port`."""
    parts = urlsplit(url)
    if parts.scheme != "tcp" or not parts.hostname or parts.path:
        raise DriverConfigError(f"port {url!r}: expected tcp://host:port")
    return await TcpPort.connect(parts.hostname, _tcp_port(url, parts))


def _baud(url: str, parts: SplitResult) -> int:
    options = parse_qs(parts.query, keep_blank_values=True)
    (text, *repeated) = options.pop("baud", [str(DEFAULT_BAUD)])
    if options or repeated or not (text.isascii() and text.isdigit() and int(text) > 0):
        raise DriverConfigError(f"port {url!r}: only ?baud=NUMBER may follow a serial path")
    return int(text)


def _tcp_port(url: str, parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise DriverConfigError(f"port {url!r}: {error}") from error
    if not port:
        raise DriverConfigError(f"port {url!r}: the TCP port number is missing")
    return port


class SerialPort:
    """A serial line or pty, read and written from the event loop, opened exclusively."""

    def __init__(self, path: str, baud: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._path = path
        self._received = bytearray()
        self._wake = asyncio.Event()
        self._gone: str | None = None
        self._is_held_back = False
        self._line = _open_line(path, baud)
        self._fd = self._line.fileno()
        self._loop.add_reader(self._fd, self._on_readable)

    async def read(self) -> bytes:
        """See `BytePort.read`."""
        while not self._received:
            if self._gone is not None:
                raise PortGone(self._gone)
            self._wake.clear()
            await self._wake.wait()
        data = bytes(self._received)
        self._received.clear()
        if self._is_held_back and self._gone is None:
            self._is_held_back = False
            self._loop.add_reader(self._fd, self._on_readable)
        return data

    async def write(self, data: bytes) -> None:
        """See `BytePort.write`."""
        rest = memoryview(data)
        while rest:
            if self._gone is not None:
                raise PortGone(self._gone)
            try:
                # pyserial's write blocks, or spins without a pause when told not to.
                sent = os.write(self._fd, rest)
            except BlockingIOError:
                await self._until_writable()
                continue
            except OSError as error:
                self._give_up(f"{self._path} is gone: {error}")
                continue
            rest = rest[sent:]

    async def close(self) -> None:
        """See `BytePort.close`."""
        self._give_up(f"{self._path} is closed")
        with contextlib.suppress(*_GONE):
            self._line.close()

    async def _until_writable(self) -> None:
        writable = asyncio.Event()
        self._loop.add_writer(self._fd, writable.set)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await writable.wait()
        except TimeoutError as error:
            self._give_up(f"{self._path} takes no bytes")
            raise PortGone(f"{self._path} takes no bytes") from error
        finally:
            self._loop.remove_writer(self._fd)

    def _on_readable(self) -> None:
        try:
            data = self._line.read(READ_SIZE_BYTES)
        except _GONE as error:
            self._give_up(f"{self._path} is gone: {error}")
            return
        self._received += data
        self._wake.set()
        if len(self._received) >= RECEIVED_LIMIT_BYTES:
            self._is_held_back = True
            self._loop.remove_reader(self._fd)

    def _give_up(self, reason: str) -> None:
        if self._gone is None:
            self._gone = reason
            self._loop.remove_reader(self._fd)
            self._wake.set()


def _open_line(path: str, baud: int) -> serial.Serial:
    line = serial.Serial()
    line.port, line.baudrate = path, baud
    line.timeout = 0
    line.exclusive = True
    line.dtr = line.rts = False  # opening must not reset a modem (hw/serial.md 4)
    try:
        line.open()
    except _GONE as error:
        raise _why_not_open(path, error) from error
    except (ValueError, OverflowError) as error:
        raise DriverConfigError(f"{path} cannot run at {baud} baud: {error}") from error
    return line


def _why_not_open(path: str, error: Exception) -> PortGone:
    number = getattr(error, "errno", None)  # termios.error has none
    said = os.strerror(number) if number is not None else str(error)
    if number in _HELD:
        return PortBusy(f"another program holds {path}")
    if number in _DENIED:
        return PortNotSetUp(f"no permission for {path}: put this user into the group that owns it")
    return PortGone(f"cannot open {path}: {said}")


class TcpPort:
    """A byte pipe over TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, host: str, port: int) -> "TcpPort":
        """Connect, or raise `PortGone`."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(host, port)
        except OSError as error:  # TimeoutError is one
            raise PortGone(f"cannot reach {host}:{port}: {error}") from error
        return cls(reader, writer)

    async def read(self) -> bytes:
        """See `BytePort.read`."""
        try:
            data = await self._reader.read(READ_SIZE_BYTES)
        except OSError as error:
            raise PortGone(f"connection lost: {error}") from error
        if not data:
            raise PortGone("connection closed")
        return data

    async def write(self, data: bytes) -> None:
        """See `BytePort.write`."""
        if self._writer.is_closing():
            raise PortGone("connection closed")
        self._writer.write(data)
        try:
            await self._writer.drain()
        except OSError as error:
            raise PortGone(f"connection lost: {error}") from error

    async def close(self) -> None:
        """See `BytePort.close`."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
