"""Requests and answers of a Meshtastic node on an open port, while frames come in between."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable

from drivers.errors import PortGone
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.radios.meshtastic_messages import (
    ONLY_CONFIG,
    ConfigComplete,
    Firmware,
    FromRadio,
    LoraConfig,
    Packet,
    QueueStatus,
    Said,
    broadcast,
    heartbeat,
    want_config,
)
from drivers.radios.meshtastic_stream import WAKE, MessageSplitter, pack

ANSWER_S = 2.0  # assumed: the longest silence between request and answer, or within one
FRAME_GAP_S = 0.2  # assumed: a node never pauses so long within a message
WAKE_S = 0.1  # hw/meshtastic.md 2


class MeshExchange:
    """`run` reads the port, for as long as anybody asks; one task at a time asks."""

    def __init__(self, port: BytePort) -> None:
        self._port = port
        self._messages = MessageSplitter()
        self._now_s = asyncio.get_running_loop().time
        self._woken = asyncio.Event()
        self._reboots = 0
        self._last_s = self._now_s()  # when the last message came
        self._is_complete = False
        self._lora: LoraConfig | None = None
        self._status: asyncio.Future[QueueStatus | None] | None = None
        self._is_meant: Callable[[QueueStatus], bool] = lambda _: False
        self.firmware: str | None = None
        self.heard_bytes = 0
        self.packets: deque[Heard] = deque()
        self.end: PortGone | None = None

    @property
    def losses(self) -> int:
        """Grows whenever the node may have restarted, after which it gives no packets."""
        return self._reboots + self._messages.texts

    async def run(self) -> None:
        """Read until the port goes, which is then told in `end` and to whoever waits."""
        while self.end is None:
            limit_s = FRAME_GAP_S if self._messages.pending else None
            try:
                async with asyncio.timeout(limit_s):
                    data = await self._port.read()
            except TimeoutError:
                self._take(self._messages.give_up())
            except PortGone as gone:
                self.end = gone
                self._answer(None)
            else:
                self.heard_bytes += len(data)
                self._take(self._messages.feed(data))
            self._woken.set()

    async def until_woken(self, when_s: float) -> None:
        """Wait until something happened that is to be looked at, or until then."""
        self._woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(when_s):
                await self._woken.wait()

    async def configuration(self, limit_s: float) -> LoraConfig | None:
        """Ask for the configuration; None: it did not come whole. Raises `PortGone`.

        Afterwards the node gives its packets.
        """
        self._lora, self._is_complete = None, False
        await self._port.write(WAKE)
        await asyncio.sleep(WAKE_S)
        await self._port.write(pack(want_config()))
        self._last_s = self._now_s()
        until_s = self._last_s + limit_s
        while not self._is_complete:
            wait_until_s = min(self._last_s + ANSWER_S, until_s)
            if self.end is not None:
                raise self.end
            if self._now_s() >= wait_until_s:
                return None
            await self.until_woken(wait_until_s)
        return self._lora

    async def queue(self) -> QueueStatus | None:
        """Ask how full the node's queue is; None: no answer. Raises `PortGone`."""
        return await self._ask(heartbeat(), lambda status: status.packet_id == 0)

    async def put(self, frame: bytes, packet_id: int) -> QueueStatus | None:
        """Have a frame queued; what became of it, None: nobody knows. Raises `PortGone`."""
        return await self._ask(
            broadcast(frame, packet_id), lambda status: status.packet_id == packet_id
        )

    async def _ask(
        self, message: bytes, is_meant: Callable[[QueueStatus], bool]
    ) -> QueueStatus | None:
        if self.end is not None:
            raise self.end
        status: asyncio.Future[QueueStatus | None] = asyncio.get_running_loop().create_future()
        self._status, self._is_meant = status, is_meant
        try:
            await self._port.write(pack(message))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    return await status
        finally:
            self._status = None
        return None

    def _answer(self, status: QueueStatus | None) -> None:
        if self._status is not None and not self._status.done():
            self._status.set_result(status)

    def _take(self, messages: Iterable[FromRadio]) -> None:
        for message in messages:
            self._last_s = self._now_s()
            match message:
                case Packet(frame, rssi_dbm, snr_db):
                    self.packets.append(Heard(frame, rssi_dbm, snr_db, self._last_s))
                case QueueStatus():
                    if self._is_meant(message):
                        self._answer(message)
                case LoraConfig():
                    self._lora = message
                case ConfigComplete(request):
                    self._is_complete = request == ONLY_CONFIG
                case Firmware(version):
                    self.firmware = version
                case Said.REBOOTED:
                    self._reboots += 1
                case Said.NOTHING:
                    pass
