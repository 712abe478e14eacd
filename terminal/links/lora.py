"""LoRa: the way to the gateway when there is no network. Runs `lora_engine` on a radio.

The radio listens for as long as the terminal runs, whoever sends: schedules, the time, bulletins
and the other lanes come by it. Records go by it between `begin` and `stop`. Receipts and replay
windows reach the disk on a worker thread.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Protocol

from drivers.errors import AirtimeSpent, TransientDriverError
from drivers.port import Closable
from drivers.radios.base import Heard
from drivers.radios.lawful import LawfulRadio
from drivers.supervisor import Ready
from protocol.radio_up import Status
from protocol.roster_order import NOBODY, RosterOrder
from protocol.sequences import SeqSet
from terminal.errors import OutboxBroken
from terminal.links.lora_counters import Counters
from terminal.links.lora_engine import LoraEngine, RadioKeys, Tellings
from terminal.outbox import Outbox

log = logging.getLogger(__name__)

SEND_AGAIN_S = 2.0  # a modem that did not take a frame is given a moment
DISK_AGAIN_S = 5.0  # likewise a card that fails
COUNTERS_AGAIN_S = 1.0  # as often as `terminal.frame_counters` looks
KEEP_WINDOWS_EVERY_S = 60.0  # a schedule of this minute may count again after a restart: harmless

OpenRadio = Callable[[Closable, Ready], AbstractAsyncContextManager[LawfulRadio]]


class RadioListener(Protocol):
    """What a terminal hears by radio, in the event loop."""

    def gateway_time(self, gateway_ms: int) -> None:
        """The gateway's clock, from a genuine receipt."""

    def news(self, content: bytes) -> None:
        """A piece of an announcement, not verified."""


class LoraLink:
    """One terminal's radio.

    Whoever holds it keeps `counters` filled; `sent_otherwise` tells which records went by another
    link, `status` how the terminal fares; `tellings` is None for the only lane of a point.
    """

    def __init__(
        self,
        outbox: Outbox,
        counters: Counters,
        keys: RadioKeys,
        listener: RadioListener,
        *,
        status: Callable[[], Status],
        sent_otherwise: Callable[[], SeqSet],
        tellings: Tellings | None = None,
    ) -> None:
        self._outbox, self._counters = outbox, counters
        self._keys, self._listener = keys, listener
        self._status, self._sent_otherwise, self._tellings = status, sent_otherwise, tellings
        self._engine: LoraEngine | None = None
        """None until the radio was open once: what a frame holds depends on the modem."""
        self._order = NOBODY
        self._is_active = False
        self._to_settle = SeqSet()
        self._wake, self._books = asyncio.Event(), asyncio.Event()
        self._windows_due_s = 0.0
        self.radio: LawfulRadio | None = None
        """The modem in use; None while there is none."""

    @property
    def last_answer_s(self) -> float | None:
        """When the gateway's genuine word for us was heard last, by the event loop's time."""
        return self._engine.last_answer_s if self._engine is not None else None

    def begin(self) -> None:
        """Records go by radio from now on."""
        self._is_active = True
        if self._engine is not None:
            self._engine.begin(_now_s(), self._sent_otherwise())
        self._wake.set()

    def stop(self) -> None:
        """Records go another way; the radio still listens, and answers when it is asked."""
        self._is_active = False
        if self._engine is not None:
            self._engine.stop()

    def appended(self) -> None:
        """The outbox has something new, or neighbours are to be told something."""
        if self._engine is not None:
            self._engine.appended(_now_s())
        self._wake.set()

    def use_roster(self, order: RosterOrder) -> None:
        """Pack by this roster from now on."""
        self._order = order
        if self._engine is not None:
            self._engine.use_roster(order)

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
            if self._counters.is_empty:
                await asyncio.sleep(COUNTERS_AGAIN_S)
                continue
            try:
                frame = engine.next_transmission(_now_s())
            except OutboxBroken as error:
                log.error("the outbox cannot be read: %s", error)
                await asyncio.sleep(DISK_AGAIN_S)
                continue
            if frame is not None:
                await _transmit(engine, radio, frame)
            elif not self._wake.is_set():
                await self._sleep(engine.wake_at_s())

    async def keep_books(self) -> None:
        """Take to the disk what belongs there, until cancelled."""
        while True:
            await self._books.wait()
            self._books.clear()
            try:
                await self._keep_books()
            except OutboxBroken as error:
                log.error("what the radio brought cannot be booked: %s", error)
                await asyncio.sleep(DISK_AGAIN_S)
                self._books.set()

    async def _keep_books(self) -> None:
        outbox, engine = self._outbox, self._engine
        if engine is None:
            return
        stored, self._to_settle = self._to_settle, SeqSet()
        if stored:
            try:
                await asyncio.to_thread(outbox.settle_numbers, stored, engine.sent_numbers)
            except OutboxBroken:
                self._to_settle = SeqSet([*self._to_settle, *stored])
                raise
        if _now_s() >= self._windows_due_s:
            await asyncio.to_thread(outbox.keep_windows, dict(engine.windows))
            self._windows_due_s = _now_s() + KEEP_WINDOWS_EVERY_S

    async def _sleep(self, until_s: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._wake.wait()

    def _first_engine(self, radio: LawfulRadio) -> LoraEngine:
        self._engine = engine = LoraEngine(
            self._outbox,
            self._counters,
            self._keys,
            self._status,
            max_frame_bytes=radio.max_frame_bytes,
            airtime_s=radio.airtime_s,
            random=Random(),
            windows=self._outbox.windows(),
            tellings=self._tellings,
        )
        engine.use_roster(self._order)
        if self._is_active:
            engine.begin(_now_s(), self._sent_otherwise())
        return engine

    def _take(self, engine: LoraEngine, heard: Heard) -> None:
        heeded = engine.heard(heard.frame, heard.received_mono_s, heard.rssi_dbm)
        for first, last in heeded.stored:
            self._to_settle.add(first, last)
        if heeded.gateway_s is not None:
            self._listener.gateway_time(heeded.gateway_s * 1000)
        if heeded.news is not None:
            self._listener.news(heeded.news)
        self._wake.set()
        self._books.set()


async def _transmit(engine: LoraEngine, radio: LawfulRadio, frame: bytes) -> None:
    try:
        await radio.send(frame)
    except AirtimeSpent as error:
        log.info("%s", error)
        engine.not_sent(error.free_at_s)
    except TransientDriverError as error:
        log.warning("a frame was not sent: %s", error)
        engine.not_sent(_now_s() + SEND_AGAIN_S)
    else:
        engine.sent(_now_s())


def _now_s() -> float:
    return asyncio.get_running_loop().time()
