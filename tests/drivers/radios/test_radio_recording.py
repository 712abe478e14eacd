"""A recording of a modem plays as the traffic did; what is in it, the page on masks says."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.errors import PortGone
from drivers.masks.base import MASKS
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.recording import Recorder, Recording, RecordingPort, read_recording
from drivers.registry import RADIOS
from sim.clock import Run
from sim.memory import MemoryCable
from sim.recording import RecordedDevice
from tests.radio_rigs import FAMILIES, Ether, Family, MemoryPins, in_use, make_rig

FRAMES = [b"one", bytes(range(40)), b"\xc0 three"]


async def listen(family: Family, port: BytePort, pins: MemoryPins, heard: list[Heard]) -> None:
    radio = family.make(port, settings=family.settings, pins=pins)
    with suppress(PortGone):
        async for each in radio.heard():
            heard.append(each)  # noqa: PERF401  # what came before the port went must stay


async def record(family: Family, kind: str, path: Path) -> list[Heard]:
    ether, heard = Ether(), list[Heard]()
    sender, other = (make_rig(family, ether, name) for name in ("sender", "other"))
    async with in_use(sender):
        with Recorder(path, kind, asyncio.get_running_loop().time) as recorder:
            modem = asyncio.create_task(other.modem.run())
            port = RecordingPort(other.cable.host, recorder)
            pins = MemoryPins(other.modem)
            listening = asyncio.create_task(listen(family, port, pins, heard))
            await asyncio.sleep(5)
            for frame in FRAMES:
                await sender.radio.send(frame)
            await asyncio.sleep(2)
            modem.cancel()
            other.cable.unplug()
            await listening
    return heard


async def play(family: Family, recording: Recording) -> list[Heard]:
    cable, heard = MemoryCable(), list[Heard]()
    idle = make_rig(family, Ether(), "not on this cable")
    listening = asyncio.create_task(listen(family, cable.host, MemoryPins(idle.modem), heard))
    running = asyncio.create_task(idle.modem.run())
    await RecordedDevice(cable.device, recording).run()
    await asyncio.sleep(2)
    cable.unplug()
    await listening
    running.cancel()
    return heard


@pytest.mark.parametrize("kind", ["e22", "e220", "e32"])
def test_a_recording_plays_as_the_traffic_did(run: Run, tmp_path: Path, kind: str) -> None:
    family, path = FAMILIES[kind], tmp_path / "recording"
    live = run(record(family, kind, path))
    assert [each.frame for each in live] == FRAMES
    played = run(play(family, read_recording(path)))
    assert [(each.frame, each.rssi_dbm) for each in played] == [
        (each.frame, each.rssi_dbm) for each in live
    ]


def test_every_radio_can_be_recorded() -> None:
    assert set(RADIOS) <= set(MASKS)
