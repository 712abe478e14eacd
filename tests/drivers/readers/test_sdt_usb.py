"""The USB port on real pyusb and real threads, over a simulated bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import usb.core

from drivers.errors import (
    DeviceSilent,
    DriverConfigError,
    OtherDevice,
    PortBusy,
    PortGone,
    PortNotSetUp,
)
from drivers.port import BytePort
from drivers.readers.base import CardRead
from drivers.readers.sdt import SdtReader
from drivers.readers.sdt_port import open_sdt
from drivers.readers.sdt_usb import HEAD_BYTES, UsbPort, open_usb
from drivers.supervisor import DeviceState, Ready, keep_open
from drivers.usb import UsbAddress, parse_usb_url
from runtime.backoff import Backoff
from sim.devices.card import Card
from sim.devices.idreader import SimIdReader
from sim.devices.sdt_usb import SimUsbBackend, SimUsbReader

URL = "usb://0400:c35a"
CARD = Card(number="11010519491231002X", name="张三丰")
STATUS = bytes.fromhex("AA AA AA 96 69 00 03 11 FF ED")
SAM_ID = bytes.fromhex("AA AA AA 96 69 00 03 12 FF EE")
OK = bytes.fromhex("AA AA AA 96 69 00 04 00 00 90 94")
SPLIT = pytest.mark.parametrize("is_split", [True, False], ids=["split pipes", "one pipe"])


@asynccontextmanager
async def module_in(reader: SimUsbReader) -> AsyncIterator[SimIdReader]:
    sim = SimIdReader(reader)
    sim.present(CARD)
    running = asyncio.create_task(sim.run())
    yield sim
    running.cancel()


async def first_card(port: BytePort) -> object:
    async for event in SdtReader(port).events():
        return event
    return None


async def answer(port: BytePort, command: bytes = STATUS) -> bytes:
    await port.write(command)
    async with asyncio.timeout(5):
        return await port.read()


@SPLIT
def test_a_card_is_read(is_split: bool) -> None:
    async def main() -> object:
        reader = SimUsbReader(is_split=is_split)
        async with asyncio.timeout(10), module_in(reader):
            port = await open_usb(URL, backend=SimUsbBackend(reader))
            event = await first_card(port)
            await port.close()
            return event

    assert isinstance(asyncio.run(main()), CardRead)


def test_nothing_plugged_in_is_gone() -> None:
    with pytest.raises(PortGone, match="0400:c35a is plugged in") as raised:
        asyncio.run(open_usb(URL, backend=SimUsbBackend()))
    assert raised.type is PortGone


def test_without_permission_the_udev_rule_is_named() -> None:
    async def main() -> None:
        reader = SimUsbReader()
        reader.is_permitted = False
        with pytest.raises(PortNotSetUp, match=r"60-muster\.rules"):
            await open_usb(URL, backend=SimUsbBackend(reader))

    asyncio.run(main())


def test_without_libusb_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_wanted: object) -> None:
        raise usb.core.NoBackendError("No backend available")

    monkeypatch.setattr(usb.core, "find", none)
    with pytest.raises(PortNotSetUp, match=r"apt-get install libusb-1\.0-0"):
        asyncio.run(open_usb(URL))


def test_the_registered_opener_reaches_the_systems_usb() -> None:
    """No such reader is on the machine that runs this, but libusb has to be."""
    with pytest.raises(PortGone, match="feed:c0de is plugged in"):
        asyncio.run(open_sdt("usb://feed:c0de"))


def test_a_reader_is_held_by_one_and_free_after_closing() -> None:
    async def main() -> None:
        backend = SimUsbBackend(SimUsbReader())
        first = await open_usb(URL, backend=backend)
        with pytest.raises(PortBusy):
            await open_usb(URL, backend=backend)
        await first.close()
        await first.close()
        second = await open_usb(URL, backend=backend)
        await second.close()

    asyncio.run(main())


def test_of_two_alike_one_must_be_named() -> None:
    async def main() -> None:
        left, right = SimUsbReader(ports=(1, 2)), SimUsbReader(ports=(1, 3), serial="A1B2")
        backend = SimUsbBackend(left, right)
        with pytest.raises(PortNotSetUp, match=r"\?path= .* of 1-1\.2, 1-1\.3"):
            await open_usb(URL, backend=backend)
        for choice in ("?path=1-1.3", "?serial=A1B2"):
            async with module_in(right):
                port = await open_usb(URL + choice, backend=backend)
                assert await answer(port) == OK
                await port.close()
        with pytest.raises(PortGone):
            await open_usb(f"{URL}?path=1-1.4", backend=backend)
        right.is_permitted = False
        with pytest.raises(PortNotSetUp, match="permission"):
            await open_usb(f"{URL}?serial=A1B2", backend=backend)

    asyncio.run(main())


def test_a_device_with_other_pipes_is_another_device() -> None:
    class Stranger(SimUsbReader):
        pipes = (0x01, 0x81, 0x82)

    async def main() -> None:
        with pytest.raises(OtherDevice, match="pipes"):
            await open_usb(URL, backend=SimUsbBackend(Stranger()))

    asyncio.run(main())


@SPLIT
def test_unplugging_ends_reading_and_writing(is_split: bool) -> None:
    async def main() -> None:
        reader = SimUsbReader(is_split=is_split)
        port = await open_usb(URL, backend=SimUsbBackend(reader))
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        reader.unplug()
        for ending in (reading, port.read(), port.write(STATUS)):
            with pytest.raises(PortGone):
                await ending
        await port.close()

    asyncio.run(main())


def test_unplugging_before_a_command_is_noticed_by_the_command() -> None:
    async def main() -> None:
        reader = SimUsbReader()
        port = await open_usb(URL, backend=SimUsbBackend(reader))
        reader.unplug()
        for _ in range(2):
            with pytest.raises(PortGone):
                await port.write(STATUS)
        await port.close()

    asyncio.run(main())


def test_closing_ends_a_pending_read() -> None:
    async def main() -> None:
        port = await open_usb(URL, backend=SimUsbBackend(SimUsbReader()))
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        await port.close()
        with pytest.raises(PortGone, match="closed"):
            await reading
        with pytest.raises(PortGone, match="closed"):
            await port.write(STATUS)

    asyncio.run(main())


@SPLIT
def test_cancelling_a_read_loses_nothing(is_split: bool) -> None:
    async def main() -> None:
        reader = SimUsbReader(is_split=is_split)
        port = await open_usb(URL, backend=SimUsbBackend(reader))
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        reading.cancel()
        await reader.write(OK)
        async with asyncio.timeout(5):
            assert await port.read() == OK
        await port.close()

    asyncio.run(main())


def test_a_reader_that_takes_no_command_is_silent() -> None:
    class Deaf(SimUsbReader):
        def take(self, _pipe: int, _data: bytes) -> None:
            raise usb.core.USBTimeoutError("Operation timed out", -7, 110)

    async def main() -> None:
        port = await open_usb(URL, backend=SimUsbBackend(Deaf()))
        with pytest.raises(DeviceSilent, match="takes no command"):
            await port.write(STATUS)
        await port.close()

    asyncio.run(main())


def test_an_answer_whose_rest_comes_late_does_not_put_the_next_ones_out_of_step() -> None:
    async def main() -> None:
        reader = SimUsbReader()
        async with module_in(reader):
            port = await open_usb(URL, backend=SimUsbBackend(reader))
            reader.late_rests = 1
            assert len(await answer(port, SAM_ID)) == HEAD_BYTES
            reader.deliver_late_rests()
            assert await answer(port) == OK
            assert len(await answer(port, SAM_ID)) == 27
            await port.close()

    asyncio.run(main())


def test_an_answer_without_its_rest_is_asked_for_again() -> None:
    async def main() -> object:
        reader = SimUsbReader()
        async with asyncio.timeout(20), module_in(reader):
            port = await open_usb(URL, backend=SimUsbBackend(reader))
            reader.late_rests = 2
            event = await first_card(port)
            await port.close()
            return event

    assert isinstance(asyncio.run(main()), CardRead)


def test_a_replugged_reader_reads_on_without_a_restart() -> None:
    async def main() -> tuple[list[str], list[DeviceState]]:
        backend = SimUsbBackend()
        states: asyncio.Queue[DeviceState] = asyncio.Queue()
        numbers: asyncio.Queue[str] = asyncio.Queue()
        seen, read = [], []

        async def open_here(url: str) -> UsbPort:
            return await open_usb(url, backend=backend)

        async def drive(port: UsbPort, ready: Ready) -> None:
            async for event in SdtReader(port, poll_s=0.01, on_ready=ready).events():
                assert isinstance(event, CardRead)
                numbers.put_nowait(event.number)

        keeping = asyncio.create_task(
            keep_open(
                URL,
                drive,
                open_at=open_here,
                on_state=lambda state, _: states.put_nowait(state),
                backoff=Backoff(0.01, 0.05, Random(0)),
            )
        )
        async with asyncio.timeout(20):
            seen.append(await states.get())
            for _ in range(2):
                reader = SimUsbReader()
                backend.readers = [reader]
                async with module_in(reader):
                    read.append(await numbers.get())
                    reader.unplug()
                    seen += [await states.get(), await states.get()]
        keeping.cancel()
        return read, seen

    read, states = asyncio.run(main())
    assert read == [CARD.number] * 2
    assert states == [DeviceState.MISSING] + [DeviceState.READY, DeviceState.MISSING] * 2


def test_what_a_url_says() -> None:
    assert parse_usb_url("usb://0400:C35A") == UsbAddress(0x0400, 0xC35A)
    assert parse_usb_url("usb://0400:c35a?path=1-1.2").path == "1-1.2"
    assert parse_usb_url("usb://0400:c35a?serial=7").serial == "7"


@pytest.mark.parametrize(
    "url",
    [
        "usb://",
        "usb://0400",
        "usb://0400:c35",
        "usb://0400:c35a/1",
        "usb://0400:c35a?port=1",
        "usb://0400:c35a?path=1-1&serial=7",
        "usb://0400:c35a?path=1-1&path=1-2",
        "serial:///dev/ttyUSB0",
    ],
)
def test_a_url_no_usb_device_has_is_a_configuration_error(url: str) -> None:
    with pytest.raises(DriverConfigError):
        parse_usb_url(url)
