"""The scanner's driver, and what all drivers of devices that talk by themselves have from it."""

import asyncio
from collections.abc import Iterable

import pytest

from drivers.errors import OtherDevice, PortGone
from drivers.readers.base import CardTrouble, CodeRead, ReaderEvent, TroubleReason
from drivers.readers.line_framer import GAP_S
from drivers.readers.scanner import ScannerReader
from drivers.readers.talking import FRESH_LIMIT, QUIET_S, STRANGE_LIMIT
from sim.clock import Run
from sim.memory import MemoryCable

NMEA = [
    b"$GNRMC,105153.71,A,3112.1,N,12129.6,E,0.0,,010126,,,A,V*0D\r\n",
    b"$GNGGA,105153.71,3112.1,N,12129.6,E,1,08,0.9,12.0,M,9.0,M,,*5A\r\n",
]
Said = Iterable[tuple[float, bytes]]


class Heard:
    """What came of what was said: events, and when the driver called itself ready."""

    def __init__(self) -> None:
        self.events: list[ReaderEvent] = []
        self.ready_at_s: list[float] = []
        self.ended_by: Exception | None = None


async def hear(said: Said, *, then_s: float = 1.0) -> Heard:
    """Listen while each piece is said, so many seconds after the one before."""
    cable = MemoryCable()
    loop = asyncio.get_running_loop()
    heard = Heard()

    async def listen() -> None:
        reader = ScannerReader(cable.host, on_ready=lambda _: heard.ready_at_s.append(loop.time()))
        try:
            async for event in reader.events():
                heard.events += [event]
        except (OtherDevice, PortGone) as error:
            heard.ended_by = error

    listening = asyncio.create_task(listen())
    for after_s, data in said:
        await asyncio.sleep(after_s)
        await cable.device.write(data)
    await asyncio.sleep(then_s)
    cable.unplug()
    await listening
    return heard


def texts(heard: Heard) -> list[str]:
    return [event.text for event in heard.events if isinstance(event, CodeRead)]


def test_it_is_ready_once_the_line_was_quiet(run: Run) -> None:
    heard = run(hear([(0.5, b"A\r")], then_s=5.0))
    assert heard.ready_at_s == [pytest.approx(0.5 + QUIET_S)]


def test_a_line_that_is_never_quiet_is_never_ready(run: Run) -> None:
    assert not run(hear([(QUIET_S / 2, b"\r")] * 100, then_s=0.1)).ready_at_s


def test_a_code_held_before_it_is_one(run: Run) -> None:
    assert texts(run(hear([(0.1, b"A\r")] * 600))) == ["A"]


def test_the_verdict_does_not_wait_for_a_pause(run: Run) -> None:
    assert texts(run(hear([(0.5, b"A\r")], then_s=GAP_S / 2))) == ["A"]


def test_an_unreadable_code_is_a_trouble_told_once(run: Run) -> None:
    held = [(0.5, "姓名".encode("gb18030") + b"\r")] * 5
    heard = run(hear(held))
    assert heard.events == [CardTrouble(TroubleReason.NOT_READABLE)]
    assert isinstance(heard.ended_by, PortGone)


def test_a_torn_code_is_to_be_presented_again(run: Run) -> None:
    heard = run(hear([(1.0, b"690123\r"), (1.0, b"690"), (1.0, b"690123\r")]))
    assert heard.events[1] == CardTrouble(TroubleReason.HOLD_STILL)
    assert texts(heard) == ["690123", "690123"]


def test_a_receiver_on_the_port_is_no_scanner_and_gives_no_code(run: Run) -> None:
    heard = run(hear([(0.5, sentence) for sentence in NMEA * 30]))
    assert isinstance(heard.ended_by, OtherDevice)
    assert "another device" in str(heard.ended_by)
    assert not heard.events
    assert not heard.ready_at_s


@pytest.mark.parametrize(
    "data", [bytes.fromhex("AA AA AA 96 69 00 04 00 00 80 84"), bytes(range(128, 256)), b"\0" * 9]
)
def test_bytes_that_are_no_text_are_no_scanner(run: Run, data: bytes) -> None:
    heard = run(hear([(0.5, data)] * 30))
    assert isinstance(heard.ended_by, OtherDevice)
    assert len(heard.events) == 1


def test_a_damaged_code_now_and_then_is_no_other_device(run: Run) -> None:
    said = [(0.6, b"\xff\r"), (0.6, b"A\r")] * STRANGE_LIMIT
    assert isinstance(run(hear(said)).ended_by, PortGone)


def test_a_flood_ends_it(run: Run) -> None:
    flood = b"".join(b"%d\r" % number for number in range(10_000))
    heard = run(hear([(0.5, flood)]))
    assert isinstance(heard.ended_by, OtherDevice)
    assert len(heard.events) < FRESH_LIMIT


def test_a_fast_queue_is_no_flood(run: Run) -> None:
    queue = [(0.4, b"%d\r" % number) for number in range(200)]
    assert texts(run(hear(queue))) == [str(number) for number in range(200)]


class _LatePort:
    """A port whose last bytes are there in time, but the event loop handles the timer first."""

    def __init__(self) -> None:
        self._pieces = [b"690", b"", b"123"]

    async def read(self) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if not piece:
            await asyncio.Event().wait()  # until cancelled
        return piece


def test_a_busy_event_loop_tears_no_code(run: Run) -> None:
    async def main() -> ReaderEvent:
        return await anext(ScannerReader(_LatePort()).events())

    assert run(main()) == CodeRead("690123")


def test_nothing_of_a_code_is_shown(run: Run) -> None:
    heard = run(hear([(0.5, b"MT1:SECRET\r")]))
    assert "SECRET" not in repr(heard.events)
