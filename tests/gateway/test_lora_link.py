"""The gateway's radio on a modem, under virtual time: heard, stored, and only then receipted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.errors import PortGone
from drivers.port import Closable
from drivers.radios.base import Heard
from drivers.radios.law import BANDS, HOUR_S, Band, Budget
from drivers.radios.lawful import LawfulRadio
from drivers.radios.ledger import open_ledger
from drivers.supervisor import Ready
from gateway.intake import Admitted, Intake
from gateway.links import lora
from gateway.links.lora import HeardFrom, LoraLink
from gateway.links.lora_nodes import RadioNodes
from gateway.radio import UpFrame
from gateway.store import radio as radio_table
from gateway.store.base import StoreError
from gateway.store.radio import RadioStore
from gateway.store.sqlite import SqliteLedger
from protocol.frames import FrameSealer, open_frame, parse_header
from protocol.packed import Numbered, pack_batch
from protocol.radio_keys import Direction, link_key, receipt_key
from protocol.radio_schedule import AllKind, Turn, unpack_schedule
from protocol.radio_up import Fare, Progress, Status, UpKind
from protocol.replay import ReplayWindow
from protocol.roster_order import NOBODY, RosterOrder
from runtime.clock import UNKNOWN_ERROR_MS, ClockSource, Reading
from sim.clock import Run
from tests.inline_threads import use_inline_threads
from tests.musters import check_in, roster
from tests.parties import NOW_MS, Parties
from tests.quick_disk import quick_disk

CHINA = BANDS["CN470"][0]
TIGHT = Band("EU433", 433_050_000, 434_790_000, 10.0, budget=Budget(1.0, HOUR_S))
EPOCH = 77
ORDER = RosterOrder(roster())


class LoopClock:
    """The event loop's time and nothing else."""

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def read(self) -> Reading:
        now_ms = int(self.monotonic_s() * 1000)
        return Reading(now_ms, now_ms, 1, ClockSource.UNSET, UNKNOWN_ERROR_MS)


@dataclass
class FakeRadio:
    """Hears what it is told, and keeps what it sends."""

    identity: str | None = "fake"
    max_frame_bytes: int = 200
    lag_s: float = 0.1
    gap_s: float = 0.05
    failures: int = 0
    sent: list[bytes] = field(default_factory=list)
    on_air: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)

    def airtime_s(self, frame_bytes: int) -> float:
        return frame_bytes * 0.003

    async def send(self, frame: bytes) -> None:
        if self.failures:
            self.failures -= 1
            raise PortGone("unplugged")
        await asyncio.sleep(self.airtime_s(len(frame)))
        self.sent.append(frame)

    async def heard(self) -> AsyncIterator[Heard]:
        while (frame := await self.on_air.get()) is not None:
            yield Heard(frame, -91, 4.5, asyncio.get_running_loop().time())
        raise PortGone("unplugged")


class Port:
    async def close(self) -> None:
        """Nothing to close."""


class Station:
    """A gateway's radio, and a terminal that speaks by hand. Implements `RadioListener`."""

    def __init__(self, folder: Path, band: Band = CHINA) -> None:
        use_inline_threads()
        parties = Parties()
        self.radio, self._band = FakeRadio(), band
        self._airtime = open_ledger(folder / "airtime.db", LoopClock())
        self._ledger = SqliteLedger(folder / "gateway.db")
        self._radio_store = RadioStore(folder / "gateway.db")
        self._orders = {each.fingerprint: each for each in (ORDER, NOBODY)}
        self._intake = Intake(
            parties.gateway, self._ledger, lambda _: None, lambda: NOW_MS, self._orders.get
        )
        gateway = parties.gateway
        self._group_key = gateway.group_radio_key
        nodes = RadioNodes(gateway.radio_key, gateway.county, ())
        self.link = LoraLink(
            gateway, nodes, self._radio_store, self._admit, self, time_s=lambda: NOW_MS // 1000
        )
        t1 = parties.terminal("t1")
        self.link.enrol("t1", t1.radio_address)
        self._sealer = FrameSealer(link_key(t1.radio_key, Direction.UP, t1.radio_address, EPOCH))
        self._receipt_key = receipt_key(t1.radio_key, EPOCH)
        self._counter = 0
        self.heard: list[HeardFrom] = []
        self.admitted: list[Admitted] = []
        self.store_fails = 0

    def radio_heard(self, heard: HeardFrom) -> None:
        self.heard.append(heard)

    def radio_admitted(self, admitted: Admitted) -> None:
        self.admitted.append(admitted)

    async def _admit(self, frames: Sequence[UpFrame]) -> Admitted:
        await asyncio.sleep(0.02)
        if self.store_fails:
            self.store_fails -= 1
            raise StoreError("the disk is full")
        return self._intake.admit((), frames)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        works = [
            asyncio.create_task(work) for work in (self._use(), self.link.send(), self.link.admit())
        ]
        try:
            yield
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            for file in (self._airtime, self._ledger, self._radio_store):
                file.close()

    async def _use(self) -> None:
        @asynccontextmanager
        async def opened(port: Closable, ready: Ready) -> AsyncIterator[LawfulRadio]:  # noqa: ARG001  # as called
            yield LawfulRadio(self.radio, self._band, self._airtime)

        while True:
            with suppress(PortGone):
                await self.link.use(Port(), lambda _: None, opened)

    def say(self, kind: UpKind, content: bytes) -> None:
        """The terminal's next frame arrives."""
        content = Progress(0, 0).pack() + content
        self.radio.on_air.put_nowait(
            self._sealer.seal(kind, self._counter, content, names_epoch=True)
        )
        self._counter += 1

    def check_in(self, seq: int, order: RosterOrder = ORDER) -> None:
        batch = pack_batch([Numbered(seq, check_in(1))], order, limit_bytes=100)
        self.say(UpKind.PACKED, batch.content)

    def receipts(self) -> list[Turn]:
        """What the terminal was genuinely told."""
        said: list[Turn] = []
        for frame in self.radio.sent:
            header = parse_header(frame)
            assert header.epoch is not None
            key = link_key(self._group_key, Direction.ALL, 0, header.epoch)
            opened = open_frame(key, frame, ReplayWindow(header.clear_counter))
            if opened.kind == AllKind.SCHEDULE:
                turns = unpack_schedule(opened.content)[1]
                said += [each.turn for each in turns if each.is_genuine(self._receipt_key)]
        return said


