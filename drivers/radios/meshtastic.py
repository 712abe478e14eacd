"""Meshtastic nodes as bearers of our frames: one hop, no flooding. hw/meshtastic.md.

The node's firmware owns the air, and that bounds what `LawfulRadio` can promise of one. It books
every frame given to it, rather too long, and keeps ours within the longest frame and the budget
of the band. It cannot see what the node sends by itself: node info, telemetry, other nodes'
packets it relays. Those go by the node's own duty cycle, where its region has one, and by no
limit of length: the one-second rule of CN470 and the 0.4 s of US915 the firmware does not know.
The node listens before it sends, for LoRa only. A node that is alone on its channel, with the
role CLIENT_MUTE, no telemetry and no position, sends hardly more than is booked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from random import Random

from drivers.errors import (
    DeviceRefused,
    DeviceSilent,
    DriverError,
    OtherDevice,
    PortGone,
    TransientDriverError,
)
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.radios.meshtastic_exchange import MeshExchange
from drivers.radios.meshtastic_messages import MAX_FRAME_BYTES, LoraConfig
from drivers.radios.meshtastic_settings import MeshSettings, check_length

log = logging.getLogger(__name__)

NAME = "Meshtastic node"
CHECK_EVERY_S = 3600.0
HEARTBEAT_EVERY_S = 300.0  # after 900 s without one it thinks us gone, and is silent
CONFIG_LIMIT_S = 20.0  # some thirty messages, behind whatever waits in the node
SILENT_TRIES = 6  # twelve seconds: a node that has just got power does not answer before
SET_UP_TRIES = 20  # on a line that damages every fourth message
POLL_S = 0.1  # how often it is asked whether a frame has left its queue
QUEUE_LIMIT_S = 60.0  # a busy mesh, or a channel that is never free
HOST_S = 0.4  # assumed: a node answers within 0.3 s, and two event loops
_BYTE_S = 10 / 115_200
_LINE_S = (MAX_FRAME_BYTES + 60) * _BYTE_S  # with what is around a frame
_MOST_SLOTS = 15  # the random wait's on a channel up to two fifths full
_QUEUED, _TOO_MUCH_AIRTIME, _QUEUE_FULL = 0, 9, 32
_REFUSALS = {
    _TOO_MUCH_AIRTIME: "the node has used up its duty cycle",
    _QUEUE_FULL: "the node's queue is full",
    34: "the node's transmitter is off",
}


class MeshtasticRadio:
    """A `Radio` on the USB port of a Meshtastic node.

    The node is its owner's, and is not written to: one that is set otherwise than `settings` is
    `DeviceRefused`, at once or within the hour, with what is different. `on_ready` is told a few
    words once it has been found to be right.
    """

    def __init__(
        self,
        port: BytePort,
        *,
        settings: MeshSettings,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings, self._on_ready = settings, on_ready
        self._exchange = MeshExchange(port)
        self._now_s = asyncio.get_running_loop().time
        self._random = Random()
        self._turn = asyncio.Lock()  # who may ask the node
        self._begun = asyncio.Event()  # found right, or ended before it was
        self._end: DriverError | None = None
        self._settled_losses = 0
        self._check_at_s = self._now_s()

    @property
    def identity(self) -> str | None:
        """See `Radio.identity`: the firmware's version."""
        version = self._exchange.firmware
        return None if version is None else f"Meshtastic {version}"

    @property
    def max_frame_bytes(self) -> int:
        """See `Radio.max_frame_bytes`."""
        return MAX_FRAME_BYTES

    def airtime_s(self, frame_bytes: int) -> float:
        """See `Radio.airtime_s`: computed, as if every packet that can be signed were."""
        check_length(frame_bytes)
        return self._settings.airtime_s(frame_bytes)

    @property
    def lag_s(self) -> float:
        """See `Radio.lag_s`: over both lines, and the firmware's random wait."""
        return self.gap_s + _LINE_S

    @property
    def gap_s(self) -> float:
        """See `Radio.gap_s`: the random wait, and that we learn late of an empty queue."""
        return _LINE_S + POLL_S + _MOST_SLOTS * self._settings.slot_s + HOST_S

    async def send(self, frame: bytes) -> None:
        """See `Radio.send`. Nobody says when a frame has left; so it may return a little late."""
        check_length(len(frame))
        await self._begun.wait()
        async with self._turn:
            if self._end is not None:
                raise PortGone("the radio is not in use any more") from self._end
            if self._is_lost:
                await self._set_up()
            status = await self._exchange.put(frame, self._random.randrange(1, 1 << 32))
            if status is None:
                raise TransientDriverError("the node does not say that it took the frame")
            if status.result != _QUEUED:
                said = _REFUSALS.get(status.result, f"the node refuses it: {status.result}")
                raise TransientDriverError(said)
            await self._until_sent()
            await asyncio.sleep(self.airtime_s(len(frame)))

    async def heard(self) -> AsyncIterator[Heard]:
        """See `Radio.heard`; `DeviceRefused` for a node that is set otherwise."""
        reading = asyncio.create_task(self._exchange.run())
        try:
            await self._set_up()
            self._on_ready(f"{self.identity or NAME}, {self._settings.frequency_hz / 1e6:.3f} MHz")
            self._begun.set()
            beat_at_s = self._now_s() + HEARTBEAT_EVERY_S
            while True:
                while self._exchange.packets:
                    yield self._exchange.packets.popleft()
                if self._exchange.end is not None:
                    raise self._exchange.end
                look_at_s = min(beat_at_s, self._check_at_s)
                if not self._is_lost and self._now_s() < look_at_s:
                    await self._exchange.until_woken(look_at_s)
                    continue
                async with self._turn:
                    await self._look_after(beat_at_s)
                beat_at_s = self._now_s() + HEARTBEAT_EVERY_S
        except DriverError as error:
            self._end = error
            raise
        finally:
            self._end = self._end or PortGone("nobody listens to the radio any more")
            self._begun.set()
            reading.cancel()

    @property
    def _is_lost(self) -> bool:
        """Whether it may have restarted since it was found right."""
        return self._exchange.losses != self._settled_losses

    async def _look_after(self, beat_at_s: float) -> None:
        """Whoever has the turn does what is due; a send may have done it before."""
        if self._is_lost or self._now_s() >= self._check_at_s:
            await self._set_up()
        elif self._now_s() >= beat_at_s:
            for _ in range(SILENT_TRIES):
                if await self._exchange.queue() is not None:
                    return
            raise DeviceSilent(f"the {NAME} has stopped answering")

    async def _set_up(self) -> None:
        """Find out that the node is set as it must be, after which it gives its packets.

        Raises as `heard`. What was told once may be damage: only the same again is refused.
        """
        if self._begun.is_set() and self._is_lost:
            log.warning("%s: it has restarted, or writes text", self.identity)
        doubted: LoraConfig | None = None
        silent_tries = 0
        for _ in range(SET_UP_TRIES):
            before_bytes = self._exchange.heard_bytes
            lora = await self._exchange.configuration(CONFIG_LIMIT_S)
            if lora is None:
                silent_tries += self._exchange.heard_bytes == before_bytes
                if silent_tries >= SILENT_TRIES:
                    break
                continue
            objection = self._settings.objection(lora)
            if objection is None:
                self._settled_losses = self._exchange.losses
                self._check_at_s = self._now_s() + CHECK_EVERY_S
                return
            if lora == doubted:
                raise DeviceRefused(f"the {NAME} is set otherwise: {objection}")
            doubted = lora
        if self._exchange.heard_bytes:
            raise OtherDevice(f"no {NAME} answers here: another device?")
        raise DeviceSilent(f"no {NAME} answers")

    async def _until_sent(self) -> None:
        """Wait until the node has taken everything out of its queue: it is on the air, or over."""
        until_s = self._now_s() + QUEUE_LIMIT_S
        while self._now_s() < until_s:
            await asyncio.sleep(POLL_S)
            status = await self._exchange.queue()
            if status is not None and status.is_empty:
                return
        raise TransientDriverError("the node does not get rid of the frame")
