"""Opens a scanner that is a keyboard: the kernel's event device, for us alone (hw/wedge.md 4).

    evdev:///dev/input/by-id/usb-ACME_Scanner_123-event-kbd?id=0c2e:0b61

The path is the enrolment: one device, named by somebody, never "any keyboard". `id`, if given, is
the vendor and product it must have. The kernel is called directly: docs/decisions/0012.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import re
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from drivers.errors import (
    DriverConfigError,
    OtherDevice,
    PortBusy,
    PortGone,
    PortNotSetUp,
)
from drivers.port import BytePort, open_port
from drivers.readers.key_events import EVENT

READ_SIZE_BYTES = EVENT.size * 64  # as many as the kernel keeps for a reader that is busy

# linux/input.h: _IOC(direction, 'E', number, size), the same on every architecture we run on.
EVIOCGID = 0x80084502  # -> struct input_id
EVIOCGBIT_KEY = 0x80604521  # -> a bit for each key it has, 96 bytes
EVIOCGRAB = 0x40044590  # 1: its events come to this descriptor and nowhere else

_ID = struct.Struct("<HHHH")  # bus, vendor, product, version
_KEY_BYTES = 96
_TYPED = (*range(2, 12), 28)  # the ten digits and Enter: whatever types codes has them
_ID_OPTION = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII)
_NUMBERED = re.compile(r"/dev/input/event\d+", re.ASCII)

Ioctl = Callable[..., Any]
"""`fcntl.ioctl`; tests stand in here, for a test machine has no scanner."""


async def open_events(url: str) -> "BytePort | EvdevPort":
    """Open an `evdev:` URL, or any other port that carries raw input events.

    Raises `PortGone` while the device is not there, `PortBusy` or `PortNotSetUp` while it is and
    cannot be had, `OtherDevice` if something else is there, `DriverConfigError` for a URL no port
    has.
    """
    parts = urlsplit(url)
    if parts.scheme != "evdev":
        return await open_port(url)
    if not parts.path or parts.netloc:
        raise DriverConfigError(f"port {url!r}: expected evdev:///dev/input/by-id/...")
    if _NUMBERED.fullmatch(parts.path):
        raise DriverConfigError(
            f"port {url!r}: this number changes; name it under /dev/input/by-id or by-path"
        )
    return EvdevPort(parts.path, _wanted_id(url, parts))


def _wanted_id(url: str, parts: SplitResult) -> str | None:
    options = parse_qs(parts.query, keep_blank_values=True)
    ids = options.pop("id", [])
    if options or len(ids) > 1 or not all(map(_ID_OPTION.fullmatch, ids)):
        raise DriverConfigError(f"port {url!r}: only ?id=VVVV:PPPP may follow, in small letters")
    return ids[0] if ids else None


class EvdevPort:
    """An event device that is grabbed. Like a `drivers.port.BytePort`, but nothing is written."""

    def __init__(self, path: str, wanted_id: str | None, ioctl: Ioctl = fcntl.ioctl) -> None:
        self._path, self._ioctl = path, ioctl
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._wake = asyncio.Event()
        self._gone: str | None = None
        self._fd: int | None = _open(path)
        try:
            self._enrol(self._fd, wanted_id)
        except BaseException:
            os.close(self._fd)
            raise
        self._loop.add_reader(self._fd, self._on_readable, self._fd)

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

    async def close(self) -> None:
        """See `BytePort.close`; closing lets go of the grab."""
        self._give_up(f"{self._path} is closed")

    def _enrol(self, fd: int, wanted_id: str | None) -> None:
        """Make sure that it is the device that was named, and take it."""
        _bus, vendor, product, _version = _ID.unpack(self._ask(fd, EVIOCGID, _ID.size))
        found_id = f"{vendor:04x}:{product:04x}"
        if wanted_id not in {None, found_id}:
            raise OtherDevice(f"{self._path} is {found_id}, not {wanted_id}")
        keys = self._ask(fd, EVIOCGBIT_KEY, _KEY_BYTES)
        if not all(keys[key // 8] & 1 << key % 8 for key in _TYPED):
            raise OtherDevice(f"{self._path} has no keys to type codes with")
        try:
            self._ioctl(fd, EVIOCGRAB, 1)
        except OSError as error:
            raise PortBusy(f"another program holds {self._path}") from error

    def _ask(self, fd: int, request: int, size_bytes: int) -> bytes:
        try:
            return bytes(self._ioctl(fd, request, bytes(size_bytes)))
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise PortGone(f"{self._path} is gone") from error
            raise OtherDevice(f"{self._path} is no input device") from error

    def _on_readable(self, fd: int) -> None:
        try:
            data = os.read(fd, READ_SIZE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:  # ENODEV, 19: unplugged
            self._give_up(f"{self._path} is gone: {error.strerror}")
            return
        if not data:
            self._give_up(f"{self._path} is gone")
        self._received += data
        self._wake.set()

    def _give_up(self, reason: str) -> None:
        if self._fd is None:
            return
        fd, self._fd, self._gone = self._fd, None, reason
        self._loop.remove_reader(fd)
        with contextlib.suppress(OSError):
            os.close(fd)
        self._wake.set()


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        raise PortNotSetUp(
            f"no permission for {path}: put this user into the group input"
        ) from error
    except OSError as error:
        raise PortGone(f"cannot open {path}: {error.strerror}") from error
