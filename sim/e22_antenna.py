"""A simulated EByte modem's antenna on the simulated air, in this process or in another.

What an air rate is on the air hw/e22.md 8 assumes; the preamble and the sync word are LoRa's usual
ones, for the modem's own are not published. Once its air is gone, a modem hears nothing and
believes that it sends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sim.air.antenna import Antenna, Signal
from sim.air.lora import LoraSettings, airtime_s, noise_floor_dbm
from sim.air.medium import AirError
from sim.devices.e22_memory import Facts

TAKEN_FROM_DBM = -80.0
"""From here on a modem waits for the channel. Assumed: hw/e22.md 4."""

T = TypeVar("T")


class E22Antenna:
    """The `AirSide` of the modem that `hear` belongs to. Without an `antenna`: no air."""

    def __init__(self) -> None:
        self.antenna: Antenna | None = None
        self.hear: Callable[[bytes, float], None] = lambda _frame, _rssi_dbm: None

    def take(self, signal: Signal) -> None:
        """What the air calls (`OnSignal`); of a damaged frame an EByte modem says nothing."""
        if signal.frame is not None:
            self.hear(signal.frame, signal.rssi_dbm)

    async def listen(self, facts: Facts | None) -> None:
        """See `AirSide.listen`."""
        settings = None if facts is None else lora_settings(facts)
        await self._ask(lambda antenna: antenna.listen(settings), None)

    async def send(self, frame: bytes, facts: Facts) -> None:
        """See `AirSide.send`."""
        settings = lora_settings(facts)

        async def transmit(antenna: Antenna) -> bool:
            await antenna.transmit(frame, settings)
            return True

        if not await self._ask(transmit, otherwise=False):
            await asyncio.sleep(airtime_s(settings, len(frame)))

    async def level_dbm(self, facts: Facts) -> float:
        """See `AirSide.level_dbm`; a modem that is transmitting hears only its own noise."""
        try:
            return await self._channel_dbm(facts)
        except AirError:
            return noise_floor_dbm(facts.bandwidth_hz)

    async def is_taken(self, facts: Facts) -> bool:
        """See `AirSide.is_taken`; a modem that is transmitting has taken it itself."""
        try:
            return await self._channel_dbm(facts) >= TAKEN_FROM_DBM
        except AirError:
            return True

    async def _channel_dbm(self, facts: Facts) -> float:
        settings = lora_settings(facts)
        floor_dbm = noise_floor_dbm(settings.bandwidth_hz)
        return await self._ask(lambda antenna: antenna.channel_dbm(settings), floor_dbm)

    async def _ask(self, act: Callable[[Antenna], Awaitable[T]], otherwise: T) -> T:
        """What the air answers; `otherwise` if there is none. Raises `AirError`."""
        if self.antenna is None:
            return otherwise
        try:
            return await act(self.antenna)
        except ConnectionError:
            self.antenna = None
            return otherwise


def lora_settings(facts: Facts) -> LoraSettings:
    """How a modem with these registers sends and listens."""
    return LoraSettings(
        frequency_hz=facts.frequency_hz,
        spreading_factor=facts.spreading_factor,
        bandwidth_hz=facts.bandwidth_hz,
        power_dbm=facts.power_dbm,
    )
