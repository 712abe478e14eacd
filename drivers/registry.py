"""Which drivers exist: one table per role, imported only when chosen.

The configuration chooses; nothing falls back to another driver.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from drivers.errors import DriverConfigError

OPEN_PORT = "drivers.port:open_port"
OPEN_TCP = "drivers.port:open_tcp"
OPEN_E22 = "drivers.radios.e22_port:open_e22"
OPEN_I2C = "drivers.i2c:open_i2c"
OPEN_SYSFS = "drivers.power.kernel:open_sysfs"
OPEN_EVENTS = "drivers.readers.evdev:open_events"
OPEN_PCSC = "drivers.readers.pcsc_port:open_pcsc"
OPEN_SDT = "drivers.readers.sdt_port:open_sdt"
PORT_SCHEMES = ("serial", "tcp", "usb", "evdev", "pcsc")
"""What the URL of a port may begin with; which of them a driver takes, its `open` says."""


@dataclass(frozen=True, slots=True)
class Driver:
    """Where a driver is: `module:name` of what makes it, and of what opens its port.

    `open` is an async function of the port's URL; `make` takes the port it returned.
    """

    make: str
    open: str = OPEN_PORT
    polls: bool = False
    """Whether it asks the device again and again, so that `poll_s` means something to it."""


READERS: Mapping[str, Driver] = {
    "mrz": Driver("drivers.readers.mrz:MrzReader"),
    "mrz_wedge": Driver("drivers.readers.mrz:MrzWedgeReader", open=OPEN_EVENTS),
    "pcsc": Driver("drivers.readers.pcsc:PcscReader", open=OPEN_PCSC),
    "pn532": Driver("drivers.readers.pn532:Pn532Reader", polls=True),
    "scanner": Driver("drivers.readers.scanner:ScannerReader"),
    "sdt": Driver("drivers.readers.sdt:SdtReader", open=OPEN_SDT, polls=True),
    "wedge": Driver("drivers.readers.wedge:WedgeReader", open=OPEN_EVENTS),
}
GNSS: Mapping[str, Driver] = {
    "nmea": Driver("drivers.gnss.nmea:NmeaReceiver"),
    "gpsd": Driver("drivers.gnss.gpsd:GpsdReceiver", OPEN_TCP),
}
GAUGES: Mapping[str, Driver] = {
    "kernel": Driver("drivers.power.kernel:KernelGauge", OPEN_SYSFS),
    "max17040": Driver("drivers.power.max1704x:Max17040Gauge", OPEN_I2C),
    "max17043": Driver("drivers.power.max1704x:Max17040Gauge", OPEN_I2C),
    "max17048": Driver("drivers.power.max1704x:Max17048Gauge", OPEN_I2C),
    "ina219": Driver("drivers.power.ina219:Ina219Gauge", OPEN_I2C),
    "lc709203f": Driver("drivers.power.lc709203f:Lc709203fGauge", OPEN_I2C),
}
RADIOS: Mapping[str, Driver] = {
    "e22": Driver("drivers.radios.e22:E22Radio", OPEN_E22),
    "e220": Driver("drivers.radios.e22:E220Radio", OPEN_E22),
    "e32": Driver("drivers.radios.e22:E32Radio", OPEN_E22),
    "meshtastic": Driver("drivers.radios.meshtastic:MeshtasticRadio"),
    "rak3172": Driver("drivers.radios.rak3172:Rak3172Radio"),
}

# Where a package that not every terminal has comes from, by the name it is imported by.
_SOURCES: Mapping[str, str] = {
    "smartcard": "apt-get install python3-pyscard, or pip install 'muster[pcsc]'; see hw/pcsc.md 1",
}


def choose(role: Mapping[str, Driver], kind: str) -> Driver:
    """The driver of this kind; raises `DriverConfigError`, naming the choices."""
    if kind not in role:
        raise DriverConfigError(f"no driver {kind!r}; there are: {', '.join(sorted(role))}")
    return role[kind]


def load(where: str) -> Callable[..., Any]:
    """Import what `module:name` names; raises `DriverConfigError` for a package not installed."""
    module, _, name = where.partition(":")
    try:
        imported = import_module(module)
    except ModuleNotFoundError as error:
        source = _SOURCES.get(error.name or "", "reinstall Muster")
        raise DriverConfigError(f"{module} needs the package {error.name!r}: {source}") from error
    loaded: Callable[..., Any] = getattr(imported, name)
    return loaded
