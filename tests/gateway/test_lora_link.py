"""The gateway's radio as it runs: a modem that fails and goes, a store that is slow or fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceSilent, PortGone
from drivers.port import Closable
from drivers.radios.airtime import lora_airtime_s
from drivers.radios.base import Heard
from drivers.radios.law import BANDS, HOUR_S, Band, Budget
from drivers.radios.lawful import LawfulRadio
from drivers.radios.ledger import open_ledger
from drivers.supervisor import Ready
from gateway.intake import Admitted
from gateway.links.lora import SEND_AGAIN_S, STORE_RETRY_S, HeardFrom, LoraLink
from gateway.links.lora_nodes import RadioNodes
from gateway.links.lora_plan import RECEIPT_WAIT_S
from gateway.radio import UpFrame
from gateway.store.base import StoreError, Stream
from gateway.store.radio import COUNTERS_PER_BLOCK, RadioStore
from protocol.frames import FrameSealer, open_frame
from protocol.keys import Identity
from protocol.radio_keys import Direction, link_key
from protocol.radio_schedule import HeardTurn, unpack_schedule
from protocol.radio_up import Fare, Progress, Status, UpKind
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet
from runtime.clock import UNKNOWN_ERROR_MS, ClockSource, Reading
from sim.clock import Run
from tests.inline_threads import use_inline_threads
from tests.parties import Parties
from tests.quick_disk import quick_disk

EPOCH = 77
TIGHT = Band("EU433", 433_050_000, 434_790_000, 10.0, budget=Budget(1.0, HOUR_S))
TIME_S = 1_790_000_000
STATUS = Status(0, 0, Fare.READER_READY, None, 1, 0, 0)
SOON_S = 20.0


class LoopClock:
    """The event loop's time and nothing else."""

    def monotonic_s(self) -> float:
        return now_s()

    def read(self) -> Reading:
        now_ms = int(now_s() * 1000)
        return Reading(now_ms, now_ms, 1, ClockSource.UNSET, UNKNOWN_ERROR_MS)


@dataclass
class Modem:
    """Sends in the time it takes, hears what is put into it, until it is unplugged."""

    identity: str | None = "fake"
    max_frame_bytes: int = 197
    lag_s: float = 0.1
    gap_s: float = 0.05
    fails: bool = False
    sent: list[tuple[bytes, float]] = field(default_factory=list)
    arriving: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)

    def airtime_s(self, frame_bytes: int) -> float:
        return lora_airtime_s(frame_bytes, 9, 125_000)

    async def send(self, frame: bytes) -> None:
        if self.fails:
            raise DeviceSilent("it did not take the frame")
        await asyncio.sleep(self.airtime_s(len(frame)))
        self.sent.append((frame, now_s()))

    async def heard(self) -> AsyncIterator[Heard]:
        while (frame := await self.arriving.get()) is not None:
            yield Heard(frame, -91, 7.5, now_s())
        raise PortGone("unplugged")


class Port:
    """Of no use but to be closed."""

    async def close(self) -> None:
        """See `Closable.close`."""


@dataclass
class Store:
    """Commits frames that hold their record's number, as slowly as it is told to."""

    commit_s: float = 0.0
    failures: int = 0
    commits: list[list[int]] = field(default_factory=list)
    held: SeqSet = field(default_factory=SeqSet)

    async def admit(self, frames: Sequence[UpFrame]) -> Admitted:
        await asyncio.sleep(self.commit_s)
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        seqs = [frame.content[1] for frame in frames if frame.kind == UpKind.PACKED]
        for seq in seqs:
            self.held.add(seq, seq)
        self.commits.append(seqs)
        statuses = [(frame.node, STATUS) for frame in frames if frame.kind == UpKind.STATUS]
        streams = [Stream(1, frames[0].node, EPOCH, SeqSet(self.held))]
        return Admitted(streams=streams, statuses=statuses)


@dataclass
class Listener:
    """Writes down what it is told."""

    heard: list[HeardFrom] = field(default_factory=list)
    admitted: list[Admitted] = field(default_factory=list)

    def radio_heard(self, heard: HeardFrom) -> None:
        """See `RadioListener`."""
        self.heard.append(heard)

    def radio_admitted(self, admitted: Admitted) -> None:
        """See `RadioListener`."""
        self.admitted.append(admitted)


