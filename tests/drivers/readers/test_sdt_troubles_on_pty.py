"""A reader's troubles on a real pty, through the supervisor: each has its name, and each ends.

Real time, with time-outs cut to what a pty needs; their real values are tested in virtual time.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.port import BytePort
from drivers.readers import sdt_exchange, sdt_port
from drivers.readers.base import CardRead
from drivers.readers.sdt import SdtReader
from drivers.readers.sdt_frames import Command
from drivers.readers.sdt_port import open_sdt
from drivers.supervisor import DeviceState, Ready, keep_open
from runtime.backoff import Backoff
from sim.devices.card import Card
from sim.devices.idreader import ReadMoment, SimIdReader
from sim.devices.line import DeviceLine
from sim.expose import ExposedPty
from sim.faults import FaultyLine

CARD = Card(number="11010519491231002X", name="张三丰")
OTHER = Card(number="440308199901101512", name="李四")
SENTENCE = b"$GNRMC,,V,,,,,,,,,,N,V*37\r\n"
Device = Callable[[DeviceLine], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdt_exchange, "_ANSWER_TIMEOUT_S", dict.fromkeys(Command, 0.1))
    monkeypatch.setattr(sdt_exchange, "FRAME_GAP_S", 0.02)
    monkeypatch.setattr(sdt_exchange, "QUIET_LIMIT_S", 0.1)
    monkeypatch.setattr(sdt_exchange, "SILENT_AFTER_S", 0.3)
    monkeypatch.setattr(sdt_port, "LISTEN_S", 0.05)
    monkeypatch.setattr("drivers.readers.sdt.SETTLE_S", 0.01)


class Watch:
    """A terminal's loop around one reader: the states it went through, the cards it read."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._states: asyncio.Queue[tuple[DeviceState, str]] = asyncio.Queue()
        self._numbers: asyncio.Queue[str] = asyncio.Queue()

    async def keep(self) -> None:
        await keep_open(
            self._url,
            self._drive,
            open_at=open_sdt,
            on_state=lambda state, reason: self._states.put_nowait((state, reason)),
            backoff=Backoff(0.01, 0.05, Random(0)),
            sleep=lambda delay_s: asyncio.sleep(min(delay_s, 0.05)),
        )

    async def _drive(self, port: BytePort, ready: Ready) -> None:
        async for event in SdtReader(port, poll_s=0.005, on_ready=ready).events():
            if isinstance(event, CardRead):
                self._numbers.put_nowait(event.number)

    async def becomes(self, state: DeviceState) -> str:
        """The reason, once the reader is in this state."""
        while True:
            reached, reason = await self._states.get()
            if reached is state:
                return reason

    async def number(self) -> str:
        return await self._numbers.get()


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Watch]:
    watch = Watch(url)
    keeping = asyncio.create_task(watch.keep())
    try:
        async with asyncio.timeout(20):
            yield watch
    finally:
        keeping.cancel()


@asynccontextmanager
async def at_work(device: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    working = asyncio.create_task(device)
    yield
    working.cancel()


@asynccontextmanager
async def reader_on(line: DeviceLine) -> AsyncIterator[SimIdReader]:
    sim = SimIdReader(line)
    sim.present(CARD)
    async with at_work(sim.run()):
        yield sim


def test_a_reader_that_is_not_there_at_start_and_pulled_out_in_the_middle_of_an_answer(
    tmp_path: Path,
) -> None:
    async def main() -> list[str]:
        exposed = ExposedPty(tmp_path / "reader")
        read = []
        async with watching(exposed.url) as watch, reader_on(exposed) as sim:
            assert "No such file" in await watch.becomes(DeviceState.MISSING)
            await exposed.plug()
            assert "SAM 05.03-" in await watch.becomes(DeviceState.READY)
            read.append(await watch.number())
            await sim.read_moment(ReadMoment.STARTED, CARD)  # half of an answer is under way
            await exposed.unplug()
            await watch.becomes(DeviceState.MISSING)
            sim.present(OTHER)
            await exposed.plug()
            await watch.becomes(DeviceState.READY)
            read.append(await watch.number())
            await exposed.unplug()
        return read

    assert asyncio.run(main()) == [CARD.number, OTHER.number]


class Spoiled:
    """A fault that can be mended."""

    def __init__(self, spoil: Callable[[bytes], bytes]) -> None:
        self._spoil: Callable[[bytes], bytes] | None = spoil

    def mend(self) -> None:
        self._spoil = None

    def __call__(self, data: bytes, _random: Random) -> Iterator[bytes]:
        yield data if self._spoil is None else self._spoil(data)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2 + 2]


