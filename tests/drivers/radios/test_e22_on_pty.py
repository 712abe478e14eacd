"""Two modems on ptys, in real time, as a terminal and a gateway have them."""

import asyncio
from pathlib import Path

from drivers.errors import PortGone
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.radios.e22 import E22Radio
from drivers.radios.e22_pins import ModePins
from drivers.radios.e22_port import open_e22
from drivers.radios.e22_settings import ModemSettings
from sim.devices.e22 import SimE22
from sim.devices.line import PacedLine
from sim.expose import ExposedPty
from tests.radio_rigs import Ether, MemoryPins

BAUD = 9600
SITE = ModemSettings(frequency_hz=471_125_000, air_bps=62500, listens_first=False)
LIMIT_S = 20.0


async def listen(radio: E22Radio, heard: "asyncio.Queue[Heard]") -> None:
    async for each in radio.heard():
        heard.put_nowait(each)


def test_frames_cross_both_ways_and_an_unplugged_modem_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        ether = Ether(airtime_s=lambda size: size * 0.0002)
        async with (
            asyncio.timeout(LIMIT_S),
            ExposedPty(tmp_path / "left", BAUD) as left_pty,
            ExposedPty(tmp_path / "right", BAUD) as right_pty,
        ):
            radios: list[E22Radio] = []
            ports: list[BytePort] = []
            tasks: list[asyncio.Task[None]] = []
            queues: list[asyncio.Queue[Heard]] = []
            for name, pty in (("left", left_pty), ("right", right_pty)):
                modem = SimE22(PacedLine(pty, BAUD), ether.side(name))
                ether.modems[name] = modem
                pins: ModePins = MemoryPins(modem)
                ports.append(await open_e22(f"serial://{tmp_path / name}"))
                radios.append(E22Radio(ports[-1], settings=SITE, pins=pins))
                queues.append(asyncio.Queue())
                tasks.append(asyncio.create_task(modem.run()))
                tasks.append(asyncio.create_task(listen(radios[-1], queues[-1])))
            left, right = radios
            for sender, queue in ((left, queues[1]), (right, queues[0])):
                await sender.send(bytes(range(200)))
                assert (await queue.get()).frame == bytes(range(200))
            await left_pty.unplug()
            listening = tasks[1]
            await asyncio.wait([listening])
            assert isinstance(listening.exception(), PortGone)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for port in ports:
                await port.close()

    asyncio.run(main())
