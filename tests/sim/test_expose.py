"""Simulated devices where a driver finds them: real ptys and sockets, real time."""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import PortGone
from drivers.port import BytePort, open_port
from sim import expose
from sim.expose import ExposedPty, ExposedTcp

EVERY_BYTE = bytes(range(256))


@pytest.fixture(params=["pty", "tcp"])
def exposed(request: pytest.FixtureRequest, tmp_path: Path) -> ExposedPty | ExposedTcp:
    return ExposedPty(tmp_path / "device") if request.param == "pty" else ExposedTcp()


async def read_exactly(port: BytePort | ExposedPty | ExposedTcp, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += await port.read()
    return data


async def exchange(exposed: ExposedPty | ExposedTcp, port: BytePort) -> None:
    await port.write(EVERY_BYTE)
    assert await read_exactly(exposed, 256) == EVERY_BYTE
    await exposed.write(EVERY_BYTE)
    assert await read_exactly(port, 256) == EVERY_BYTE


def test_every_byte_value_passes_both_ways(exposed: ExposedPty | ExposedTcp) -> None:
    async def main() -> None:
        async with exposed:
            port = await open_port(exposed.url)
            await exchange(exposed, port)
            await port.close()

    asyncio.run(main())


def test_drivers_come_and_go(exposed: ExposedPty | ExposedTcp) -> None:
    async def main() -> None:
        async with exposed:
            for _ in range(3):
                port = await open_port(exposed.url)
                await exchange(exposed, port)
                await port.close()

    asyncio.run(main())


def test_unplugged_is_gone_and_replugged_is_back(exposed: ExposedPty | ExposedTcp) -> None:
    async def main() -> None:
        async with exposed:
            for _ in range(3):
                port = await open_port(exposed.url)
                await exchange(exposed, port)
                await exposed.unplug()
                await exposed.unplug()
                with pytest.raises(PortGone):
                    await port.read()
                await port.close()
                with pytest.raises(PortGone):
                    await open_port(exposed.url)
                await exposed.write(b"nobody hears this")
                await exposed.plug()
                await exposed.plug()

    asyncio.run(main())


@pytest.mark.parametrize("host_baud", [9600, 115200])
def test_only_a_host_at_its_rate_understands_a_uart(tmp_path: Path, host_baud: int) -> None:
    async def main() -> None:
        async with ExposedPty(tmp_path / "device", 9600) as exposed:
            port = await open_port(f"{exposed.url}?baud={host_baud}")
            await exposed.write(EVERY_BYTE)
            heard = await read_exactly(port, 200)
            await port.write(EVERY_BYTE)
            understood = await exposed.read()
            await port.close()
        assert (heard == EVERY_BYTE) == (understood == EVERY_BYTE) == (host_baud == 9600)

    asyncio.run(main())


def test_a_uart_can_change_its_rate(tmp_path: Path) -> None:
    async def main() -> None:
        async with ExposedPty(tmp_path / "device", 9600) as exposed:
            exposed.baud = 230400
            port = await open_port(f"{exposed.url}?baud=230400")
            await exchange(exposed, port)
            await port.close()

    asyncio.run(main())


def test_bytes_nobody_takes_are_lost_and_do_not_stop_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expose, "TAKE_TIMEOUT_S", 0.01)

    async def main() -> None:
        async with ExposedPty(tmp_path / "device") as exposed:
            for _ in range(5):
                await exposed.write(bytes(100_000))
            port = await open_port(exposed.url)
            reading = asyncio.create_task(read_exactly(port, 256))
            await exposed.write(EVERY_BYTE)
            assert len(await reading) >= 256
            await port.close()

    asyncio.run(main())


def test_unplugging_ends_a_write_that_waits(tmp_path: Path) -> None:
    async def main() -> None:
        async with ExposedPty(tmp_path / "device") as exposed:
            writing = asyncio.create_task(exposed.write(bytes(1_000_000)))
            await asyncio.sleep(0)
            await exposed.unplug()
            await exposed.plug()
            async with asyncio.timeout(0.5):
                await writing

    asyncio.run(main())


def test_the_name_is_gone_afterwards_and_a_stale_one_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "device"
    link.symlink_to("/dev/pts/no-such")

    async def main() -> None:
        async with ExposedPty(link):
            assert link.resolve().is_char_device()
        assert not link.is_symlink()

    asyncio.run(main())


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "device"
    link.write_text("precious")

    async def main() -> None:
        with pytest.raises(FileExistsError):
            await ExposedPty(link).plug()

    asyncio.run(main())
    assert link.read_text() == "precious"


def test_the_latest_host_has_the_line() -> None:
    async def main() -> None:
        async with ExposedTcp() as exposed:
            first = await open_port(exposed.url)
            await exchange(exposed, first)
            second = await open_port(exposed.url)
            await exchange(exposed, second)
            with pytest.raises(PortGone):
                await first.read()
            await first.close()
            await second.close()

    asyncio.run(main())
