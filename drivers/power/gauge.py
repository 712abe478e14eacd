"""What every battery gauge owes its caller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

FULL_PERCENT = 100.0

OnReady = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Charge:
    """One look at the battery; None: this gauge cannot tell.

    `percent` lies between 0 and 100 whatever the chip says. `source` names chip or kernel driver,
    so that nobody wonders whose word this is.
    """

    percent: float
    volts: float | None
    is_charging: bool | None
    is_on_mains: bool | None
    source: str


class Gauge(Protocol):
    """A battery gauge on an open port, made as `Class(port, on_ready=...)`.

    An implementation must read afresh on every call, call `on_ready(source)` after each reading
    that succeeded, and clamp `percent`.
    """

    async def read(self) -> Charge:
        """The battery now.

        Raises `PortGone` when chip or battery are not there, `DeviceSilent` when what comes is
        damaged or nothing, `DeviceRefused` when the kernel keeps the chip for itself, and
        `DriverConfigError` for an option of the port's URL that means nothing to it.
        """


def clamp_percent(percent: float) -> float:
    """Gauges count beyond both ends."""
    return max(0.0, min(FULL_PERCENT, percent))
