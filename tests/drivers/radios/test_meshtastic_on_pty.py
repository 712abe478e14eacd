"""Two Meshtastic nodes on ptys, in real time, as a terminal and a gateway have them."""

import asyncio
from pathlib import Path

from drivers.errors import PortGone
from drivers.port import open_port
from drivers.radios.base import Heard
from drivers.radios.meshtastic import MeshtasticRadio
from sim.air.antenna import OnSignal
from sim.devices.line import PacedLine
from sim.devices.meshtastic import SimMeshtastic
from sim.expose import ExposedPty
from tests.mesh_rigs import BAUD, EU_NODE, EU_SITE
from tests.radio_rigs import Ether
from tests.rak_rigs import EtherAntenna

LIMIT_S = 20.0


async def end_of(
    ether: Ether, pty: ExposedPty, path: Path, ready: "asyncio.Queue[MeshtasticRadio]"
) -> list[Heard]:
    """What the node at `path` heard until it was unplugged."""

    async def attach(on_signal: OnSignal) -> EtherAntenna:
        antenna = EtherAntenna(ether, path.name, on_signal)
        ether.modems[path.name] = antenna
        return antenna

    node = SimMeshtastic(PacedLine(pty, BAUD), attach, node=len(path.name), settings=EU_NODE)
    modem = asyncio.create_task(node.run())
    port = await open_port(f"serial://{path}")
    radio = MeshtasticRadio(port, settings=EU_SITE, on_ready=lambda _: ready.put_nowait(radio))
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


def test_frames_cross_both_ways_and_an_unplugged_node_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        ether = Ether(airtime_s=lambda size: size * 0.0002)
        frames = [bytes(range(231)), b"short"]
        async with asyncio.timeout(LIMIT_S):
            left, right = (ExposedPty(tmp_path / name, BAUD) for name in ("left", "right"))
            async with left, right:
                ready: asyncio.Queue[MeshtasticRadio] = asyncio.Queue()
                ends = [
                    asyncio.create_task(end_of(ether, pty, tmp_path / name, ready))
                    for name, pty in (("left", left), ("right", right))
                ]
                for sender in [await ready.get(), await ready.get()]:
                    for frame in frames:
                        await sender.send(frame)
                await asyncio.sleep(0.2)  # for the last message to come out of the node
                await left.unplug()
                await right.unplug()
                for end in ends:
                    assert [each.frame for each in await end] == frames

    asyncio.run(main())
