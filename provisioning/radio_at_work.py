"""A node's radio in use for a while, by a command that wants to look at it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.radios.base import Radio
from drivers.radios.e22_pins import ModePins
from drivers.radios.opening import make_radio, mode_pins
from drivers.radios.site import RadioSettings
from drivers.registry import RADIOS, choose, load


@dataclass(frozen=True)
class RadioAtWork:
    """A modem that is set up and listens; `said` is what its driver told about it."""

    radio: Radio
    pins: ModePins | None
    said: str


@asynccontextmanager
async def radio_at_work(settings: RadioSettings, folder: Path) -> AsyncIterator[RadioAtWork]:
    """Open and set up a radio whose settings lie in `folder`; what it hears is dropped.

    Raises whatever its driver does (`DriverError`).
    """
    port = await load(choose(RADIOS, settings.kind).open)(settings.port)
    try:
        async with mode_pins(settings.pins) as pins:
            ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            radio = make_radio(settings, port, pins, folder=folder, on_ready=ready.set_result)
            listening = asyncio.create_task(_listen(radio))
            try:
                either: set[asyncio.Future[Any]] = {listening, ready}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if listening.done():
                    listening.result()
                yield RadioAtWork(radio, pins, await ready)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    finally:
        await port.close()


async def _listen(radio: Radio) -> None:
    async for _ in radio.heard():
        pass
