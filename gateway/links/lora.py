"""LoRa at the county: terminals that have no network. Runs `lora_engine` on a `Radio`.

What comes off the air is admitted like any message, on a worker thread; the engine hears what was
committed, and says so by radio. The modem is kept in use for as long as the gateway runs.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from drivers.errors import AirtimeSpent, TransientDriverError
from drivers.port import Closable
from drivers.radios.base import Heard
from drivers.radios.lawful import LawfulRadio
from drivers.supervisor import Ready
from gateway.intake import Admitted
from gateway.links.lora_engine import LoraEngine
from gateway.links.lora_news import NewsRounds
from gateway.links.lora_nodes import RadioNodes
from gateway.links.lora_pace import Pace
from gateway.radio import UpFrame
from gateway.store.base import StoreError, Stream
from gateway.store.radio import RadioStore
from protocol.keys import Identity
from protocol.radio_keys import Direction, link_key
from protocol.radio_up import Progress

log = logging.getLogger(__name__)

SEND_AGAIN_S = 2.0  # a modem that did not take a frame is given a moment
STORE_RETRY_S = 1.0
TURNS_OF_A_BEACON = 8  # where the law counts the gateway's airtime
LOW_COUNTERS = 64  # frames: a minute's worth at least, in which a disk can reserve the next block

OpenRadio = Callable[[Closable, Ready], AbstractAsyncContextManager[LawfulRadio]]
Admit = Callable[[Sequence[UpFrame]], Awaitable[Admitted]]


@dataclass(frozen=True, slots=True)
class HeardFrom:
    """A terminal's frame, and how well it came in."""

    node: str
    rssi_dbm: int | None
    snr_db: float | None
    skipped: int
    """Frames of it that must have been lost before."""
    is_last: bool
    """Nothing waits behind it."""


class RadioListener(Protocol):
    """Who wants to know what happens on the radio, in the event loop."""

    def radio_heard(self, heard: HeardFrom) -> None:
        """A terminal's frame was opened."""

    def radio_admitted(self, admitted: Admitted) -> None:
        """What frames brought is stored."""


class LoraLink:
    """The gateway's radio."""

    def __init__(
        self,
        identity: Identity,
        nodes: RadioNodes,
        store: RadioStore,
        admit: Admit,
        listener: RadioListener,
        *,
        time_s: Callable[[], int],
    ) -> None:
        """`admit` stores frames and raises `StoreError`; `time_s` is Unix time, 0 for unknown."""
        self._identity, self._nodes, self._store = identity, nodes, store
        self._admit, self._listener, self._time_s = admit, listener, time_s
        self._counters: deque[int] = deque()
        self._engine: LoraEngine | None = None
        """None until the radio was open once: how time goes by depends on the modem."""
        self._streams: Iterable[Stream] = ()
        self._arrived: list[UpFrame] = []
        self._wake, self._work = asyncio.Event(), asyncio.Event()
        self.radio: LawfulRadio | None = None
        """The modem in use; None while there is none."""
        self.news = NewsRounds()

    def enrol(self, node: str, address: int) -> None:
        """Know a terminal; a second time changes nothing."""
        self._nodes.enrol(node, address)
        self._wake.set()

    def stored(self, streams: Iterable[Stream]) -> None:
        """This is held of these outboxes, by whatever way it came."""
        if self._engine is None:
            self._streams = [*self._streams, *streams]
        else:
            self._engine.committed([], streams, _now_s())
            self._wake.set()

    def publish(self, number: int, message: bytes) -> None:
        """This is the bulletin now."""
        self.news.publish(number, message, _now_s())
        self._wake.set()

    async def use(self, port: Closable, ready: Ready, open_radio: OpenRadio) -> None:
        """Use a modem on an open port until that fails. Raises driver errors."""
        async with open_radio(port, ready) as radio:
            engine = self._engine or self._first_engine(radio)
            self.radio = radio
            self._wake.set()
            try:
                async for heard in radio.heard():
                    self._take(engine, heard)
            finally:
                self.radio = None

    async def send(self) -> None:
        """Send what the engine wants sent, whenever there is a radio, until cancelled."""
        while True:
            self._wake.clear()
            engine, radio = self._engine, self.radio
            if engine is None or radio is None:
                await self._wake.wait()
                continue
            if len(self._counters) < LOW_COUNTERS:
                await self._reserve()
            frame = engine.next_transmission(_now_s())
            if frame is not None:
                await _transmit(engine, radio, frame)
            elif not self._wake.is_set():
                await self._sleep(engine.wake_at_s())

    async def admit(self) -> None:
        """Have what was heard stored, and tell the engine, until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            frames, self._arrived = self._arrived, []
            if not frames or self._engine is None:
                continue
            try:
                admitted = await self._admit(frames)
            except StoreError as error:
                log.error("%s", error)
                await asyncio.sleep(STORE_RETRY_S)
                self._arrived = [*frames, *self._arrived]
                self._work.set()
                continue
            for node, status in admitted.statuses:
                self.news.told(node, status.news)
            self._engine.committed(frames, admitted.streams, _now_s(), admitted.other_roster)
            self._listener.radio_admitted(admitted)
            self._wake.set()

    def _first_engine(self, radio: LawfulRadio) -> LoraEngine:
        is_rationed = radio.band.budget is not None
        pace = Pace(
            radio.airtime_s,
            radio.max_frame_bytes,
            TURNS_OF_A_BEACON if is_rationed else 1,
            answer_s=2 * radio.lag_s,
            gap_s=radio.gap_s,
        )
        identity = self._identity
        key = link_key(
            identity.group_radio_key, Direction.ALL, identity.radio_address, self._store.epoch
        )
        self._engine = engine = LoraEngine(
            self._nodes, key, self._counters.popleft, self._time_s, pace, self.news
        )
        engine.committed([], self._streams, _now_s())
        self._streams = ()
        return engine

    def _take(self, engine: LoraEngine, heard: Heard) -> None:
        up = engine.heard(heard.frame, heard.received_mono_s)
        self._wake.set()
        if up is None:
            return
        self.news.heard(up.node, _now_s())
        self._listener.radio_heard(
            HeardFrom(
                up.node,
                heard.rssi_dbm,
                heard.snr_db,
                up.skipped,
                is_last=up.progress == Progress(0, 0),
            )
        )
        self._arrived.append(up)
        self._work.set()

    async def _reserve(self) -> None:
        while True:
            try:
                self._counters += await asyncio.to_thread(self._store.reserve)
            except StoreError as error:
                log.error("%s", error)
                await asyncio.sleep(STORE_RETRY_S)
            else:
                return

    async def _sleep(self, until_s: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._wake.wait()


async def _transmit(engine: LoraEngine, radio: LawfulRadio, frame: bytes) -> None:
    try:
        await radio.send(frame)
    except AirtimeSpent as error:
        log.info("%s", error)
        engine.held_back(error.free_at_s)
    except TransientDriverError as error:
        log.warning("a frame was not sent: %s", error)
        engine.held_back(_now_s() + SEND_AGAIN_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
