"""The air over a simulated county: one channel, everybody's modem on a pty and a header of its own.

Chinese law is judged; whoever breaks it is named in `breaches`.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from drivers.radios.site import RadioSettings
from sim.air.air import Air
from sim.air.hearing import Hearing, Outcome
from sim.air.judge import Judge
from sim.air.medium import Medium
from sim.air.regions import CN470
from sim.air.terrain import Terrain
from sim.devices.line import PacedLine
from sim.expose import ExposedPty
from sim.modem_rig import UART_BAUD, ModemRig

KIND = "e22"
REGION: Final = "CN470"
AIR_BPS: Final = 9600
FREQUENCY_MHZ, POWER_DBM = 471.125, 17
LEVEL_DB = 110.0  # everybody hears everybody, at about -93 dBm
LOSS_CHANCE = 0.02  # of each frame at each listener


class CountyAir:
    """`async with CountyAir(folder, seed) as air:` - modems come with `modem`, all gone on exit."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        ground = Terrain(level_db=LEVEL_DB, loss_chance=LOSS_CHANCE)
        self._air = Air(Medium(ground, seed=seed, judge=Judge(CN470)), witness=self._note)
        self._stack = AsyncExitStack()
        self._counted: set[tuple[str, int]] = set()
        self.frames = 0
        self.airtime_s = 0.0
        self.damaged = 0
        """Frames that somebody who listened did not get whole, counted for each listener."""
        self.breaches: Counter[str] = Counter()
        """By sender and rule."""
        self.cables: dict[str, ExposedPty] = {}
        """By node: what its modem hangs on."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stack.aclose()

    async def modem(self, name: str) -> RadioSettings:
        """Plug in a modem; returns what the settings of the node that has it say."""
        pty = await self._stack.enter_async_context(ExposedPty(self._folder / f"{name}-radio"))
        self.cables[name] = pty
        rig = ModemRig(KIND, PacedLine(pty, UART_BAUD))
        await self._stack.enter_async_context(rig.wire())
        antenna = self._air.attach(name, rig.antenna.take)
        rig.antenna.antenna = antenna
        self._stack.push_async_callback(antenna.close)
        running = asyncio.create_task(rig.modem.run())
        self._stack.push_async_callback(_ended, running)
        return RadioSettings(
            kind=KIND,
            port=pty.url,
            region=REGION,
            frequency_mhz=FREQUENCY_MHZ,
            power_dbm=POWER_DBM,
            air_bps=AIR_BPS,
            pins=rig.pins_url,
        )

    def _note(self, hearing: Hearing) -> None:
        sent = hearing.transmission
        if (sent.sender, sent.number) not in self._counted:
            self._counted.add((sent.sender, sent.number))
            self.frames += 1
            self.airtime_s += sent.end_s - sent.start_s
            self.breaches.update(f"{sent.sender}: {breach.value}" for breach in sent.breaches)
        if hearing.outcome in {Outcome.COLLISION, Outcome.FADED, Outcome.HELD}:
            self.damaged += 1


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
