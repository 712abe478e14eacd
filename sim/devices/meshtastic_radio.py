"""The radio of a simulated Meshtastic node: its queue, its patience, and what it receives.

Written from hw/meshtastic.md 5 and 6.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from sim.air.antenna import Antenna, OnSignal, Signal
from sim.air.lora import LoraSettings, airtime_s, symbol_s
from sim.devices.meshtastic_memory import NodeSettings

QUEUE_PACKETS = 16
HEADER_BYTES = 16
MAX_DATA_BYTES = 239
QUEUED, TOO_LARGE, TOO_MUCH_AIRTIME, QUEUE_FULL, DISABLED = 0, 7, 9, 32, 34

_WINDOW_SLOTS = 8  # of a quiet channel
_SLOT_SYMBOLS = 2.5
_SLOT_S = 0.0076
_HOUR_S = 3600.0
_HOP_BITS = 7
_MQTT_BIT = 0x10
_HOP_START_SHIFT = 5

Attach = Callable[[OnSignal], Awaitable[Antenna]]
"""Puts an antenna on some air; it calls what it is given with what arrives."""


@dataclass(frozen=True, slots=True)
class AirPacket:
    """A packet with the header of section 6; `data` is what a channel's key would hide."""

    to: int
    sender: int
    packet_id: int
    hop_limit: int
    channel_hash: int
    data: bytes = field(repr=False)
    hop_start: int = 0
    via_mqtt: bool = False

    def pack(self) -> bytes:
        """As it goes on the air."""
        flags = self.hop_limit & _HOP_BITS | self.hop_start << _HOP_START_SHIFT
        flags |= _MQTT_BIT * self.via_mqtt
        words = b"".join(
            word.to_bytes(4, "little") for word in (self.to, self.sender, self.packet_id)
        )
        return words + bytes([flags, self.channel_hash, 0, self.sender & 0xFF]) + self.data


def unpack(frame: bytes) -> AirPacket | None:
    """A packet off the air; None: it is too short, or without a sender."""
    if len(frame) < HEADER_BYTES:
        return None
    to, sender, packet_id = (int.from_bytes(frame[at : at + 4], "little") for at in (0, 4, 8))
    flags = frame[12]
    if sender == 0:
        return None
    return AirPacket(
        to,
        sender,
        packet_id,
        flags & _HOP_BITS,
        frame[13],
        frame[HEADER_BYTES:],
        flags >> _HOP_START_SHIFT,
        bool(flags & _MQTT_BIT),
    )


class NodeRadio:
    """The queue and the chip. `on_packet` is given what is received, with dBm and dB."""

    def __init__(
        self,
        settings: NodeSettings,
        on_packet: Callable[[AirPacket, float, float], None],
        random: Random,
    ) -> None:
        self.settings = settings
        self._on_packet, self._random = on_packet, random
        self._antenna: Antenna | None = None
        self._queue: deque[bytes] = deque()
        self._has_work = asyncio.Event()
        self._sent: deque[tuple[float, float]] = deque()  # end and airtime of the last hour

    @property
    def free(self) -> int:
        """Places left in the queue."""
        return QUEUE_PACKETS - len(self._queue)

    def put(self, packet: AirPacket) -> int:
        """Queue a packet; the result the host is told."""
        region = self.settings.rules
        if len(packet.data) > MAX_DATA_BYTES:
            return TOO_LARGE
        if region is None or not self.settings.may_send:
            return DISABLED
        if not self.settings.ignores_duty_cycle and self._spent_s() > region.duty * _HOUR_S:
            return TOO_MUCH_AIRTIME
        if not self.free:
            return QUEUE_FULL
        self._queue.append(packet.pack())
        self._has_work.set()
        return QUEUED

    async def tune(self, settings: NodeSettings) -> None:
        """Be set so from now on; what is queued is lost, as by a restart."""
        self.settings = settings
        self._queue.clear()
        if self._antenna is not None:
            await self._antenna.listen(settings.lora)

    async def run(self, attach: Attach) -> None:
        """Work for ever. Raises what its antenna raises when the air is gone."""
        self._antenna = antenna = await attach(self._hear)
        try:
            await antenna.listen(self.settings.lora)
            while True:
                await self._has_work.wait()
                lora = self.settings.lora
                if not self._queue or lora is None:
                    self._has_work.clear()
                    continue
                await asyncio.sleep(self._random.randrange(_WINDOW_SLOTS) * _slot_s(lora))
                if not await antenna.cad(lora) and self._queue:
                    await self._transmit(antenna, self._queue.popleft(), lora)
        finally:
            await antenna.close()

    async def _transmit(self, antenna: Antenna, frame: bytes, lora: LoraSettings) -> None:
        await antenna.transmit(frame, lora)
        self._sent.append((asyncio.get_running_loop().time(), airtime_s(lora, len(frame))))

    def _hear(self, signal: Signal) -> None:
        packet = None if signal.frame is None else unpack(signal.frame)
        if packet is not None and self.settings.rules is not None:
            self._on_packet(packet, signal.rssi_dbm, signal.snr_db)

    def _spent_s(self) -> float:
        since_s = asyncio.get_running_loop().time() - _HOUR_S
        while self._sent and self._sent[0][0] < since_s:
            self._sent.popleft()
        return sum(taken_s for _, taken_s in self._sent)


def _slot_s(lora: LoraSettings) -> float:
    return _SLOT_SYMBOLS * symbol_s(lora) + _SLOT_S
