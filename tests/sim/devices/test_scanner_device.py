"""Simulated scanner, keyboard and MRZ reader: what they put on the line."""

import asyncio
import struct

import pytest

from sim.clock import Run
from sim.devices.keyboard import KeyboardLine
from sim.devices.mrz import SimMrz
from sim.devices.scanner import SimScanner
from sim.devices.travel import TravelDocument
from sim.memory import MemoryCable

PASSPORT = TravelDocument(
    number="L898902C3", surname="ERIKSSON", given="ANNA MARIA", until="120415", optional="ZE184226B"
)
ZONE = (
    b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\rL898902C36UTO7408122F1204159ZE184226B<<<<<10\r"
)


async def sent_while(cable: MemoryCable, device: SimScanner | SimMrz, wait_s: float) -> bytes:
    module = asyncio.create_task(device.run())
    await asyncio.sleep(wait_s)
    cable.unplug()
    module.cancel()
    return await cable.host.read()


@pytest.mark.parametrize(("reread_s", "times"), [(None, 1), (0.75, 4)])
def test_a_scanner_reads_once_or_again_and_again(
    run: Run, reread_s: float | None, times: int
) -> None:
    async def main() -> bytes:
        cable = MemoryCable()
        scanner = SimScanner(cable.device, reread_s=reread_s)
        scanner.present("A1")
        return await sent_while(cable, scanner, 3 * 0.75 + 0.1)

    assert run(main()) == b"A1\r" * times


def test_a_zone_goes_out_as_in_the_specimen(run: Run) -> None:
    async def main() -> bytes:
        cable = MemoryCable()
        reader = SimMrz(cable.device)
        reader.present(PASSPORT)
        return await sent_while(cable, reader, 0.1)

    assert run(main()) == ZONE


def test_a_smudge_is_one_character_and_a_misreading_many(run: Run) -> None:
    async def main(*, smudge: bool) -> bytes:
        cable = MemoryCable()
        reader = SimMrz(cable.device, seed=3)
        (reader.smudge if smudge else reader.misread)()
        reader.present(PASSPORT)
        return await sent_while(cable, reader, 0.1)

    assert run(main(smudge=True)).count(b"*") == 1
    assert len(run(main(smudge=True))) == len(ZONE)
    assert b"ER1K55ON"[:4] in run(main(smudge=False))


def test_a_key_is_pressed_and_let_go_with_a_report_each(run: Run) -> None:
    async def main() -> bytes:
        cable = MemoryCable()
        await KeyboardLine(cable.device).write(b"A\r")
        return await cable.host.read()

    events = [event[2:] for event in struct.iter_unpack("<qqHHi", run(main()))]
    assert events[1::2] == [(0, 0, 0)] * 6
    assert events[::2] == [
        (1, 42, 1),
        (1, 30, 1),
        (1, 30, 0),
        (1, 42, 0),
        (1, 28, 1),
        (1, 28, 0),
    ]
