"""The radio link on a modem that is none: outbox in, frames out, receipts booked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.errors import AirtimeSpent, DriverError, PortGone, TransientDriverError
from drivers.port import Closable
from drivers.radios.base import Heard
from drivers.radios.law import BANDS
from drivers.radios.lawful import LawfulRadio
from drivers.radios.ledger import open_ledger
from drivers.supervisor import Ready
from protocol.codec import encode_record
from protocol.radio_schedule import AllKind
from protocol.radio_up import Fare, Status
from protocol.sequences import SeqSet
from runtime.clock import UNKNOWN_ERROR_MS, ClockSource, Reading
from sim.clock import Run
from terminal.links.lora import LoraLink
from terminal.links.lora_counters import Counters
from terminal.links.lora_engine import RadioKeys
from terminal.outbox import Outbox
from tests.inline_threads import use_inline_threads
from tests.lora_terminals import ADDRESS, GROUP_KEY, NODE_KEY, ROSTER, PlainGateway, check_in
from tests.lora_terminals import airtime_s as airtime_of
from tests.outboxes import Bench
from tests.parties import NOW_MS


class LoopClock:
    """The event loop's time and nothing else."""

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def read(self) -> Reading:
        now_ms = int(self.monotonic_s() * 1000)
        return Reading(now_ms, now_ms, 1, ClockSource.UNSET, UNKNOWN_ERROR_MS)


@dataclass
class FakeModem:
    """Sends in the time it takes; hears what a test says."""

    identity: str | None = "fake"
    max_frame_bytes: int = 197
    lag_s: float = 0.1
    gap_s: float = 0.05
    error: DriverError | None = None
    """Raised instead of sending, once."""
    sent: list[bytes] = field(default_factory=list)
    air: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    """None: the cable is pulled."""

    def airtime_s(self, frame_bytes: int) -> float:
        return airtime_of(frame_bytes)

    async def send(self, frame: bytes) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
        await asyncio.sleep(self.airtime_s(len(frame)))
        self.sent.append(frame)

    async def heard(self) -> AsyncIterator[Heard]:
        while (frame := await self.air.get()) is not None:
            yield Heard(frame, -90, None, asyncio.get_running_loop().time())
        raise PortGone("unplugged")


class NoPort:
    """A port nobody reads."""

    async def close(self) -> None:
        pass


class Station:
    """A terminal's outbox and radio; implements `RadioListener`."""

    def __init__(self, folder: Path, *, first_counters: bool = True) -> None:
        use_inline_threads()
        self.bench = Bench(folder / "outbox.db")
        self.outbox: Outbox = self.bench.open()
        self.modem, self.gateway = FakeModem(), PlainGateway(epoch=self.outbox.origin.epoch)
        self.times: list[int] = []
        self.pieces: list[bytes] = []
        self.sent_otherwise = SeqSet()
        self.counters = Counters()
        if first_counters:
            self.counters.add(self.outbox.reserve_counters())
        self.ledger = open_ledger(folder / "airtime.db", LoopClock())
        self.link = LoraLink(
            self.outbox,
            self.counters,
            RadioKeys(ADDRESS, NODE_KEY, GROUP_KEY),
            self,
            status=lambda: Status(self.outbox.waiting().count, 0, Fare(0), None, 1, 0, 0),
            sent_otherwise=lambda: self.sent_otherwise,
        )
        self.link.use_roster(ROSTER)

    def gateway_time(self, gateway_ms: int) -> None:
        self.times.append(gateway_ms)

    def news(self, content: bytes) -> None:
        self.pieces.append(content)

    def append(self, number: int) -> None:
        self.outbox.append(encode_record(check_in(number)), NOW_MS)
        self.link.appended()

    def answer(self, *, grant: int = 0) -> None:
        """The gateway takes all that was sent, and says so."""
        for frame in self.modem.sent:
            self.gateway.hear(frame)
        self.modem.sent.clear()
        self.modem.air.put_nowait(self.gateway.schedule(grant))

    @asynccontextmanager
    async def opened(self, _port: Closable, ready: Ready) -> AsyncIterator[LawfulRadio]:
        ready("fake")
        yield LawfulRadio(self.modem, BANDS["CN470"][0], self.ledger)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        works = (
            self.link.use(NoPort(), lambda _: None, self.opened),
            self.link.send(),
            self.link.keep_books(),
        )
        tasks = [asyncio.create_task(work) for work in works]
        await asyncio.sleep(0.1)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.outbox.close()
            self.ledger.close()


