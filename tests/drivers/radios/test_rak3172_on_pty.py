"""Two modems on ptys, in real time, as a terminal and a gateway have them."""

import asyncio
from pathlib import Path

from drivers.errors import PortGone
from drivers.port import open_port
from drivers.radios.base import Heard
from drivers.radios.rak3172 import Rak3172Radio
from drivers.radios.rak3172_settings import RakSettings
from sim.air.antenna import OnSignal
from sim.devices.line import PacedLine
from sim.devices.rak3172 import SimRak3172
from sim.expose import ExposedPty
from tests.radio_rigs import Ether
from tests.rak_rigs import BAUD, EtherAntenna

SITE = RakSettings(frequency_hz=471_100_000, spreading_factor=5, bandwidth_hz=500_000)
LIMIT_S = 20.0


async def end_of(
    ether: Ether, pty: ExposedPty, path: Path, ready: "asyncio.Queue[Rak3172Radio]"
) -> list[Heard]:
    """What the modem at `path` heard until it was unplugged."""

    async def attach(on_signal: OnSignal) -> EtherAntenna:
        antenna = EtherAntenna(ether, path.name, on_signal)
        ether.modems[path.name] = antenna
        return antenna

    modem = asyncio.create_task(SimRak3172(PacedLine(pty, BAUD), attach).run())
    port = await open_port(f"serial://{path}")
    radio = Rak3172Radio(port, settings=SITE, on_ready=lambda _: ready.put_nowait(radio))
    heard = []
    try:
        async for each in radio.heard():
            heard.append(each)  # noqa: PERF401  # what came before the end counts
    except PortGone:
        return heard
    finally:
        modem.cancel()
        await port.close()
    raise AssertionError("a radio ends with an error")


def test_frames_cross_both_ways_and_an_unplugged_modem_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        ether = Ether(airtime_s=lambda size: size * 0.0002)
        frames = [bytes(range(239)), b"short"]
        async with asyncio.timeout(LIMIT_S):
            left, right = (ExposedPty(tmp_path / name, BAUD) for name in ("left", "right"))
            async with left, right:
                ready: asyncio.Queue[Rak3172Radio] = asyncio.Queue()
                ends = [
                    asyncio.create_task(end_of(ether, pty, tmp_path / name, ready))
                    for name, pty in (("left", left), ("right", right))
                ]
                for sender in [await ready.get(), await ready.get()]:
                    for frame in frames:
                        await sender.send(frame)
                await asyncio.sleep(0.2)  # for the last line to come out of the modem
                await left.unplug()
                await right.unplug()
                for end in ends:
                    assert [each.frame for each in await end] == frames

    asyncio.run(main())
