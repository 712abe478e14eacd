"""Finding a reader's rate on a pty that behaves as a UART: at a wrong rate there is only noise."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.errors import DeviceSilent, DriverConfigError, OtherDevice, PortGone
from drivers.port import BytePort, open_port
from drivers.readers import sdt_port
from drivers.readers.base import CardRead
from drivers.readers.sdt import SdtReader
from drivers.readers.sdt_port import BAUDS, open_sdt
from sim.devices.card import Card
from sim.devices.idreader import SimIdReader
from sim.devices.line import DeviceLine
from sim.expose import ExposedPty

CARD = Card(number="11010519491231002X", name="张三丰")
SETTABLE = (115200, 57600, 38400, 19200, 9600)
SENTENCES = (
    b"$GNGGA,,,,,,0,00,25.5,,,,,,*64\r\n$GNRMC,,V,,,,,,,,,,N,V*37\r\n"
    b"$GPTXT,01,01,01,ANTENNA OPEN*25\r\n"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time, on ptys that answer in a millisecond; and nothing remembered from before."""
    monkeypatch.setattr(sdt_port, "LISTEN_S", 0.1)
    monkeypatch.setattr(sdt_port, "CHANGE_S", 0.05)
    monkeypatch.setattr(sdt_port, "_found_baud", {})


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rates at which the port was opened, in order."""
    rates: list[int] = []

    async def noting(url: str) -> BytePort:
        rates.append(int(url.rpartition("=")[2]))
        return await open_port(url)

    monkeypatch.setattr(sdt_port, "open_port", noting)
    return rates


@asynccontextmanager
async def at_work(device: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    working = asyncio.create_task(device())
    yield
    working.cancel()


@asynccontextmanager
async def reader_at(link: Path, baud: int) -> AsyncIterator[ExposedPty]:
    async with ExposedPty(link, baud) as line:

        def change(new_baud: int) -> None:
            line.baud = new_baud

        sim = SimIdReader(line, baud=baud, on_baud=change)
        sim.present(CARD)
        async with at_work(sim.run):
            yield line


async def first_card(port: BytePort) -> object:
    async for event in SdtReader(port).events():
        return event
    return None


def found_by(link: Path, options: str, *, baud: int) -> tuple[object, int | None]:
    """The event of the card on a reader at `baud`, and the rate it runs at in the end."""

    async def main() -> tuple[object, int | None]:
        async with asyncio.timeout(20), reader_at(link, baud) as line:
            port = await open_sdt(line.url + options)
            event = await first_card(port)
            await port.close()
            return event, line.baud

    return asyncio.run(main())


@pytest.mark.parametrize("baud", BAUDS)
def test_the_rate_is_found(tmp_path: Path, baud: int) -> None:
    event, ends_at = found_by(tmp_path / "reader", "?baud=auto", baud=baud)
    assert isinstance(event, CardRead)
    assert ends_at == baud


@pytest.mark.parametrize("baud", [baud for baud in BAUDS if baud != 115200])
def test_at_a_wrong_rate_nothing_is_understood(tmp_path: Path, baud: int) -> None:
    """What makes the tests above mean something."""

    async def main() -> bytes:
        async with reader_at(tmp_path / "reader", baud) as line:
            port = await open_port(f"{line.url}?baud=115200")
            await port.write(bytes.fromhex("AA AA AA 96 69 00 03 11 FF ED"))
            try:
                async with asyncio.timeout(0.1):
                    return await port.read()
            except TimeoutError:
                return b""
            finally:
                await port.close()

    assert b"\xaa\xaa\xaa\x96\x69" not in asyncio.run(main())


def test_the_rate_that_was_found_is_tried_first(tmp_path: Path, tried: list[int]) -> None:
    async def main() -> None:
        async with reader_at(tmp_path / "reader", 19200) as line:
            for _ in range(2):
                port = await open_sdt(f"{line.url}?baud=auto")
                await port.close()
            line.baud = 57600  # another reader
            await (await open_sdt(f"{line.url}?baud=auto")).close()

    asyncio.run(main())
    assert tried == [115200, 57600, 38400, 19200, 19200, 19200, 115200, 57600]


@pytest.mark.parametrize("wanted", SETTABLE)
@pytest.mark.parametrize("baud", [9600, 115200, 230400])
def test_a_reader_that_was_found_can_be_told_its_rate(
    tmp_path: Path, baud: int, wanted: int
) -> None:
    event, ends_at = found_by(tmp_path / "reader", f"?baud=auto&set={wanted}", baud=baud)
    assert isinstance(event, CardRead)
    assert ends_at == wanted


def test_a_reader_that_will_not_change_is_used_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> object:
        async with ExposedPty(tmp_path / "reader", 9600) as line:
            sim = SimIdReader(line)  # says yes, and stays
            sim.present(CARD)
            async with at_work(sim.run), asyncio.timeout(20):
                port = await open_sdt(f"{line.url}?baud=auto&set=115200")
                event = await first_card(port)
                await port.close()
                return event

    assert isinstance(asyncio.run(main()), CardRead)
    assert "stays at 9600 baud" in caplog.text


def looked_for(link: Path, device: Callable[[DeviceLine], Coroutine[Any, Any, None]]) -> str:
    """What is said of a device at 9600 baud that is no reader."""

    async def main() -> DeviceSilent:
        async with ExposedPty(link, 9600) as line, at_work(lambda: device(line)):
            with pytest.raises(DeviceSilent) as raised:
                await open_sdt(f"{line.url}?baud=auto")
            again = await open_port(line.url)  # whatever was tried is closed
            await again.close()
            return raised.value

    error = asyncio.run(main())
    return f"{type(error).__name__}: {error}"


async def nothing(_line: DeviceLine) -> None:
    pass


async def a_receiver(line: DeviceLine) -> None:
    while True:
        await line.write(SENTENCES)
        await asyncio.sleep(0.02)


async def a_scanner(line: DeviceLine) -> None:
    while True:
        await line.write(b"6901234567892\r")
        await asyncio.sleep(0.02)


async def a_flood(line: DeviceLine) -> None:
    random = Random(3)
    while True:
        await line.write(random.randbytes(4000))
        await asyncio.sleep(0)


async def an_echo(line: DeviceLine) -> None:
    while True:
        await line.write(await line.read())


def test_no_reader_at_any_rate_names_the_rates(tmp_path: Path) -> None:
    said = looked_for(tmp_path / "reader", nothing)
    assert said == (
        f"DeviceSilent: no ID card reader answers on {tmp_path / 'reader'}"
        " at 115200, 57600, 38400, 19200, 9600, 230400 baud"
    )


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (a_receiver, "at 9600 baud: another device? There are sentences of a satellite receiver"),
        (a_scanner, "at 9600 baud: another device? There are lines of text"),
        (a_flood, "another device? There are bytes that make no sense"),
        (an_echo, "our own commands coming back"),
    ],
)
def test_another_device_is_named(
    tmp_path: Path, device: Callable[[DeviceLine], Coroutine[Any, Any, None]], words: str
) -> None:
    said = looked_for(tmp_path / "reader", device)
    assert said.startswith(OtherDevice.__name__)
    assert words in said
    assert "6901234567892" not in said


def test_what_is_not_there_is_gone(tmp_path: Path) -> None:
    with pytest.raises(PortGone):
        asyncio.run(open_sdt(f"serial://{tmp_path / 'reader'}?baud=auto"))


@pytest.mark.parametrize(
    "options",
    ["?baud=auto&parity=even", "?baud=auto&set=230400", "?baud=auto&set=fast", "?baud=automatic"],
)
def test_a_wrong_option_is_a_configuration_error(options: str) -> None:
    with pytest.raises(DriverConfigError):
        asyncio.run(open_sdt(f"serial:///dev/null{options}"))


def test_a_plain_url_opens_as_ever(tmp_path: Path) -> None:
    async def main() -> None:
        async with reader_at(tmp_path / "reader", 9600) as line:
            port = await open_sdt(f"{line.url}?baud=9600")
            assert isinstance(await first_card(port), CardRead)
            await port.close()

    asyncio.run(main())
