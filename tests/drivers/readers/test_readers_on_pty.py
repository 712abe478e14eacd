"""Readers that talk by themselves on real ptys: unplugged, plugged in again, and read on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.port import Closable
from drivers.readers.base import CardReader
from drivers.registry import READERS, load
from drivers.supervisor import DeviceState, Ready, keep_open
from runtime.backoff import Backoff
from sim.devices.keyboard import KeyboardLine
from sim.devices.line import DeviceLine
from sim.devices.mrz import SimMrz
from sim.devices.scanner import SimScanner
from sim.devices.travel import TravelDocument
from sim.expose import ExposedPty
from tests.reader_kind import SimReader, told

CODES = ["MT1:ABC", "MT1:DEF", "MT1:GHI"]
DOCUMENTS = [TravelDocument(number=f"L8989{n}", surname="ERIKSSON") for n in range(3)]
LIMIT_S = 30


@dataclass(frozen=True)
class Fitted:
    device: Callable[[DeviceLine], SimReader]
    things: list[Any]
    read_as: list[str]


FITTED = {
    "scanner": Fitted(SimScanner, CODES, CODES),
    "wedge": Fitted(lambda line: SimScanner(KeyboardLine(line)), CODES, CODES),
    "mrz": Fitted(SimMrz, DOCUMENTS, [each.number for each in DOCUMENTS]),
    "mrz_wedge": Fitted(
        lambda line: SimMrz(KeyboardLine(line)), DOCUMENTS, [each.number for each in DOCUMENTS]
    ),
}


@pytest.mark.parametrize("kind", FITTED)
def test_a_replugged_reader_reads_on_without_a_restart(tmp_path: Path, kind: str) -> None:
    fitted, driver = FITTED[kind], READERS[kind]

    async def main() -> tuple[list[str | None], set[DeviceState]]:
        gone = asyncio.Event()
        opened = asyncio.Event()
        seen: set[DeviceState] = set()
        names: asyncio.Queue[str | None] = asyncio.Queue()
        open_at = load(driver.open)

        async def open_and_say(url: str) -> Closable:
            port: Closable = await open_at(url)
            opened.set()
            return port

        async def drive(port: Closable, ready: Ready) -> None:
            reader: CardReader = load(driver.make)(port, on_ready=ready)
            async for event in reader.events():
                names.put_nowait(told(event))

        def note(state: DeviceState, _: str) -> None:
            seen.add(state)
            if state is DeviceState.MISSING:
                gone.set()

        read: list[str | None] = []
        exposed = ExposedPty(tmp_path / "reader")
        sim = fitted.device(exposed)
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            module = tasks.create_task(sim.run())
            keeping = tasks.create_task(
                keep_open(
                    exposed.url,
                    drive,
                    open_at=open_and_say,
                    on_state=note,
                    backoff=Backoff(0.01, 0.05, Random(0)),
                )
            )
            for thing in fitted.things:
                opened.clear()
                await exposed.plug()
                await opened.wait()
                sim.present(thing)
                read.append(await names.get())
                gone.clear()
                await exposed.unplug()
                sim.remove()
            keeping.cancel()
            module.cancel()
        return read, seen

    read, seen = asyncio.run(main())
    assert read == fitted.read_as
    assert DeviceState.MISSING in seen
