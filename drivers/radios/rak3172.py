"""LoRa modems with RAKwireless RUI3 (RAK3172, RAK3272S, RAK3372) in P2P mode. hw/rak3172.md."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from random import Random

from drivers.errors import DriverError, PortGone, TransientDriverError
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.radios.rak3172_exchange import RakExchange
from drivers.radios.rak3172_lines import MAX_FRAME_BYTES, Status
from drivers.radios.rak3172_settings import RakSettings
from drivers.radios.rak3172_setup import RakSetUp
from runtime.backoff import Backoff

log = logging.getLogger(__name__)

CHECK_EVERY_S = 3600.0
SEND_TRIES = 8
# Together above the second that a frame may last where listening first is the law.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 1.0
HOST_S = 0.1  # assumed: detection of activity, the answers around a frame, two event loops
_BYTE_S = 10 / 115_200  # a serial line; a socket is faster
_LINE_S = 2 * MAX_FRAME_BYTES * _BYTE_S  # in hexadecimal
_GARBLED = (Status.COMMAND_NOT_FOUND, Status.PARAM_ERROR, Status.ERROR)


class Rak3172Radio:
    """A `Radio` on the serial line of a RAK3172.

    Where it listens first, a channel that stays taken is a `TransientDriverError`: it never sends
    all the same. `on_ready` is told a few words once the modem is set up.
    """

    def __init__(
        self,
        port: BytePort,
        *,
        settings: RakSettings,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings, self._on_ready = settings, on_ready
        self._exchange = RakExchange(port)
        self._set_up = RakSetUp(self._exchange, settings)
        self._now_s = asyncio.get_running_loop().time
        self._random = Random()
        self._turn = asyncio.Lock()  # who may give commands
        self._begun = asyncio.Event()  # set up, or ended before it was
        self._end: DriverError | None = None
        self.repairs = 0
        """How often the modem was found set otherwise while in use."""

    @property
    def identity(self) -> str | None:
        """See `Radio.identity`: the firmware, which names the model."""
        return self._set_up.version

    @property
    def max_frame_bytes(self) -> int:
        """See `Radio.max_frame_bytes`."""
        return MAX_FRAME_BYTES

    def airtime_s(self, frame_bytes: int) -> float:
        """See `Radio.airtime_s`: computed, and exact."""
        self._check_length(frame_bytes)
        return self._settings.airtime_s(frame_bytes)

    @property
    def lag_s(self) -> float:
        """See `Radio.lag_s`: over both lines in hexadecimal, and looking for activity."""
        return 2 * _LINE_S + HOST_S

    @property
    def gap_s(self) -> float:
        """See `Radio.gap_s`."""
        return _LINE_S + HOST_S

    async def send(self, frame: bytes) -> None:
        """See `Radio.send`."""
        self._check_length(len(frame))
        await self._begun.wait()
        async with self._turn:
            if self._end is not None:
                raise PortGone("the radio is not in use any more") from self._end
            await self._exchange.until_quiet()
            if self._set_up.is_needed:
                await self._set_up_again()
            await self._transmit(frame)

    async def heard(self) -> AsyncIterator[Heard]:
        """See `Radio.heard`."""
        reading = asyncio.create_task(self._exchange.run())
        try:
            await self._set_up.run()
            self._on_ready(f"{self.identity}, {self._settings.frequency_hz / 1e6:.3f} MHz")
            self._begun.set()
            check_at_s = self._now_s() + CHECK_EVERY_S
            while True:
                while self._exchange.packets:
                    yield self._exchange.packets.popleft()
                if self._exchange.end is not None:
                    raise self._exchange.end
                if not self._must_look(check_at_s):
                    await self._exchange.until_woken(check_at_s)
                    continue
                async with self._turn:
                    await self._exchange.until_quiet()
                    if self._must_look(check_at_s):  # a send may have been before us
                        await self._set_up_again()
                        check_at_s = self._now_s() + CHECK_EVERY_S
        except DriverError as error:
            self._end = error
            raise
        finally:
            self._end = self._end or PortGone("nobody listens to the radio any more")
            self._begun.set()
            reading.cancel()

    def _must_look(self, check_at_s: float) -> bool:
        return self._set_up.is_needed or self._now_s() >= check_at_s

    async def _set_up_again(self) -> None:
        """Whoever has the turn looks at the settings; what arrives meanwhile is lost."""
        if self._set_up.is_needed:
            log.warning("%s: it has restarted or lost its way", self.identity)
        if await self._set_up.run():
            self.repairs += 1
            log.warning("%s: somebody had set it otherwise", self.identity)

    async def _transmit(self, frame: bytes) -> None:
        backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, self._random)
        airtime_s = self.airtime_s(len(frame))
        for _ in range(SEND_TRIES):
            status = await self._exchange.send(frame, airtime_s)
            if status is Status.OK:
                return
            if status is Status.BUSY_ERROR:
                await self._set_up.receive()
                await asyncio.sleep(backoff.next_s())
            elif status not in _GARBLED:
                self._exchange.lose_its_way()
                raise TransientDriverError("the modem does not say that the frame was sent")
        raise TransientDriverError(
            "the channel is never free"
            if status is Status.BUSY_ERROR
            else "the modem does not take the frame"
        )

    def _check_length(self, frame_bytes: int) -> None:
        if not 1 <= frame_bytes <= self.max_frame_bytes:
            raise ValueError(f"a frame of {frame_bytes} bytes: 1 to {self.max_frame_bytes}")
