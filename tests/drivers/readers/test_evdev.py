"""The opener of event devices: real files and a real event loop, the kernel's answers stood in for.

What is not run here, for want of a kernel with uinput and of a scanner: EVIOCGRAB itself.
"""

import asyncio
import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.errors import DriverConfigError, OtherDevice, PortBusy, PortGone, PortNotSetUp
from drivers.port import TcpPort
from drivers.readers.base import CodeRead
from drivers.readers.evdev import (
    EVIOCGBIT_KEY,
    EVIOCGID,
    EVIOCGRAB,
    EvdevPort,
    open_events,
)
from drivers.readers.wedge import WedgeReader
from sim.devices.keyboard import KeyboardLine
from sim.devices.scanner import SimScanner
from sim.expose import ExposedPty, ExposedTcp

SCANNER_ID = struct.pack("<HHHH", 3, 0x0C2E, 0x0B61, 0x0111)
DIGITS_AND_ENTER = (*range(2, 12), 28)


def key_bits(*keys: int) -> bytes:
    bits = bytearray(96)
    for key in keys:
        bits[key // 8] |= 1 << key % 8
    return bytes(bits)


class Kernel:
    """Answers `ioctl` as linux/input.h has it, for one device."""

    def __init__(self, *, keys: bytes = key_bits(*DIGITS_AND_ENTER), fails_with: int = 0) -> None:
        self._answers = {EVIOCGID: SCANNER_ID, EVIOCGBIT_KEY: keys}
        self._fails_with = fails_with
        self.is_grabbed = False

    def ioctl(self, _fd: int, request: int, argument: bytes | int) -> bytes | int:
        if request == EVIOCGRAB:
            if self._fails_with:
                raise OSError(self._fails_with, os.strerror(self._fails_with))
            self.is_grabbed = argument == 1
            return 0
        answer = self._answers[request]
        assert argument == bytes(len(answer))
        return answer


@contextmanager
def event_device(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A node that is there, and the end where its events come in."""
    path = tmp_path / "scanner-event-kbd"
    os.mkfifo(path)
    keeps_it_open = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield path, keeps_it_open
    finally:
        os.close(keeps_it_open)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_requests_are_those_of_the_kernel_header() -> None:
    def ioc(direction: int, number: int, size: int) -> int:
        return direction << 30 | size << 16 | ord("E") << 8 | number

    assert ioc(2, 0x02, 8) == EVIOCGID
    assert ioc(2, 0x20 + 1, 96) == EVIOCGBIT_KEY
    assert ioc(1, 0x90, 4) == EVIOCGRAB


def test_it_is_grabbed_and_read(tmp_path: Path) -> None:
    async def main() -> None:
        kernel = Kernel()
        with event_device(tmp_path) as (path, device):
            port = EvdevPort(str(path), "0c2e:0b61", kernel.ioctl)
            assert kernel.is_grabbed
            os.write(device, b"events")
            assert await port.read() == b"events"
            await port.close()
            await port.close()
            with pytest.raises(PortGone):
                await port.read()

    asyncio.run(main())


def test_an_unplugged_one_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with ExposedPty(tmp_path / "events") as exposed:
            port = EvdevPort(str(tmp_path / "events"), None, Kernel().ioctl)
            await exposed.unplug()
            with pytest.raises(PortGone, match="is gone"):
                await port.read()
            await port.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("kernel", "wanted_id", "error"),
    [
        (Kernel(), "0c2e:0b62", OtherDevice),
        (Kernel(keys=key_bits(28, 114, 115)), None, OtherDevice),  # a volume knob
        (Kernel(fails_with=errno.EBUSY), None, PortBusy),
    ],
)
def test_what_is_not_ours_is_not_taken(
    tmp_path: Path, kernel: Kernel, wanted_id: str | None, error: type[Exception]
) -> None:
    async def main() -> None:
        with event_device(tmp_path) as (path, _):
            files = open_files()
            with pytest.raises(error):
                EvdevPort(str(path), wanted_id, kernel.ioctl)
            assert open_files() == files

    asyncio.run(main())


def test_a_serial_port_is_no_input_device(tmp_path: Path) -> None:
    """The one answer of the real kernel that needs no scanner."""

    async def main() -> None:
        async with ExposedPty(tmp_path / "tty"):
            with pytest.raises(OtherDevice, match="no input device"):
                await open_events(f"evdev://{tmp_path}/tty")

    asyncio.run(main())


def test_one_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PortGone, match="No such file"):
        asyncio.run(open_events(f"evdev://{tmp_path}/none"))


def test_one_that_may_not_be_read_is_a_matter_of_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stood in for: nothing is forbidden to root, who may run these tests."""

    def forbidden(path: str, _flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(PortNotSetUp, match="group input"):
        asyncio.run(open_events("evdev:///dev/input/by-id/scanner-event-kbd"))


@pytest.mark.parametrize(
    "url",
    [
        "evdev:",
        "evdev://host/dev/input/by-id/x",
        "evdev:///dev/input/event3",
        "evdev:///dev/input/by-id/x?id=C2E:B61",
        "evdev:///dev/input/by-id/x?id=0c2e:0b61&id=0c2e:0b62",
        "evdev:///dev/input/by-id/x?grab=no",
        "usb:///0400:c35a",
    ],
)
def test_a_url_no_port_has(url: str) -> None:
    with pytest.raises(DriverConfigError):
        asyncio.run(open_events(url))


def test_any_other_port_may_carry_events() -> None:
    async def main() -> str:
        async with ExposedTcp() as exposed:
            scanner = SimScanner(KeyboardLine(exposed))
            module = asyncio.create_task(scanner.run())
            port = await open_events(exposed.url)
            assert isinstance(port, TcpPort)
            scanner.present("MT1:ABC")
            event = await anext(WedgeReader(port).events())
            await port.close()
            module.cancel()
        assert isinstance(event, CodeRead)
        return event.text

    assert asyncio.run(main()) == "MT1:ABC"