async def until(holds: Callable[[], object], limit_s: float = 100.0) -> None:
    """Until something is so, in virtual time."""
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.1)


def test_what_waits_goes_by_radio_and_a_receipt_empties_the_outbox(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            station.link.begin()
            for number in range(1, 4):
                station.append(number)
            await until(lambda: station.modem.sent)
            station.answer()
            await until(lambda: not station.outbox.waiting())
            assert station.outbox.depth.captured == 3
            assert station.times == [NOW_MS // 1000 * 1000]
            assert station.link.last_answer_s is not None

    run(main())


def test_nothing_is_said_before_it_is_asked_to_carry_records(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            station.append(1)
            await asyncio.sleep(1000)
            assert not station.modem.sent
            station.link.begin()
            await until(lambda: station.modem.sent)
            station.link.stop()
            station.modem.sent.clear()
            await asyncio.sleep(1000)
            assert not station.modem.sent

    run(main())


def test_begun_before_there_is_a_modem_it_sends_when_there_is(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        station.append(1)
        station.link.begin()
        async with station.running():
            await until(lambda: station.modem.sent)

    run(main())


def test_what_went_by_network_may_be_receipted_by_radio(run: Run, tmp_path: Path) -> None:
    """The other way round than usual: the network's receipt was lost with the network."""

    async def main() -> None:
        station = Station(tmp_path)
        station.append(1)
        station.append(2)
        station.sent_otherwise.add(1, 1)
        async with station.running():
            station.link.begin()
            station.modem.air.put_nowait(station.gateway.schedule(stored=SeqSet([(1, 1)])))
            await until(lambda: station.outbox.waiting().count == 1)
            assert list(station.outbox.waiting()) == [(2, 2)]

    run(main())


@pytest.mark.parametrize("error", [PortGone("unplugged"), TransientDriverError("busy")])
def test_what_a_modem_does_not_take_goes_later(
    run: Run, tmp_path: Path, error: TransientDriverError
) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            station.modem.error = error
            station.append(1)
            station.link.begin()
            await until(lambda: station.modem.sent)
            station.answer()
            await until(lambda: not station.outbox.waiting())

    run(main())


def test_the_law_is_waited_for(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            now_s = asyncio.get_running_loop().time()
            station.modem.error = AirtimeSpent(now_s + 500, 500.0)
            station.append(1)
            station.link.begin()
            await asyncio.sleep(490)
            assert station.modem.error is None
            assert not station.modem.sent
            await until(lambda: station.modem.sent)

    run(main())


def test_without_a_counter_nothing_is_sent_and_nobody_spins(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path, first_counters=False)
        async with station.running():
            station.append(1)
            station.link.begin()
            await asyncio.sleep(100)
            assert not station.modem.sent
            station.counters.add(station.outbox.reserve_counters())
            await until(lambda: station.modem.sent)

    run(main())


def test_a_pulled_modem_is_used_again_with_what_is_known(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            station.link.begin()
            station.append(1)
            await until(lambda: station.modem.sent)
            station.modem.air.put_nowait(None)
            await until(lambda: station.link.radio is None)
            station.append(2)
            station.modem.sent.clear()
            await asyncio.sleep(50)
            assert not station.modem.sent
            again = station.link.use(NoPort(), lambda _: None, station.opened)
            task = asyncio.create_task(again)
            for _ in range(9):
                await until(lambda: station.modem.sent)
                station.answer(grant=2)
                await asyncio.sleep(5)
                if not station.outbox.waiting():
                    break
            assert not station.outbox.waiting()
            task.cancel()

    run(main())


def test_news_is_passed_on_and_what_was_heard_is_not_heard_again(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        piece = station.gateway.to_all(AllKind.NEWS, b"a piece")
        async with station.running():
            station.modem.air.put_nowait(piece)
            station.modem.air.put_nowait(piece)
            await until(lambda: station.pieces)
            await asyncio.sleep(1)
            assert station.pieces == [b"a piece"]
            assert station.outbox.windows()

    run(main())