@pytest.fixture(autouse=True)
def _quick() -> object:
    with quick_disk():
        yield


def test_what_is_heard_is_stored_and_then_receipted(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            await asyncio.sleep(1)
            station.check_in(1)
            await asyncio.sleep(10)
            assert station.heard == [HeardFrom("t1", -91, 4.5, 0, is_last=True)]
            assert [each.stored for each in station.admitted] == [1]
            assert {turn.upto for turn in station.receipts()} == {1}

    run(main())


def test_a_store_that_fails_is_tried_again_and_nothing_is_promised(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            station.store_fails = 5
            station.check_in(1)
            await asyncio.sleep(4)
            assert station.receipts() == []
            station.check_in(2)
            await asyncio.sleep(10)
            assert station.receipts()[-1].upto == 2

    run(main())


def test_a_modem_that_goes_and_comes_back_is_used_again(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            station.check_in(1)
            await asyncio.sleep(1)
            station.radio.on_air.put_nowait(None)
            station.radio.failures = 2
            await asyncio.sleep(10)
            assert station.receipts()[-1].upto == 1
            station.check_in(2)
            await asyncio.sleep(10)
            assert station.receipts()[-1].upto == 2

    run(main())


def test_a_receipt_waits_for_the_law(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path, TIGHT)
        async with station.running():
            for seq in range(1, 30):
                station.check_in(seq)
                await asyncio.sleep(5)
            spent = len(station.radio.sent)
            await asyncio.sleep(HOUR_S / 2)
            assert len(station.radio.sent) == spent, "no more airtime in this hour"
            assert station.receipts()[-1].upto < 29
            await asyncio.sleep(HOUR_S)
            assert station.receipts()[-1].upto == 29

    run(main())


def test_a_status_and_an_unknown_roster_reach_those_who_care(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        station = Station(tmp_path)
        status = Status(0, 0, Fare.READER_READY, None, 1, 2, 5)
        async with station.running():
            station.link.publish(3, b"bulletin")
            station.say(UpKind.STATUS, status.pack())
            station.check_in(1, RosterOrder(roster(9)))
            await asyncio.sleep(10)
            (told,) = [each.statuses for each in station.admitted if each.statuses]
            assert told == [("t1", status)]
            assert any("t1" in each.other_roster for each in station.admitted)
            assert station.link.news.due_s() > asyncio.get_running_loop().time(), "it was told"

    run(main())


def test_counters_are_reserved_before_they_are_used(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio_table, "COUNTERS_PER_BLOCK", 8)
    monkeypatch.setattr(lora, "LOW_COUNTERS", 1)

    async def main() -> None:
        station = Station(tmp_path)
        async with station.running():
            for seq in range(1, 30):
                station.check_in(seq)
                await asyncio.sleep(6)
        counters = [parse_header(frame).clear_counter for frame in station.radio.sent]
        assert counters == list(range(len(counters)))
        assert counters[-1] > 8
        again = RadioStore(tmp_path / "gateway.db")
        assert again.reserve()[0] > counters[-1]
        again.close()

    run(main())
