"""Simulated Meshtastic node: USB serial stream and antenna, message for message.

Written from hw/meshtastic.md, never from drivers/, so that the two can disagree.
Modelled: text until the host speaks and after a restart, framing, the run of configuration,
packets only after it and not after 15 minutes of silence, queue and its answers, duty cycle,
random wait and CAD, packet ids given twice, the header on the air, signatures as so many bytes,
other channels told as encrypted.
Not modelled: the key of a channel (bytes are in the clear on the air, and as many), relaying,
acknowledgements, what a node sends by itself, packets to itself, administration (its settings are
given by who makes it), log records, the window that grows with the channel's use, sleep.
"""

import asyncio
import math
from collections import deque
from random import Random

from sim.devices.line import DeviceLine
from sim.devices.meshtastic_memory import NodeSettings
from sim.devices.meshtastic_radio import (
    HEADER_BYTES,
    QUEUE_PACKETS,
    AirPacket,
    Attach,
    NodeRadio,
)
from sim.devices.meshtastic_wire import (
    Fields,
    Fixed,
    Float,
    FrameReader,
    Malformed,
    blob,
    build,
    framed,
    number,
    take_apart,
)

VERSION = "2.8.0.7754068"
BOOT_S = 2.0  # assumed; text all the while
EVERYBODY = 0xFFFF_FFFF
ONLY_CONFIG = 69420
KEPT_PACKETS = 16
KEPT_IDS = 20
HOST_GONE_S = 900.0

_SIGNATURE_BYTES = 64
_MAX_AIR_BYTES = 255
_CHANNELS = 8
_CONFIGS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
_LORA = 6
_MODULES = range(1, 15)
_BOOT_TEXT = (
    b"rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n",
    b"INFO  | ??:??:?? 1 S:B:9,2.8.0,tbeam,a/b\r\n",
)


