"""Devices kept in use: the table of drivers, several readers side by side, states and health."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.errors import DriverConfigError
from drivers.gnss.base import GnssEvent
from drivers.readers.base import CardRead, ReaderEvent
from drivers.registry import READERS, Driver
from drivers.supervisor import DeviceState
from protocol.health import DeviceHealth
from sim.devices.card import Card
from sim.devices.idreader import SimIdReader
from sim.expose import ExposedPty
from terminal.attached import Attached
from terminal.settings import GnssSettings, ReaderSettings

CARD = Card(number="11010519491231002X", name="张三丰")
OTHER = Card(number="440308199901101512", name="李四")
POLL_S = 0.005
SENTENCE = b"$GNRMC,,V,,,,,,,,,,N,V*37\r\n"
Present = Callable[[ReaderEvent], Awaitable[None]]


async def ignore(_event: ReaderEvent) -> None:
    pass


@asynccontextmanager
async def simulated(link: Path, card: Card) -> AsyncIterator[ExposedPty]:
    async with ExposedPty(link) as exposed:
        sim = SimIdReader(exposed)
        sim.present(card)
        running = asyncio.create_task(sim.run())
        yield exposed
        running.cancel()


class Changes:
    """Waits for states; Attached tells that there was one."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def __call__(self) -> None:
        self._happened.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                self._happened.clear()
                await self._happened.wait()


def refused(settings: ReaderSettings) -> str:
    attached = Attached(settings.kind, lambda: None)
    with pytest.raises(DriverConfigError) as raised:
        asyncio.run(attached.read_cards(settings, ignore))
    return str(raised.value)


def test_an_unknown_kind_names_the_choices() -> None:
    said = refused(ReaderSettings("xyz", "serial:///dev/null"))
    assert "'xyz'" in said
    assert ", ".join(sorted(READERS)) in said


def test_poll_s_is_refused_for_a_reader_that_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "told", Driver("drivers.readers.sdt:SdtReader"))
    said = refused(ReaderSettings("told", "serial:///dev/null", poll_s=0.5))
    assert said == "poll_s means nothing to a reader of kind 'told'"


def test_a_driver_whose_package_is_missing_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "driver_in_need.py").write_text("import package_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(READERS, "needy", Driver("driver_in_need:Reader"))
    said = refused(ReaderSettings("needy", "serial:///dev/null"))
    assert said == "driver_in_need needs the package 'package_nobody_has': reinstall Muster"


def test_a_port_no_driver_has_stops_it() -> None:
    assert "expected serial:" in refused(ReaderSettings("sdt", "carrier-pigeon:7"))


def test_several_readers_work_side_by_side(tmp_path: Path) -> None:
    """One is missing, is plugged in, and is pulled out; the other one reads on."""

    async def main() -> None:
        changes = Changes()
        read: asyncio.Queue[str] = asyncio.Queue()

        async def present(event: ReaderEvent) -> None:
            assert isinstance(event, CardRead)
            read.put_nowait(event.number)

        links = [tmp_path / "left", tmp_path / "right"]
        left, right = readers = [Attached("sdt", changes) for _ in links]
        assert [(reader.state, reader.health) for reader in readers] == [
            (None, DeviceHealth.MISSING)
        ] * 2
        reading = [
            asyncio.create_task(
                reader.read_cards(ReaderSettings("sdt", f"serial://{link}", POLL_S), present)
            )
            for reader, link in zip(readers, links, strict=True)
        ]
        async with asyncio.timeout(20), simulated(links[0], CARD):
            await changes.until(lambda: left.state is DeviceState.READY)
            await changes.until(lambda: right.state is DeviceState.MISSING)
            assert await read.get() == CARD.number
            async with simulated(links[1], OTHER):
                await changes.until(lambda: right.state is DeviceState.READY)
                assert await read.get() == OTHER.number
            await changes.until(lambda: right.state is DeviceState.MISSING)
            assert left.state is DeviceState.READY
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize("state", DeviceState)
def test_every_state_is_told_to_the_county_and_logged(
    state: DeviceState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    changed: list[bool] = []
    attached = Attached("sdt", lambda: changed.append(True), number=2)
    attached._on_state(state, "why it is so")
    assert (attached.health is DeviceHealth.READY) == (state is DeviceState.READY)
    assert attached.health is not DeviceHealth.NOT_FITTED
    assert changed == [True]
    (record,) = caplog.records
    assert record.getMessage() == f"reader 2, sdt: {state.value}: why it is so"
    assert (record.levelno == logging.INFO) == (state is DeviceState.READY)


def test_a_satellite_receiver_is_ready_once_it_talks(tmp_path: Path) -> None:
    async def main() -> None:
        changes = Changes()
        gnss = Attached("satellite receiver", changes)
        taken: asyncio.Queue[GnssEvent] = asyncio.Queue()
        async with asyncio.timeout(20), ExposedPty(tmp_path / "gnss") as exposed:
            reading = asyncio.create_task(
                gnss.read_fixes(
                    GnssSettings("nmea", exposed.url),
                    taken.put_nowait,
                    asyncio.get_running_loop().time,
                )
            )
            while gnss.state is not DeviceState.READY:
                await exposed.write(SENTENCE)
                await asyncio.sleep(0.01)
            await taken.get()
            await exposed.unplug()
            await changes.until(lambda: gnss.state is DeviceState.MISSING)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(main())


def test_what_is_not_fitted_is_not_missing() -> None:
    attached = Attached("satellite receiver", lambda: None, is_fitted=False)
    assert attached.health is DeviceHealth.NOT_FITTED