class County:
    """A gateway's radio link, and one terminal's frames."""

    def __init__(self, folder: Path, band: Band) -> None:
        parties = Parties()
        self.gateway: Identity = parties.gateway
        self._terminal = parties.terminal("t1")
        self._band = band
        self.radio_store = RadioStore(folder / "gateway.db")
        self._ledger = open_ledger(folder / "airtime.db", LoopClock())
        self.store, self.listener, self.modem = Store(), Listener(), Modem()
        nodes = RadioNodes(self.gateway.radio_key, self.gateway.county, ())
        self.link = LoraLink(
            self.gateway,
            nodes,
            self.radio_store,
            self.store.admit,
            self.listener,
            time_s=lambda: TIME_S,
        )
        self._counters = count(1)
        terminal = self._terminal
        key = link_key(terminal.radio_key, Direction.UP, terminal.radio_address, EPOCH)
        self._sealer = FrameSealer(key)

    def enrol(self) -> None:
        self.link.enrol("t1", self._terminal.radio_address)

    def frame(self, seq: int, *, left: int = 0) -> bytes:
        content = Progress(left, 0).pack() + bytes([seq])
        return self._sealer.seal(UpKind.PACKED, next(self._counters), content, names_epoch=True)

    def status(self) -> bytes:
        content = Progress(0, 0).pack() + STATUS.pack()
        return self._sealer.seal(UpKind.STATUS, next(self._counters), content, names_epoch=True)

    async def plug(self) -> None:
        """Use a modem until it is unplugged."""
        self.modem = Modem(fails=self.modem.fails, sent=self.modem.sent)
        with suppress(PortGone):
            await self.link.use(Port(), lambda _: None, self._opened)

    @asynccontextmanager
    async def _opened(self, _port: Closable, _ready: Ready) -> AsyncIterator[LawfulRadio]:
        yield LawfulRadio(self.modem, self._band, self._ledger)

    async def settle(self) -> None:
        """The terminal says that it has nothing, and is heard."""
        self.modem.arriving.put_nowait(self.status())
        await asyncio.sleep(SOON_S)
        self.modem.sent.clear()

    def turns(self) -> list[list[HeardTurn]]:
        """Of every schedule that went out."""
        key = link_key(self.gateway.group_radio_key, Direction.ALL, 0, self.radio_store.epoch)
        return [
            list(unpack_schedule(open_frame(key, frame, ReplayWindow()).content)[1])
            for frame, _ in self.modem.sent
        ]

    def promised(self) -> list[int]:
        """Up to where, schedule by schedule."""
        return [turn.turn.upto for turns in self.turns() for turn in turns]

    def close(self) -> None:
        self.radio_store.close()
        self._ledger.close()


def now_s() -> float:
    return asyncio.get_running_loop().time()


Scene = Callable[[County], Coroutine[Any, Any, None]]
Play = Callable[..., None]


@pytest.fixture
def play(run: Run, tmp_path: Path) -> Play:
    """Runs a scene in a county whose terminal has said that it has nothing."""

    def played(scene: Scene, band: Band = BANDS["CN470"][0]) -> None:
        async def main() -> None:
            use_inline_threads()
            county = County(tmp_path, band)
            county.enrol()
            tasks = [
                asyncio.create_task(work)
                for work in (county.plug(), county.link.send(), county.link.admit())
            ]
            await asyncio.sleep(0)
            try:
                await county.settle()
                await scene(county)
                assert not any(task.done() for task in tasks[1:]), "it goes on"
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                county.close()

        with quick_disk():
            run(main())

    return played


def test_what_is_heard_is_stored_and_then_receipted(play: Play) -> None:
    async def scene(county: County) -> None:
        county.listener.heard.clear()
        county.modem.arriving.put_nowait(county.frame(1))
        await asyncio.sleep(SOON_S)
        assert county.store.commits[-1] == [1]
        assert county.promised() == [1]
        assert county.listener.heard == [HeardFrom("t1", -91, 7.5, 0)]

    play(scene)


def test_nothing_is_said_while_nothing_is_wanted(play: Play) -> None:
    async def scene(county: County) -> None:
        await asyncio.sleep(300)
        assert county.modem.sent == []

    play(scene)


def test_what_the_store_refused_is_tried_again_and_receipted_only_then(play: Play) -> None:
    async def scene(county: County) -> None:
        county.store.failures = 5
        for seq in (1, 2):
            county.modem.arriving.put_nowait(county.frame(seq))
        await asyncio.sleep(4.5 * STORE_RETRY_S)
        county.modem.arriving.put_nowait(county.frame(3))
        assert county.modem.sent == []
        await asyncio.sleep(SOON_S)
        assert county.store.commits[-1] == [1, 2, 3], "each once, in the order they came"
        assert county.promised() == [3]

    play(scene)


