"""Driver, supervisor, serial port and simulator together, on a real pty in real time."""

import asyncio
import time
from pathlib import Path
from random import Random

from drivers.port import BytePort, open_port
from drivers.readers.base import CardRead
from drivers.readers.sdt import SdtReader
from drivers.supervisor import DeviceState, Ready, keep_open
from runtime.backoff import Backoff
from sim.devices.card import Card
from sim.devices.idreader import SimIdReader
from sim.expose import ExposedPty

POLL_S = 0.005
CARDS = [
    Card(number=f"110105194912{day:02}{n:03}", name="甲") for day in (30, 31) for n in range(50)
]
NEEDED_PER_S = 50  # with an unpaced line; a queue of people is a hundred times slower


def test_fifty_different_cards_a_second(tmp_path: Path) -> None:
    async def main() -> float:
        async with ExposedPty(tmp_path / "reader") as exposed:
            sim = SimIdReader(exposed)
            module = asyncio.create_task(sim.run())
            port = await open_port(exposed.url)
            numbers = []
            sim.present(CARDS[0])
            started_s = time.monotonic()
            async for event in SdtReader(port, poll_s=POLL_S).events():
                assert isinstance(event, CardRead)
                numbers.append(event.number)
                if len(numbers) == len(CARDS):
                    break
                sim.present(CARDS[len(numbers)])
            took_s = time.monotonic() - started_s
            await port.close()
            module.cancel()
        assert numbers == [card.number for card in CARDS]
        return len(numbers) / took_s

    assert asyncio.run(main()) >= NEEDED_PER_S


def test_a_replugged_reader_reads_on_without_a_restart(tmp_path: Path) -> None:
    async def main() -> tuple[list[str], list[DeviceState]]:
        states: asyncio.Queue[DeviceState] = asyncio.Queue()
        seen: list[DeviceState] = []
        numbers: asyncio.Queue[str] = asyncio.Queue()

        async def drive(port: BytePort, ready: Ready) -> None:
            async for event in SdtReader(port, poll_s=POLL_S, on_ready=ready).events():
                assert isinstance(event, CardRead)
                numbers.put_nowait(event.number)

        read: list[str] = []
        exposed = ExposedPty(tmp_path / "reader")
        sim = SimIdReader(exposed)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            module = tasks.create_task(sim.run())
            keeping = tasks.create_task(
                keep_open(
                    exposed.url,
                    drive,
                    open_at=open_port,
                    on_state=lambda state, _: states.put_nowait(state),
                    backoff=Backoff(0.01, 0.05, Random(0)),
                )
            )
            seen.append(await states.get())  # not plugged in yet
            for card in CARDS[:3]:
                await exposed.plug()
                sim.present(card)
                read.append(await numbers.get())
                await exposed.unplug()
                seen += [await states.get(), await states.get()]
            keeping.cancel()
            module.cancel()
        return read, seen

    read, states = asyncio.run(main())
    assert read == [card.number for card in CARDS[:3]]
    assert states == [DeviceState.MISSING] + [DeviceState.READY, DeviceState.MISSING] * 3