class SimMeshtastic:
    """A node between `line` and the antenna that `attach` gives it; on, with these settings."""

    def __init__(
        self,
        line: DeviceLine,
        attach: Attach,
        *,
        node: int,
        settings: NodeSettings,
        version: str = VERSION,
        signs: bool = True,
        seed: int = 0,
    ) -> None:
        self._line, self._attach, self._version = line, attach, version
        self._node, self._signs = node, signs
        self._random = Random(seed)
        self._radio = NodeRadio(settings, self._receive, self._random)
        self._uart = asyncio.Lock()
        self._for_host: deque[bytes] = deque()
        self._has_news = asyncio.Event()
        self._is_dead = False
        self._reboots = 0
        self._start()

    @property
    def settings(self) -> NodeSettings:
        """How it is set now."""
        return self._radio.settings

    @property
    def gives_packets(self) -> bool:
        """Whether the host has asked for the configuration, and been heard since."""
        return self._is_connected and _now_s() - self._heard_host_s < HOST_GONE_S

    # --- trouble --------------------------------------------------------------------------

    def die(self) -> None:
        """Take bytes and do nothing any more."""
        self._is_dead = True

    async def lose_power(self) -> None:
        """Off and on again, on a board whose USB bridge stays."""
        await self.become(self.settings)

    async def become(self, settings: NodeSettings) -> None:
        """Be set so by its owner, which restarts it."""
        self._reboots += 1
        self._start()
        self._is_down = True
        await self._radio.tune(settings)
        for text in _BOOT_TEXT:
            await self._write(text)
            await asyncio.sleep(BOOT_S / len(_BOOT_TEXT))
        self._is_down = False

    # --- the node -------------------------------------------------------------------------

    async def run(self) -> None:
        """Work for ever. Raises what its antenna raises when the air is gone."""
        works = [
            asyncio.create_task(work)
            for work in (self._radio.run(self._attach), self._take_in(), self._give_out())
        ]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in works:
                task.cancel()
            await asyncio.gather(*works, return_exceptions=True)

    def _start(self) -> None:
        self._reader = FrameReader()
        self._ids: deque[int] = deque(maxlen=KEPT_IDS)
        self._for_host.clear()
        self._is_connected = self._is_down = False
        self._heard_host_s = 0.0

    async def _take_in(self) -> None:
        while True:
            for byte in await self._line.read():
                if self._is_dead or self._is_down:
                    continue
                message = self._reader.take(byte)
                if message is None:
                    continue
                try:
                    await self._obey(take_apart(message))
                except Malformed:
                    continue

    async def _obey(self, said: Fields) -> None:
        self._heard_host_s = _now_s()
        if 3 in said:
            await self._tell_configuration(number(said, 3))
        elif 1 in said:
            await self._take_packet(take_apart(blob(said, 1)))
        elif 7 in said:
            if number(take_apart(blob(said, 7)), 1) != 1:
                await self._tell_queue(0, 0)
        elif 4 in said:
            self._is_connected = False

    async def _tell_configuration(self, request: int) -> None:
        self._is_connected = False
        await self._tell({3: build({1: self._node, 8: self._reboots, 11: 30200})})
        await self._tell({17: b""})
        await self._tell({4: build({1: self._node})})
        await self._tell({13: build({1: self._version.encode(), 9: 4})})
        for index in range(_CHANNELS):
            settings = build({3: self.settings.channel.encode()}) if index == 0 else b""
            await self._tell({10: build({1: index, 2: settings, 3: int(index == 0)})})
        for which in _CONFIGS:
            inner = self.settings.message() if which == _LORA else b""
            await self._tell({5: build({which: inner})})
        for which in _MODULES:
            await self._tell({9: build({which: b""})})
        if request != ONLY_CONFIG:
            await self._tell({4: build({1: self._node ^ 1})})
        await self._tell({7: request})
        self._is_connected = True
        self._has_news.set()

    # --- packets --------------------------------------------------------------------------

    async def _take_packet(self, packet: Fields) -> None:
        packet_id = number(packet, 6) or self._random.randrange(1, 1 << 31)
        if packet_id in self._ids:
            return
        self._ids.append(packet_id)
        data = take_apart(blob(packet, 4))
        encoded = build({1: number(data, 1), 2: blob(data, 2)}) + b"\x48\x00"  # the bitfield
        signed = encoded + build({10: self._random.randbytes(_SIGNATURE_BYTES)})
        to = number(packet, 2)
        if self._signs and to == EVERYBODY and HEADER_BYTES + len(signed) <= _MAX_AIR_BYTES:
            encoded = signed
        hop_limit = number(packet, 9)
        result = self._radio.put(
            AirPacket(
                to,
                self._node,
                packet_id,
                hop_limit,
                self.settings.channel_hash,
                encoded,
                hop_start=hop_limit,
            )
        )
        await self._tell_queue(result, packet_id)

    def _receive(self, packet: AirPacket, rssi_dbm: float, snr_db: float) -> None:
        if packet.to not in {EVERYBODY, self._node} or len(self._for_host) >= KEPT_PACKETS:
            return
        is_known = packet.channel_hash == self.settings.channel_hash
        self._for_host.append(
            build(
                {
                    1: Fixed(packet.sender),
                    2: Fixed(packet.to),
                    3: 0 if is_known else packet.channel_hash,
                    4 if is_known else 5: packet.data,
                    6: Fixed(packet.packet_id),
                    8: Float(snr_db),
                    9: packet.hop_limit,
                    12: math.floor(rssi_dbm + 0.5),
                    14: int(packet.via_mqtt),
                    15: packet.hop_start,
                }
            )
        )
        self._has_news.set()

    async def _give_out(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            while self._for_host and self.gives_packets and not self._is_down:
                await self._tell({2: self._for_host.popleft()})

    # --- the line -------------------------------------------------------------------------

    async def _tell_queue(self, result: int, packet_id: int) -> None:
        status = {1: result, 2: self._radio.free, 3: QUEUE_PACKETS, 4: packet_id}
        await self._tell({11: build(status)})

    async def _tell(self, variant: dict[int, int | float | bytes]) -> None:
        await self._write(framed(build(variant)))

    async def _write(self, data: bytes) -> None:
        if self._is_dead:
            return
        async with self._uart:  # one message after another, whoever says it
            await self._line.write(data)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