def test_frames_that_come_during_a_commit_go_into_the_next_one(play: Play) -> None:
    async def scene(county: County) -> None:
        county.store.commit_s = 5.0
        county.store.commits.clear()
        county.modem.arriving.put_nowait(county.frame(1))
        await asyncio.sleep(1)
        for seq in (2, 3):
            county.modem.arriving.put_nowait(county.frame(seq))
        await asyncio.sleep(2 * SOON_S)
        assert county.store.commits == [[1], [2, 3]]
        assert county.promised() == [3], "one receipt, when all of it is stored"

    play(scene)


def test_the_law_holds_a_receipt_back_and_it_goes_out_when_it_may(play: Play) -> None:
    async def scene(county: County) -> None:
        radio = county.link.radio
        assert radio is not None
        while radio.free_at_s(1) <= now_s():
            await radio.send(b"?")
        county.modem.sent.clear()
        county.modem.arriving.put_nowait(county.frame(1))
        county.modem.arriving.put_nowait(county.status())
        await asyncio.sleep(100)
        assert county.modem.sent == []
        await asyncio.sleep(HOUR_S)
        assert county.promised()[0] == 1

    play(scene, TIGHT)


def test_a_frame_the_modem_did_not_take_is_said_again(play: Play) -> None:
    async def scene(county: County) -> None:
        county.modem.fails = True
        county.modem.arriving.put_nowait(county.frame(1))
        await asyncio.sleep(SOON_S)
        assert county.modem.sent == []
        county.modem.fails = False
        back_s = now_s()
        await asyncio.sleep(SOON_S)
        assert county.promised() == [1]
        assert county.modem.sent[0][1] - back_s < SEND_AGAIN_S + 1

    play(scene)


def test_unplugged_and_plugged_in_again_it_goes_on(play: Play) -> None:
    async def scene(county: County) -> None:
        county.store.commit_s = 5.0
        county.modem.arriving.put_nowait(county.frame(1))
        county.modem.arriving.put_nowait(None)
        await asyncio.sleep(SOON_S)
        assert county.link.radio is None
        assert county.store.held.highest == 1, "what was heard is stored all the same"
        assert county.modem.sent == []
        using = asyncio.create_task(county.plug())
        await asyncio.sleep(SOON_S)
        assert county.promised() == [1]
        county.modem.arriving.put_nowait(county.frame(2))
        await asyncio.sleep(SOON_S)
        assert county.promised() == [1, 2]
        using.cancel()
        with suppress(asyncio.CancelledError):
            await using

    play(scene)


def test_what_came_by_another_link_is_promised_by_radio_too(play: Play) -> None:
    async def scene(county: County) -> None:
        county.link.stored([Stream(1, "t1", EPOCH, SeqSet([(1, 8)]))])
        county.store.held.add(1, 8)
        county.modem.arriving.put_nowait(county.frame(9))
        await asyncio.sleep(SOON_S)
        assert county.promised() == [9]

    play(scene)


def test_a_bulletin_goes_out_to_who_listens_and_stops_when_it_is_held(play: Play) -> None:
    async def scene(county: County) -> None:
        county.link.publish(3, bytes(100))
        await asyncio.sleep(10)
        assert len(county.modem.sent) == 1
        county.link.news.told("t1", 3)
        await asyncio.sleep(300)
        assert len(county.modem.sent) == 1

    play(scene)


def test_a_disk_that_fails_keeps_it_from_using_a_counter_twice(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(county: County) -> None:
        reserve, failures = county.radio_store.reserve, iter([True, True, False])

        def reserving() -> range:
            if next(failures, False):
                raise StoreError("the disk is full")
            return reserve()

        monkeypatch.setattr(county.radio_store, "reserve", reserving)
        frames = COUNTERS_PER_BLOCK + 10
        for number in range(frames):
            county.modem.arriving.put_nowait(county.frame(1 + number % 200))
            await asyncio.sleep(SOON_S)
        clear = [frame[3:6] for frame, _ in county.modem.sent]
        assert len(clear) >= frames
        assert len(set(clear)) == len(clear)

    play(scene)


def test_the_receipt_waits_a_moment_for_others(play: Play) -> None:
    async def scene(county: County) -> None:
        start_s = now_s()
        county.modem.arriving.put_nowait(county.frame(1))
        await asyncio.sleep(SOON_S)
        frame, end_s = county.modem.sent[0]
        assert end_s - start_s == pytest.approx(
            RECEIPT_WAIT_S + county.modem.airtime_s(len(frame)), abs=0.1
        )

    play(scene)