def nothing(_data: bytes) -> bytes:
    return b""


def giving_up(_data: bytes) -> bytes:
    return bytes.fromhex("AA AA AA 96 69 00 05 05 05 05")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(half, "damaged"), (nothing, "no ID card reader answers"), (giving_up, "gave up")],
)
def test_a_reader_that_answers_by_halves_or_not_at_all_is_silent_until_it_is_mended(
    tmp_path: Path, spoil: Callable[[bytes], bytes], said: str
) -> None:
    async def main() -> str:
        fault = Spoiled(spoil)
        async with ExposedPty(tmp_path / "reader") as exposed:
            line = FaultyLine(exposed, fault, seed=0)
            async with watching(exposed.url) as watch, reader_on(line):
                assert said in await watch.becomes(DeviceState.SILENT)
                fault.mend()
                await watch.becomes(DeviceState.READY)
                return await watch.number()

    assert asyncio.run(main()) == CARD.number


@pytest.mark.parametrize(
    ("sw", "state"),
    [("00 00 60", DeviceState.FAULT), ("00 00 66", DeviceState.UNAUTHORISED)],
)
def test_a_module_that_refuses_to_work_is_named_until_another_one_is_fitted(
    tmp_path: Path, sw: str, state: DeviceState
) -> None:
    async def main() -> str:
        async with ExposedPty(tmp_path / "reader") as exposed, watching(exposed.url) as watch:
            async with reader_on(exposed) as broken:
                broken.break_module(bytes.fromhex(sw), cured_by_reset=False)
                assert sw in await watch.becomes(state)
            async with reader_on(exposed):
                await watch.becomes(DeviceState.READY)
                return await watch.number()

    assert asyncio.run(main()) == CARD.number


async def a_receiver(line: DeviceLine) -> None:
    while True:
        await line.write(SENTENCE)
        await asyncio.sleep(0.01)


async def a_scanner(line: DeviceLine) -> None:
    while True:
        await line.read()
        await line.write(b"6901234567892\r")


async def a_flood(line: DeviceLine) -> None:
    random = Random(5)
    while True:
        await line.write(random.randbytes(2000))
        await asyncio.sleep(0)


@pytest.mark.parametrize("options", ["", "?baud=auto"])
@pytest.mark.parametrize(
    ("device", "said"),
    [
        (a_receiver, "sentences of a satellite receiver"),
        (a_scanner, "lines of text"),
        (a_flood, "another device"),
    ],
)
def test_another_device_on_the_port_is_named_until_the_reader_is_plugged_in(
    tmp_path: Path, device: Device, said: str, options: str
) -> None:
    async def main() -> str:
        exposed = ExposedPty(tmp_path / "reader", 115200)
        async with watching(exposed.url + options) as watch:
            async with exposed, at_work(device(exposed)):
                assert said in await watch.becomes(DeviceState.OTHER)
            async with exposed, reader_on(exposed):
                await watch.becomes(DeviceState.READY)
                return await watch.number()

    assert asyncio.run(main()) == CARD.number


def test_a_port_that_another_program_holds_is_busy_until_it_lets_go(tmp_path: Path) -> None:
    async def main() -> str:
        async with ExposedPty(tmp_path / "reader") as exposed, reader_on(exposed):
            holder = os.open(exposed.link, os.O_RDWR | os.O_NOCTTY)
            fcntl.flock(holder, fcntl.LOCK_EX)  # what pyserial's `exclusive` is
            async with watching(exposed.url) as watch:
                await watch.becomes(DeviceState.BUSY)
                os.close(holder)
                await watch.becomes(DeviceState.READY)
                return await watch.number()

    assert asyncio.run(main()) == CARD.number
