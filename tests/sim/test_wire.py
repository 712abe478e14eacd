import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sim.wire import LOOPBACK, LinkProxy

SOON_S = 5.0  # a reply that should come, comes long before
SILENCE_S = 0.05  # long for loopback


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the proxy cuts on purpose
    finally:
        writer.close()


@asynccontextmanager
async def echo_link() -> AsyncIterator[LinkProxy]:
    server = await asyncio.start_server(echo, LOOPBACK, 0)
    async with server, LinkProxy(server.sockets[0].getsockname()[1]) as link:
        yield link


class Client:
    """One connection through the link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, link: LinkProxy) -> "Client":
        return cls(*await asyncio.open_connection(LOOPBACK, link.port))

    async def ask(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await self.hear(len(data))

    async def hear(self, size: int, timeout_s: float = SOON_S) -> bytes:
        async with asyncio.timeout(timeout_s):
            return await self.reader.readexactly(size)

    async def end(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return  # it was cut


def test_carries_both_directions_whole() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            client = await Client.connect(link)
            data = bytes(range(256)) * 1000
            assert await client.ask(data) == data
            await client.end()

    asyncio.run(scenario())


def test_end_of_one_direction_is_carried_and_nothing_lost_before_it() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            client = await Client.connect(link)
            client.writer.write(b"x" * 300_000)
            client.writer.write_eof()
            async with asyncio.timeout(SOON_S):
                assert len(await client.reader.read()) == 300_000
            await client.end()

    asyncio.run(scenario())


def test_cut_resets_connections_and_refuses_new_ones_until_restored() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            port = link.port
            client = await Client.connect(link)
            assert await client.ask(b"before") == b"before"
            await link.cut()
            with pytest.raises(ConnectionError):
                await client.hear(1)
            with pytest.raises(ConnectionRefusedError):
                await Client.connect(link)
            await client.end()
            await link.restore()
            assert link.port == port
            client = await Client.connect(link)
            assert await client.ask(b"after") == b"after"
            await client.end()

    asyncio.run(scenario())


def test_swallowed_bytes_arrive_once_restored_and_the_connection_lives() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            client = await Client.connect(link)
            assert await client.ask(b"before") == b"before"
            link.swallow()
            client.writer.write(b"inside")
            with pytest.raises(TimeoutError):
                await client.hear(1, SILENCE_S)
            await link.restore()
            assert await client.hear(6) == b"inside"
            await client.end()

    asyncio.run(scenario())


def test_cut_loses_what_was_swallowed() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            client = await Client.connect(link)
            assert await client.ask(b"before") == b"before"
            link.swallow()
            client.writer.write(b"inside")
            await asyncio.sleep(SILENCE_S)
            await link.cut()
            with pytest.raises(ConnectionError):
                await client.hear(1)
            await client.end()

    asyncio.run(scenario())


def test_delay_counts_for_each_way_and_keeps_the_order() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            client = await Client.connect(link)
            link.slow(delay_s=0.05)
            begun_s = asyncio.get_running_loop().time()
            client.writer.write(b"first ")
            assert await client.ask(b"second") == b"first "
            assert asyncio.get_running_loop().time() - begun_s >= 0.1
            assert await client.hear(6) == b"second"
            await client.end()

    asyncio.run(scenario())


def test_bandwidth_bounds_the_time_of_a_transfer() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            client = await Client.connect(link)
            link.slow(bytes_per_s=100_000)
            begun_s = asyncio.get_running_loop().time()
            assert len(await client.ask(bytes(20_000))) == 20_000
            assert asyncio.get_running_loop().time() - begun_s >= 0.2
            await client.end()

    asyncio.run(scenario())


def test_no_broker_resets_the_terminal() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            await link.cut()
            async with LinkProxy(link.port) as nowhere:
                client = await Client.connect(nowhere)
                with pytest.raises(ConnectionError):
                    await client.hear(1)
                await client.end()

    asyncio.run(scenario())


def test_leaves_no_task_behind() -> None:
    async def scenario() -> None:
        async with echo_link() as link:
            clients = [await Client.connect(link) for _ in range(3)]
            for client in clients:
                await client.ask(b"x")
        for client in clients:
            await client.end()
        await asyncio.sleep(0)
        mine = asyncio.current_task()
        left = {task for task in asyncio.all_tasks() if task is not mine}
        assert not {task for task in left if "LinkProxy" in repr(task.get_coro())}

    asyncio.run(scenario())
