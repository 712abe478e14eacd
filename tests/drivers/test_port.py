"""The byte ports on a real pty and a real socket: real time, but nothing to wait for."""

import asyncio
import errno
import os
import select
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from drivers import port as port_module
from drivers.errors import DriverConfigError, PortBusy, PortGone, PortNotSetUp
from drivers.port import READ_SIZE_BYTES, RECEIVED_LIMIT_BYTES, BytePort, open_port


class Pty:
    """A pty with a name; the test holds the device's end."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.device = -1

    @property
    def url(self) -> str:
        return f"serial://{self.link}"

    def plug(self) -> None:
        self.device, self._host = os.openpty()
        tty.setraw(self._host)
        self.link.symlink_to(os.ttyname(self._host))

    def unplug(self) -> None:
        if self.device >= 0:
            os.close(self.device)
            os.close(self._host)
            self.link.unlink()
            self.device = -1


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[Pty]:
    pty = Pty(tmp_path / "device")
    pty.plug()
    yield pty
    pty.unplug()


async def read_exactly(port: BytePort, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += await port.read()
    return data


EVERY_BYTE = bytes(range(256))


def test_every_byte_value_passes_both_ways(pty: Pty) -> None:
    async def main() -> None:
        port = await open_port(pty.url)
        os.write(pty.device, EVERY_BYTE)
        assert await read_exactly(port, 256) == EVERY_BYTE
        await port.write(EVERY_BYTE)
        assert os.read(pty.device, 1000) == EVERY_BYTE
        await port.close()

    asyncio.run(main())


def test_a_cancelled_read_loses_nothing(pty: Pty) -> None:
    async def main() -> bytes:
        port = await open_port(pty.url)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(port.read(), 0.001)
        os.write(pty.device, b"later")
        data = await read_exactly(port, 5)
        await port.close()
        return data

    assert asyncio.run(main()) == b"later"


def test_a_long_write_waits_for_a_slow_device_and_keeps_the_order(pty: Pty) -> None:
    sent = os.urandom(200_000)

    async def main() -> bytes:
        port = await open_port(pty.url)
        writing = asyncio.create_task(port.write(sent))
        received = b""
        while len(received) < len(sent):
            await asyncio.sleep(0)
            os.set_blocking(pty.device, False)
            try:
                received += os.read(pty.device, 4096)
            except BlockingIOError:
                continue
        await writing
        await port.close()
        return received

    assert asyncio.run(main()) == sent


def test_a_device_that_takes_no_bytes_is_gone(pty: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_module, "WRITE_TIMEOUT_S", 0.01)

    async def main() -> None:
        port = await open_port(pty.url)
        with pytest.raises(PortGone, match="takes no bytes"):
            await port.write(bytes(1_000_000))
        with pytest.raises(PortGone):
            await port.read()
        await port.close()

    asyncio.run(main())


def test_unplugging_ends_a_pending_read_and_every_later_call(pty: Pty) -> None:
    async def main() -> None:
        port = await open_port(pty.url)
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        pty.unplug()
        with pytest.raises(PortGone):
            await reading
        with pytest.raises(PortGone):
            await port.write(b"x")
        await port.close()

    asyncio.run(main())


def test_unplugging_is_noticed_by_a_write_first(pty: Pty) -> None:
    async def main() -> None:
        port = await open_port(pty.url)
        pty.unplug()
        with pytest.raises(PortGone):
            await port.write(b"x")
        await port.close()

    asyncio.run(main())


def test_bytes_that_came_before_the_plug_was_pulled_are_still_read(pty: Pty) -> None:
    async def main() -> bytes:
        port = await open_port(pty.url)
        os.write(pty.device, b"last words")
        data = await port.read()
        pty.unplug()
        with pytest.raises(PortGone):
            await port.read()
        await port.close()
        return data

    assert asyncio.run(main()) == b"last words"


def test_a_replugged_device_is_found_at_its_path(pty: Pty) -> None:
    async def main() -> bytes:
        first = await open_port(pty.url)
        pty.unplug()
        with pytest.raises(PortGone):
            await open_port(pty.url)
        await first.close()
        pty.plug()
        second = await open_port(pty.url)
        os.write(pty.device, b"again")
        data = await read_exactly(second, 5)
        await second.close()
        return data

    assert asyncio.run(main()) == b"again"


def test_closing_twice_is_allowed_and_ends_a_pending_read(pty: Pty) -> None:
    async def main() -> None:
        port = await open_port(pty.url)
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        await port.close()
        await port.close()
        with pytest.raises(PortGone, match="closed"):
            await reading
        with pytest.raises(PortGone, match="closed"):
            await port.write(b"x")

    asyncio.run(main())


def test_a_port_is_held_by_one_and_free_after_closing(pty: Pty) -> None:
    async def main() -> None:
        first = await open_port(pty.url)
        with pytest.raises(PortBusy, match="another program holds"):
            await open_port(pty.url)
        await first.close()
        second = await open_port(pty.url)
        await second.close()

    asyncio.run(main())


def test_a_port_this_user_may_not_open_says_what_to_do(
    pty: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_line: serial.Serial) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial.Serial, "open", refuse)  # root may open everything
    with pytest.raises(PortNotSetUp, match="group"):
        asyncio.run(open_port(pty.url))


def test_a_device_that_pours_is_held_back_until_somebody_reads(pty: Pty) -> None:
    async def main() -> None:
        port = await open_port(pty.url)
        await asyncio.to_thread(fill, pty.device)
        kept = len(await port.read())
        assert RECEIVED_LIMIT_BYTES <= kept < RECEIVED_LIMIT_BYTES + READ_SIZE_BYTES
        os.set_blocking(pty.device, True)
        os.write(pty.device, b"end")  # there is room again
        while not (await port.read()).endswith(b"end"):
            pass
        await port.close()

    asyncio.run(main())


def fill(device: int) -> None:
    """Write until the host takes nothing any more, as far as a moment's patience tells."""
    while select.select([], [device], [], 0.2)[1]:
        os.write(device, bytes(READ_SIZE_BYTES // 4))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/dev/ttyUSB0",
        "serial:",
        "serial://ttyUSB0",
        "serial://host/dev/ttyUSB0",
        "serial:///dev/null?baud=fast",
        "serial:///dev/null?baud=0",
        "serial:///dev/null?baud=",
        "serial:///dev/null?baud=9600&baud=115200",
        "serial:///dev/null?parity=even",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:70000",
        "tcp://127.0.0.1:4001/path",
        "loop://",
    ],
)
def test_a_url_no_port_has_is_a_configuration_error(url: str) -> None:
    with pytest.raises(DriverConfigError):
        asyncio.run(open_port(url))


def test_a_rate_no_driver_runs_at_is_a_configuration_error(pty: Pty) -> None:
    with pytest.raises(DriverConfigError, match="baud"):
        asyncio.run(open_port(f"{pty.url}?baud=99999999999"))


def test_what_is_no_serial_line_is_gone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PortGone):
        asyncio.run(open_port(f"serial://{tmp_path / 'file'}"))


def test_tcp_carries_bytes_and_notices_the_other_end_hanging_up() -> None:
    async def echo_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(256))
        await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(echo_once, "127.0.0.1", 0)
        number = server.sockets[0].getsockname()[1]
        port = await open_port(f"tcp://127.0.0.1:{number}")
        await port.write(EVERY_BYTE)
        assert await read_exactly(port, 256) == EVERY_BYTE
        with pytest.raises(PortGone):
            await port.read()
        await port.close()
        await port.close()
        with pytest.raises(PortGone):
            await port.write(b"x")
        server.close()
        with pytest.raises(PortGone, match="cannot reach"):
            await open_port(f"tcp://127.0.0.1:{number}")

    asyncio.run(main())
