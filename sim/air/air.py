"""The air for modems in this process: a `Medium` that runs by the event loop's clock."""

import asyncio
from collections.abc import Callable

from sim.air.antenna import OnSignal, signal
from sim.air.hearing import Hearing
from sim.air.lora import LoraSettings, symbol_s
from sim.air.medium import Medium
from sim.air.terrain import Place

CAD_SYMBOLS = 4  # what Semtech recommends from SF9 on; 2 below would do

Witness = Callable[[Hearing], None]
"""Sees every hearing, also those no modem noticed: for statistics."""


def _nobody(_hearing: Hearing) -> None:
    pass


class Air:
    """Joins modems. Under virtual time and one seed the same story always ends the same way."""

    def __init__(self, medium: Medium, witness: Witness = _nobody) -> None:
        self._medium, self._witness = medium, witness
        self._listeners: dict[str, OnSignal] = {}
        self._sending: dict[str, tuple[float, asyncio.Future[None]]] = {}
        self._alarm: asyncio.TimerHandle | None = None

    def attach(self, name: str, on_signal: OnSignal, place: Place | None = None) -> "AirAntenna":
        """A modem appears, its receiver off. Raises what `Medium.attach` raises."""
        self._medium.attach(name, place, _now_s())
        self._listeners[name] = on_signal
        return AirAntenna(self, name)

    def detach(self, name: str) -> None:
        """The modem is gone and hears nothing any more."""
        self._medium.detach(name, _now_s())
        del self._listeners[name]
        self._settle()

    def listen(self, name: str, settings: LoraSettings | None) -> None:
        """See `Antenna.listen`."""
        self._medium.tune(name, settings, _now_s())
        self._settle()

    async def transmit(self, name: str, frame: bytes, settings: LoraSettings) -> None:
        """See `Antenna.transmit`; a frame that has begun goes on though the caller gives up."""
        sent = self._medium.transmit(name, frame, settings, _now_s())
        done = asyncio.get_running_loop().create_future()
        self._sending[name] = (sent.end_s, done)
        self._settle()
        await done

    def channel_dbm(self, name: str, settings: LoraSettings) -> float:
        """See `Antenna.channel_dbm`."""
        return self._medium.channel_dbm(name, settings, _now_s())

    async def cad(self, name: str, settings: LoraSettings) -> bool:
        """See `Antenna.cad`."""
        since_s = _now_s()
        await asyncio.sleep(CAD_SYMBOLS * symbol_s(settings))
        return self._medium.chirps_heard(name, settings, since_s, _now_s())

    def _settle(self) -> None:
        """Tell everybody what has happened, and wake up again when something will."""
        now_s = _now_s()
        for hearing in self._medium.advance(now_s):
            self._witness(hearing)
            heard = signal(hearing)
            if heard is not None and hearing.listener in self._listeners:
                self._listeners[hearing.listener](heard)
        for name, (end_s, done) in list(self._sending.items()):
            if end_s <= now_s:
                del self._sending[name]
                if not done.done():
                    done.set_result(None)
        if self._alarm is not None:
            self._alarm.cancel()
        next_s = self._medium.next_s()
        loop = asyncio.get_running_loop()
        self._alarm = None if next_s is None else loop.call_at(next_s, self._settle)


class AirAntenna:
    """An `Antenna` on the air of this process."""

    def __init__(self, air: Air, name: str) -> None:
        self._air = air
        self.name = name

    async def listen(self, settings: LoraSettings | None) -> None:
        """See `Antenna.listen`."""
        self._air.listen(self.name, settings)

    async def transmit(self, frame: bytes, settings: LoraSettings) -> None:
        """See `Antenna.transmit`."""
        await self._air.transmit(self.name, frame, settings)

    async def channel_dbm(self, settings: LoraSettings) -> float:
        """See `Antenna.channel_dbm`."""
        return self._air.channel_dbm(self.name, settings)

    async def cad(self, settings: LoraSettings) -> bool:
        """See `Antenna.cad`."""
        return await self._air.cad(self.name, settings)

    async def close(self) -> None:
        """See `Antenna.close`."""
        self._air.detach(self.name)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
