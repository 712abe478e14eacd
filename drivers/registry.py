"""Which drivers exist: one table per role, `kind -> "module:Class"`, imported only when chosen.

The configuration chooses; nothing falls back to another driver.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from drivers.errors import DriverConfigError

READERS: Mapping[str, str] = {
    "sdt": "drivers.readers.sdt:SdtReader",
}
GNSS: Mapping[str, str] = {
    "nmea": "drivers.gnss.nmea:NmeaReceiver",
}


def driver_class(role: Mapping[str, str], kind: str) -> Callable[..., Any]:
    """Import the class behind `kind`; raises `DriverConfigError`, naming the choices."""
    if kind not in role:
        raise DriverConfigError(f"no driver {kind!r}; there are: {', '.join(sorted(role))}")
    module, _, name = role[kind].partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), name)
    return loaded
