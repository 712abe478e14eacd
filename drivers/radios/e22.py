"""LoRa modems of the EByte families E22, E220 and E32 (also Waveshare's SX126x HATs).

All modems of a site send transparently, with the same address: everybody hears everybody, and no
address goes before a frame. Nothing is trusted to the modem's key. hw/e22.md.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import ClassVar

from drivers.errors import DeviceSilent, DriverError, PortGone
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.radios.e22_exchange import AUX_LOOK_S, AUX_STUCK_S, ModemExchange
from drivers.radios.e22_frames import BAUD, E22, E220, Dialect
from drivers.radios.e22_packets import LENGTH_BYTES, PacketSplitter, pack, rssi_dbm
from drivers.radios.e22_pins import Aux, ModePins
from drivers.radios.e22_settings import ModemSettings
from drivers.radios.e32_frames import E32

log = logging.getLogger(__name__)

CHECK_EVERY_S = 3600.0  # anybody on the channel can set it up otherwise
LISTEN_LIMIT_S = 2.0  # it then sends all the same
TAKE_LIMIT_S = 0.2  # assumed: from the last byte of a frame to AUX low, at the latest
BLIND_MARGIN_S = 0.1  # assumed: what goes by between line and antenna, where AUX does not tell
_BYTE_S = 10 / BAUD


class EByteRadio:
    """A `Radio` on an EByte modem's serial line. `pins` None: the mode is switched by software.

    `on_ready` is told a few words once the modem is set up. Raises `DriverConfigError` for
    settings the modem cannot have.
    """

    dialect: ClassVar[Dialect]

    def __init__(
        self,
        port: BytePort,
        *,
        settings: ModemSettings,
        pins: ModePins | None = None,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._port, self._pins, self._settings = port, pins, settings
        self._on_ready = on_ready
        self._exchange = ModemExchange(port, pins, self.dialect)
        self._registers = self.dialect.registers(settings, by_software=pins is None)
        self._packets = PacketSplitter(
            longest_bytes=self.max_frame_bytes, has_rssi=self.dialect.has_rssi
        )
        self._now_s = asyncio.get_running_loop().time
        self._turn = asyncio.Lock()  # who may change the mode or send
        self._begun = asyncio.Event()  # set up, or ended before it was
        self._end: DriverError | None = None
        self._free_at_s = self._now_s()  # when the last frame has left the air at the latest
        self._identity: str | None = None
        self.repairs = 0
        """How often the modem was found set otherwise while in use."""

    @property
    def identity(self) -> str | None:
        """See `Radio.identity`: family and product number."""
        return self._identity

    @property
    def max_frame_bytes(self) -> int:
        """See `Radio.max_frame_bytes`."""
        return self.dialect.packet_bytes - LENGTH_BYTES

    @property
    def lag_s(self) -> float:
        """See `Radio.lag_s`: over both lines, and listening on a free channel."""
        return 2 * self._line_s + TAKE_LIMIT_S

    @property
    def gap_s(self) -> float:
        """See `Radio.gap_s`: without AUX, or where it tells little, most of it is caution."""
        if self._pins is None or self._pins.aux is None:
            listen_s = LISTEN_LIMIT_S if self._settings.listens_first else 0.0
            return self._line_s + TAKE_LIMIT_S + listen_s + BLIND_MARGIN_S
        again_s = 0.0 if self._settings.aux_covers_air else self.airtime_s(self.max_frame_bytes)
        return self._line_s + TAKE_LIMIT_S + again_s

    @property
    def _line_s(self) -> float:
        return self.dialect.packet_bytes * _BYTE_S

    @property
    def damaged(self) -> int:
        """How many bursts came from the modem that were no whole packet of ours."""
        return self._packets.damaged

    def airtime_s(self, frame_bytes: int) -> float:
        """See `Radio.airtime_s`."""
        self._check_length(frame_bytes)
        return self._settings.airtime_s(frame_bytes)

    async def send(self, frame: bytes) -> None:
        """See `Radio.send`."""
        self._check_length(len(frame))
        await self._begun.wait()
        async with self._turn:
            if self._end is not None:
                raise PortGone("the radio is not in use any more") from self._end
            await self._exchange.until_idle(LISTEN_LIMIT_S + AUX_STUCK_S)
            await self._until(self._free_at_s)
            await self._transmit(frame)

    async def heard(self) -> AsyncIterator[Heard]:
        """See `Radio.heard`."""
        try:
            await self._exchange.set_up(self._registers)
            self._identity = await self._exchange.identity() or self.dialect.name
            self._on_ready(f"{self._identity}, {self._settings.frequency_hz / 1e6:.3f} MHz")
            self._begun.set()
            check_at_s = self._now_s() + CHECK_EVERY_S
            while True:
                for heard in await self._listen(check_at_s):
                    yield heard
                if self._now_s() >= check_at_s and self._packets.ends_at_s is None:
                    await self._check()
                    check_at_s = self._now_s() + CHECK_EVERY_S
        except DriverError as error:
            self._end = error
            raise
        finally:
            self._end = self._end or PortGone("nobody listens to the radio any more")
            self._begun.set()

    async def _listen(self, until_s: float) -> list[Heard]:
        ends_at_s = self._packets.ends_at_s
        try:
            async with asyncio.timeout_at(until_s if ends_at_s is None else ends_at_s):
                data = await self._port.read()
        except TimeoutError:
            self._packets.give_up(self._now_s())
            return []
        now_s = self._now_s()
        return [
            Heard(
                packet.frame,
                rssi_dbm=None if packet.rssi is None else rssi_dbm(packet.rssi),
                snr_db=None,
                received_mono_s=now_s,
            )
            for packet in self._packets.feed(data, now_s)
        ]

    async def _check(self) -> None:
        """Look whether the modem is still set as it should be; what arrives meanwhile is lost."""
        async with self._turn:
            await self._until(self._free_at_s)
            if await self._exchange.set_up(self._registers):
                self.repairs += 1
                log.warning("%s: somebody had set it otherwise", self._identity)

    async def _transmit(self, frame: bytes) -> None:
        packet = pack(frame)
        airtime_s = self.airtime_s(len(frame))
        before = self._aux()
        wire_s = len(packet) * _BYTE_S
        listen_s = LISTEN_LIMIT_S if self._settings.listens_first else 0.0
        self._free_at_s = self._now_s() + wire_s + listen_s + airtime_s + BLIND_MARGIN_S
        await self._port.write(packet)
        if before is not None:
            await self._until_taken(before, self._now_s() + wire_s + TAKE_LIMIT_S)
            await self._exchange.until_idle(wire_s + listen_s + airtime_s + AUX_STUCK_S)
            covered_s = airtime_s if self._settings.aux_covers_air else 0.0
            self._free_at_s = self._now_s() + airtime_s - covered_s
        await self._until(self._free_at_s)

    async def _until_taken(self, before: Aux, limit_s: float) -> None:
        while (aux := self._aux()) is not None and aux.falls == before.falls:
            if self._now_s() >= limit_s:
                raise DeviceSilent(f"the {self.dialect.name} modem does not take frames (AUX)")
            await asyncio.sleep(AUX_LOOK_S)

    def _aux(self) -> Aux | None:
        return None if self._pins is None else self._pins.aux

    async def _until(self, when_s: float) -> None:
        if (wait_s := when_s - self._now_s()) > 0:
            await asyncio.sleep(wait_s)

    def _check_length(self, frame_bytes: int) -> None:
        if not 1 <= frame_bytes <= self.max_frame_bytes:
            raise ValueError(f"a frame of {frame_bytes} bytes: 1 to {self.max_frame_bytes}")


class E22Radio(EByteRadio):
    """E22 modems, with pins or by software."""

    dialect = E22


class E220Radio(EByteRadio):
    """E220 modems: a shorter packet, and pins."""

    dialect = E220


class E32Radio(EByteRadio):
    """E32 modems: a much shorter packet, pins, no RSSI, no listening before talk."""

    dialect = E32
