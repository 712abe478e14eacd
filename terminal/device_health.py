"""A device's state in the county's words."""

from collections.abc import Mapping
from types import MappingProxyType

from drivers.supervisor import DeviceState
from protocol.health import DeviceHealth

_HEALTH: Mapping[DeviceState | None, DeviceHealth] = MappingProxyType(
    {
        None: DeviceHealth.MISSING,
        DeviceState.MISSING: DeviceHealth.MISSING,
        DeviceState.BUSY: DeviceHealth.MISSING,
        DeviceState.NOT_SET_UP: DeviceHealth.MISSING,
        DeviceState.SILENT: DeviceHealth.SILENT,
        DeviceState.OTHER: DeviceHealth.SILENT,
        DeviceState.READY: DeviceHealth.READY,
        DeviceState.FAULT: DeviceHealth.FAULT,
        DeviceState.UNAUTHORISED: DeviceHealth.FAULT,
    }
)


def health_of(state: DeviceState | None) -> DeviceHealth:
    """What the county hears, which acts by these four only; None: the first try has not ended."""
    return _HEALTH[state]
