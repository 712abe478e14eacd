"""A modem by itself, tried by hand: set up, test frames sent, whatever is heard told."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from drivers.errors import DriverConfigError
from drivers.port import Closable
from drivers.radios.base import Heard, Radio
from drivers.radios.opening import OnReady, check_law, open_radio
from drivers.radios.site import PINS, REGION_NAMES, RadioSettings, RegionName

TEST_FRAME_BYTES = 20
TEST_GAP_S = 1.0  # between two test frames: others want the channel, too
POWER_DBM = 10  # every modem has it, every band allows it, and it crosses a yard
USUAL_MHZ = 471.125  # hw/e22.md 4: the channel of the township's modem
USUAL_MHZ_OF: Mapping[str, float] = MappingProxyType({"e32": 434.0})  # it cannot listen first
# The first byte is one no frame of the county's begins with, so that nobody takes it for one.
_TEST_HEAD = b"\0Muster test"
_HERE = Path()


@dataclass(frozen=True, slots=True)
class Sent:
    """One test frame has left the air."""

    frame_bytes: int
    airtime_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """How a modem is tried: the `frequency_mhz` and `pins` of `RadioSettings`.

    `test_frames` is how many are sent, as soon as it is set up.
    """

    frequency_mhz: float | None = None
    """None: the usual one of its kind."""
    pins: str | None = None
    test_frames: int = 0

    def settings(self, kind: str, port: str) -> RadioSettings:
        """What a modem of this kind is set to; the region is the first that allows it.

        Raises `DriverConfigError` for pins that are none, and for what is unlawful everywhere.
        """
        if self.pins is not None and re.match(PINS, self.pins) is None:
            raise DriverConfigError(
                f"pins {self.pins!r}: expected such as lgpio?m0=22&m1=27&aux=17"
            )
        why: list[str] = []
        for region in REGION_NAMES:
            settings = self._settings_in(region, kind, port)
            try:
                check_law(settings, _HERE)
            except DriverConfigError as error:
                why.append(str(error))
            else:
                return settings
        raise DriverConfigError("; ".join(why))

    def _settings_in(self, region: RegionName, kind: str, port: str) -> RadioSettings:
        usual_mhz = USUAL_MHZ_OF.get(kind, USUAL_MHZ)
        try:
            return RadioSettings(
                kind=kind,
                port=port,
                region=region,
                frequency_mhz=usual_mhz if self.frequency_mhz is None else self.frequency_mhz,
                power_dbm=POWER_DBM,
                pins=self.pins,
            )
        except ValueError as error:
            raise DriverConfigError(str(error)) from error


async def try_radio(
    settings: RadioSettings,
    port: Closable,
    test_frames: int,
    *,
    take: Callable[[Heard | Sent], None],
    on_ready: OnReady,
) -> None:
    """Use a modem until it fails or the caller cancels.

    Raises what `open_radio`, `Radio.heard` and `Radio.send` raise.
    """
    async with open_radio(settings, port, folder=_HERE, on_ready=on_ready) as radio:
        works = [
            asyncio.create_task(_hear(radio, take)),
            asyncio.create_task(_send(radio, test_frames, take)),
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
