"""A modem by itself, tried by hand: set up, test frames sent, whatever is heard told."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import MappingProxyType

from drivers.radios.base import Heard, Radio
from drivers.radios.e22_pins import open_mode_pins
from drivers.radios.e22_settings import ModemSettings

TEST_FRAME_BYTES = 20
TEST_GAP_S = 1.0  # between two test frames: others want the channel, too
# The first byte is one no frame of the county's begins with, so that nobody takes it for one.
_TEST_HEAD = b"\0Muster test"
SETTINGS: Mapping[str, ModemSettings] = MappingProxyType(
    {
        "e22": ModemSettings(frequency_hz=471_125_000),
        "e220": ModemSettings(frequency_hz=471_125_000),
        "e32": ModemSettings(frequency_hz=434_000_000, power_dbm=10, listens_first=False),
    }
)
"""How a modem is tried that nobody has settings for: at what hw/lora-phy.md 5 allows."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One test frame has left the air."""

    frame_bytes: int
    airtime_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """How a modem is tried.

    `frequency_hz` None is the default for its kind; `pins` are named as `drivers.radios.e22_pins`
    says, None: the mode is switched by software. `test_frames` is how many are sent, at once.
    """

    frequency_hz: int | None = None
    pins: str | None = None
    test_frames: int = 0

    def settings(self, kind: str) -> ModemSettings:
        """What a modem of this kind is set to."""
        usual = SETTINGS[kind]
        if self.frequency_hz is None:
            return usual
        return replace(usual, frequency_hz=self.frequency_hz)


async def try_radio(
    kind: str, trial: Trial, make: Callable[..., Radio], take: Callable[[Heard | Sent], None]
) -> None:
    """Use a modem of this kind until it fails or the caller cancels.

    `make` takes `settings` and `pins`. Raises what `Radio.heard`, `Radio.send` and
    `open_mode_pins` raise.
    """
    async with AsyncExitStack() as stack:
        pins = None
        if trial.pins is not None:
            pins = await stack.enter_async_context(open_mode_pins(trial.pins))
        radio = make(settings=trial.settings(kind), pins=pins)
        works = [
            asyncio.create_task(_hear(radio, take)),
            asyncio.create_task(_send(radio, trial.test_frames, take)),
        ]
        try:
            ended, _ = await asyncio.wait(works, return_when=asyncio.FIRST_EXCEPTION)
            for work in works:
                if work in ended:
                    work.result()
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)


async def _hear(radio: Radio, take: Callable[[Heard], None]) -> None:
    async for heard in radio.heard():
        take(heard)


async def _send(radio: Radio, count: int, take: Callable[[Sent], None]) -> None:
    for number in range(count):
        if number:
            await asyncio.sleep(TEST_GAP_S)
        frame = _TEST_HEAD.ljust(TEST_FRAME_BYTES - 1, b"\0") + bytes([number])
        await radio.send(frame)
        take(Sent(len(frame), radio.airtime_s(len(frame))))
