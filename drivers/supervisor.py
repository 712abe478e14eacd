"""Keeps one device in use across unplugging, silence and faults, without a restart."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import TypeVar

from drivers.errors import (
    DeviceRefused,
    DeviceSilent,
    DeviceUnauthorised,
    DriverError,
    OtherDevice,
    PortBusy,
    PortGone,
    PortNotSetUp,
    TransientDriverError,
)
from drivers.port import Closable
from runtime.backoff import Backoff

REOPEN_FIRST_S = 0.5  # hw/serial.md 2: a replugged adapter is back within a second or two
REOPEN_LIMIT_S = 10.0  # the longest an operator stares at a reader that is plugged in again
REFUSED_WAIT_S = 30.0  # a fault that waiting does not cure; look again, but do not hammer


class DeviceState(Enum):
    """How a device is doing, for the operator's screen and the heartbeat."""

    MISSING = "missing"  # not plugged in
    BUSY = "busy"  # another program holds the port
    NOT_SET_UP = "not set up"  # plugged in, and this machine's set-up keeps us from using it
    SILENT = "silent"  # plugged in, does not answer as it should
    OTHER = "other device"  # what is plugged in there is something else
    READY = "ready"  # in use
    FAULT = "fault"  # answers, and reports a fault
    UNAUTHORISED = "unauthorised"  # answers that it may not work


_STATES: Sequence[tuple[type[DriverError], DeviceState]] = (
    (PortBusy, DeviceState.BUSY),
    (PortNotSetUp, DeviceState.NOT_SET_UP),
    (PortGone, DeviceState.MISSING),
    (OtherDevice, DeviceState.OTHER),
    (DeviceSilent, DeviceState.SILENT),
    (DeviceUnauthorised, DeviceState.UNAUTHORISED),
    (DriverError, DeviceState.FAULT),
)
"""The first class an error belongs to says the state."""


OnState = Callable[[DeviceState, str], None]
Ready = Callable[[str], None]  # told by the driver, with a few words such as the device's identity
PortT = TypeVar("PortT", bound=Closable)
Run = Callable[[PortT, Ready], Awaitable[None]]
Open = Callable[[str], Awaitable[PortT]]
Sleep = Callable[[float], Awaitable[None]]


async def keep_open(
    url: str,
    run: Run[PortT],
    *,
    open_at: Open[PortT],
    on_state: OnState,
    backoff: Backoff,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Open the port at `url`, hand it to `run`, and begin again whenever the device fails.

    `run(port, ready)` drives the device and calls `ready(detail)` once it answers. It ends with a
    driver error, raised bare and not in a group; if it returns, so does this. The port is closed
    after every try. `on_state` gets each change of state or reason once. `DriverConfigError` and
    everything that is no driver error pass through.
    """
    reported: tuple[DeviceState, str] | None = None

    def report(state: DeviceState, reason: str) -> None:
        nonlocal reported
        if reported != (state, reason):
            reported = (state, reason)
            on_state(state, reason)

    def ready(detail: str) -> None:
        backoff.reset()
        report(DeviceState.READY, detail)

    while True:
        try:
            await _use_once(url, run, open_at, ready)
        except TransientDriverError as error:
            report(state_after(error), str(error))
            await sleep(backoff.next_s())
        except DeviceRefused as error:
            report(state_after(error), str(error))
            await sleep(REFUSED_WAIT_S)
        else:
            return


async def _use_once(url: str, run: Run[PortT], open_at: Open[PortT], ready: Ready) -> None:
    port = await open_at(url)
    try:
        await run(port, ready)
    finally:
        await port.close()


def state_after(error: DriverError) -> DeviceState:
    """The state of a device whose use ended so."""
    return next(state for kind, state in _STATES if isinstance(error, kind))
