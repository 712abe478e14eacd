"""One device of any role, by its kind and port: used until told otherwise, or just looked at.

For commands that take a device as it comes. A terminal attaches its devices by role.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from types import MappingProxyType

from drivers.errors import DriverConfigError, DriverError
from drivers.gnss.base import GnssEvent, GnssReceiver
from drivers.port import Closable
from drivers.power.gauge import Charge, Gauge
from drivers.radios.base import Heard
from drivers.radios.site import RadioSettings
from drivers.radios.trial import Sent, Trial, try_radio
from drivers.readers.base import CardReader, ReaderEvent
from drivers.registry import (
    GAUGES,
    GNSS,
    OPEN_E22,
    OPEN_EVENTS,
    OPEN_I2C,
    OPEN_PCSC,
    OPEN_PORT,
    OPEN_SDT,
    OPEN_SYSFS,
    OPEN_TCP,
    RADIOS,
    READERS,
    Driver,
    load,
)
from drivers.supervisor import (
    REOPEN_FIRST_S,
    REOPEN_LIMIT_S,
    DeviceState,
    OnState,
    Ready,
    Run,
    keep_open,
    state_after,
)
from runtime.backoff import Backoff
from runtime.release import RELEASED

GAUGE_S = 2.0  # a battery is slower, whoever tries a gauge is not
NO_TRIAL = Trial()
DeviceEvent = ReaderEvent | GnssEvent | Charge | Heard | Sent


class Role(Enum):
    """What a device is for."""

    READER = "reader"
    GNSS = "gnss"
    GAUGE = "gauge"
    RADIO = "radio"


ROLES: Mapping[Role, Mapping[str, Driver]] = MappingProxyType(
    {Role.READER: READERS, Role.GNSS: GNSS, Role.GAUGE: GAUGES, Role.RADIO: RADIOS}
)

URL_FORMS: Mapping[str, str] = MappingProxyType(
    {
        OPEN_PORT: "serial:///dev/ttyUSB0?baud=115200  tcp://HOST:PORT",
        OPEN_SDT: "serial:///dev/ttyUSB0?baud=auto  usb://0400:c35a  tcp://HOST:PORT",
        OPEN_EVENTS: "evdev:///dev/input/by-id/...-event-kbd?id=0c2e:0b61",
        OPEN_PCSC: "pcsc:  pcsc:///PART-OF-A-NAME",
        OPEN_E22: "serial:///dev/serial0  tcp://HOST:PORT",
        OPEN_TCP: "tcp://127.0.0.1:2947",
        OPEN_I2C: "i2c:///dev/i2c-1?address=0x36",
        OPEN_SYSFS: "sysfs:///sys/class/power_supply",
    }
)
"""What opens a driver's port -> what its URLs look like."""


@dataclass(frozen=True, slots=True)
class Device:
    """A driver, and where its device is plugged in."""

    role: Role
    kind: str
    driver: Driver
    url: str
    radio: RadioSettings | None = None
    """What a radio is set to; None for everything else."""
    test_frames: int = 0
    """How many a radio sends."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a device did: its state, and a few words of the driver's about it."""

    state: DeviceState
    detail: str
    event: DeviceEvent | None = None
    """What a receiver or gauge said first."""


def find_device(kind: str, url: str, trial: Trial = NO_TRIAL) -> Device:
    """The device of this kind at `url`.

    `trial` is how a radio is used. Raises `DriverConfigError`, naming the kinds, for a radio that
    cannot be set so, and for a `trial` of what is none.
    """
    for role, drivers in ROLES.items():
        if kind in drivers:
            found = Device(role, kind, drivers[kind], url)
            if role is Role.RADIO:
                settings = trial.settings(kind, url)
                return replace(found, radio=settings, test_frames=trial.test_frames)
            if trial != NO_TRIAL:
                raise DriverConfigError(f"{kind} is no radio: it has no frequency, pins or frames")
            return found
    kinds = ", ".join(sorted(kind for drivers in ROLES.values() for kind in drivers))
    raise DriverConfigError(f"no driver {kind!r}; there are: {kinds}")


async def use_device(
    device: Device,
    take: Callable[[DeviceEvent], None],
    on_state: OnState,
    *,
    tap: Callable[[Closable], Closable] = lambda port: port,
) -> None:
    """Use a device until cancelled: `take` gets its events, `on_state` its states.

    `tap` is put between port and driver. Raises `DriverConfigError`.
    """
    await keep_open(
        device.url,
        _runner(device, take, tap),
        open_at=load(device.driver.open),
        on_state=on_state,
        backoff=Backoff(REOPEN_FIRST_S, REOPEN_LIMIT_S, Random()),
    )


async def look_at_device(device: Device, limit_s: float) -> Look:
    """Open a device, wait for a sign of life, close it again; at most about `limit_s`.

    A reader or radio is ready when its driver says so, any other device with its first event.
    Raises `DriverConfigError`.
    """
    looks: asyncio.Queue[Look] = asyncio.Queue()

    def ready(detail: str) -> None:
        if device.role in (Role.READER, Role.RADIO):  # another's first event tells more
            looks.put_nowait(Look(DeviceState.READY, detail))

    def take(event: DeviceEvent) -> None:
        looks.put_nowait(Look(DeviceState.READY, "", event))

    async def use() -> None:
        port = await load(device.driver.open)(device.url)
        try:
            await _runner(device, take)(port, ready)
        finally:
            await port.close()

    using = asyncio.create_task(use())
    looking = asyncio.create_task(looks.get())
    try:
        done, _ = await asyncio.wait(
            (looking, using), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
        )
        if looking in done:
            return looking.result()
        if using in done:
            using.result()
        return Look(DeviceState.SILENT, f"no sign of life for {limit_s:g} s")
    except DriverConfigError:
        raise
    except DriverError as error:
        return Look(state_after(error), str(error))
    finally:
        for task in (using, looking):
            task.cancel()
        await asyncio.gather(using, looking, return_exceptions=True)


def _runner(
    device: Device,
    take: Callable[[DeviceEvent], None],
    tap: Callable[[Closable], Closable] = lambda port: port,
) -> Run[Closable]:
    make = load(device.driver.make)

    async def read(port: Closable, ready: Ready) -> None:
        reader: CardReader = make(tap(port), on_ready=ready)
        async for event in reader.events():
            take(event)

    async def listen(port: Closable, ready: Ready) -> None:
        receiver: GnssReceiver = make(tap(port), built=RELEASED.date(), monotonic=time.monotonic)
        async for event in receiver.events():
            ready("")
            take(event)

    async def measure(port: Closable, ready: Ready) -> None:
        gauge: Gauge = make(tap(port), on_ready=ready)
        while True:
            take(await gauge.read())
            await asyncio.sleep(GAUGE_S)

    async def talk(port: Closable, ready: Ready) -> None:
        assert device.radio is not None  # noqa: S101  # `find_device` saw to it
        frames = device.test_frames
        await try_radio(device.radio, tap(port), frames, take=take, on_ready=ready)

    return {
        Role.READER: read,
        Role.GNSS: listen,
        Role.GAUGE: measure,
        Role.RADIO: talk,
    }[device.role]
