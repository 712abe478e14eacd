"""The radio of a simulated RAK3172: what it receives and sends, and what it then says of itself.

Written from hw/rak3172.md 4 and 5.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum

from sim.air.antenna import Antenna, OnSignal, Signal
from sim.devices.rak3172_memory import Memory

SHORTEST_WINDOW_MS = 15

Attach = Callable[[OnSignal], Awaitable[Antenna]]
"""Puts an antenna on some air; it calls what it is given with what arrives."""


class Reception(Enum):
    """The ways to receive without a limit of time; the values are `AT+PRECV`'s."""

    UNTIL_ONE = 65535
    FOR_EVER = 65534
    WITH_SENDING = 65533


class P2pRadio:
    """The marks of hw/rak3172.md 4 and the chip. `say` is given each event."""

    def __init__(self, memory: Memory, say: Callable[[str], Awaitable[None]]) -> None:
        self._memory, self._say = memory, say
        self._antenna: Antenna | None = None
        self._events: asyncio.Queue[str | BaseException] = asyncio.Queue()
        self._is_busy = self._is_listening = False
        self._reception: Reception | None = None
        self._window: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._cut_off: set[asyncio.Task[None]] = set()

    @property
    def is_receiving(self) -> bool:
        """What the modem says of itself."""
        return self._is_busy or self._reception is not None

    @property
    def is_in_reception(self) -> bool:
        """Whether it receives without a limit of time, so that no other way can begin."""
        return self._reception is not None

    async def attach(self, attach: Attach) -> None:
        """Get an antenna; before that it neither receives nor sends."""
        self._antenna = await attach(self._hear)

    async def run(self) -> None:
        """Work for ever, attached. Raises what its antenna raises when the air is gone."""
        try:
            while True:
                event = await self._events.get()
                if isinstance(event, BaseException):
                    raise event
                if not self._is_listening:
                    await self._air.listen(None)
                await self._say(event)
        finally:
            self._stop_window()
            self._cut_sending_off()
            for task in self._cut_off:
                task.cancel()
            await self._air.close()

    async def receive(self, window_ms: int) -> None:
        """Begin, in one of the ways of `Reception` or for a time."""
        self._stop_window()
        self._is_busy = True
        if window_ms in [each.value for each in Reception]:
            self._reception = Reception(window_ms)
        else:
            over_s = max(window_ms, SHORTEST_WINDOW_MS) / 1000
            loop = asyncio.get_running_loop()
            self._window = loop.call_later(over_s, self._hear, None)
        await self._listen(True)

    async def send(self, frame: bytes) -> bool:
        """Begin to send; whether it could."""
        if self._is_busy and self._reception is not Reception.WITH_SENDING:
            return False
        self._cut_sending_off()
        self._is_busy = True
        await self._listen(False)
        if self._cut_off:
            await asyncio.wait(self._cut_off)
        lora = self._memory.lora
        if self._memory.listens_first and lora is not None and await self._air.cad(lora):
            self._is_busy = False
            return False
        self._sending = asyncio.create_task(self._transmit(frame))
        self._sending.add_done_callback(self._note_failure)
        return True

    async def stop(self) -> None:
        """Neither receive nor send from now on."""
        self._reception = None
        self._is_busy = False
        self._stop_window()
        self._cut_sending_off()
        await self._listen(False)

    def _hear(self, signal: Signal | None) -> None:
        """What comes from the chip: a frame, or None for the end of a window."""
        if not self._is_listening:
            return
        self._stop_window()
        is_good = signal is not None and signal.frame is not None
        if self._reception is Reception.UNTIL_ONE:
            self._reception = None
        self._is_busy = is_good and self._reception is not None
        self._is_listening = self._reception is not None
        self._events.put_nowait(_event(signal))

    async def _transmit(self, frame: bytes) -> None:
        if (lora := self._memory.lora) is not None:
            await self._air.transmit(frame, lora)
        if self._sending is not asyncio.current_task():
            return
        self._sending = None
        self._is_busy = self._reception is Reception.WITH_SENDING
        if self._is_busy:
            await self._listen(True)
        self._events.put_nowait("TXP2P DONE")

    def _note_failure(self, sending: "asyncio.Task[None]") -> None:
        if not sending.cancelled() and (failure := sending.exception()) is not None:
            self._events.put_nowait(failure)

    async def _listen(self, is_listening: bool) -> None:
        self._is_listening = is_listening
        if self._antenna is not None:  # else its power goes before it has one
            await self._antenna.listen(self._memory.lora if is_listening else None)

    def _stop_window(self) -> None:
        if self._window is not None:
            self._window.cancel()
            self._window = None

    def _cut_sending_off(self) -> None:
        if self._sending is not None:
            self._cut_off.add(self._sending)
            self._sending.add_done_callback(self._cut_off.discard)
            self._sending = None

    @property
    def _air(self) -> Antenna:
        assert self._antenna is not None  # noqa: S101  # commands are obeyed once it is there
        return self._antenna


def _event(signal: Signal | None) -> str:
    if signal is None:
        return "RXP2P RECEIVE TIMEOUT"
    if signal.frame is None:
        return "RXP2P RECEIVE ERROR"
    rssi_dbm, snr_db = round(signal.rssi_dbm), round(signal.snr_db)
    return f"RXP2P:{rssi_dbm}:{snr_db}:{signal.frame.hex().upper()}"
