"""The kernel's own idea of the battery: /sys/class/power_supply (hw/power.md 2)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from drivers.errors import DeviceSilent, DriverConfigError, PortGone
from drivers.power.gauge import Charge, OnReady, clamp_percent
from drivers.power.sysfs import number, text
from runtime.threads import in_daemon_thread

POWER_SUPPLY = "sysfs:///sys/class/power_supply"
_MICROVOLTS = 1_000_000
_STATUS = {"Charging": True, "Discharging": False, "Not charging": False, "Full": False}
_MAINS_TYPES = frozenset({"Mains", "USB", "Wireless"})


class Sysfs:
    """A folder of power supplies, as the kernel lays it out."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def close(self) -> None:
        """Nothing is held."""


async def open_sysfs(url: str) -> Sysfs:
    """`sysfs:///sys/class/power_supply`, or a folder like it.

    It is looked for at every reading. Raises `DriverConfigError` when it is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "sysfs" or parts.netloc or not parts.path or parts.query:
        raise DriverConfigError(f"{url!r}: the kernel's gauge is at {POWER_SUPPLY}")
    root = Path(parts.path)
    return Sysfs(root)


class KernelGauge:
    """See `Gauge`. The first battery by name counts; any mains supply that is online is mains."""

    def __init__(self, port: Sysfs, *, on_ready: OnReady) -> None:
        self._root, self._on_ready = port.root, on_ready

    async def read(self) -> Charge:
        """See `Gauge.read`."""
        charge = await in_daemon_thread(self._read)
        if charge is None:
            raise PortGone(f"{self._root}: the kernel knows no battery")
        if isinstance(charge, str):
            raise DeviceSilent(charge)
        self._on_ready(charge.source)
        return charge

    def _read(self) -> Charge | str | None:
        """The battery, what is wrong with it, or None if there is none."""
        battery = next(batteries(self._root), None)
        if battery is None:
            return None
        percent = number(battery / "capacity")
        if percent is None:
            return f"{battery}: the capacity cannot be read"
        microvolts = number(battery / "voltage_now")
        is_charging = _STATUS.get(text(battery / "status"))
        return Charge(
            percent=clamp_percent(percent),
            volts=None if microvolts is None else microvolts / _MICROVOLTS,
            is_charging=is_charging,
            is_on_mains=self._is_on_mains(is_charging, text(battery / "status")),
            source=f"kernel {battery.name}",
        )

    def _is_on_mains(self, is_charging: bool | None, status: str) -> bool | None:
        online = [
            number(supply / "online")
            for supply in _supplies(self._root)
            if text(supply / "type") in _MAINS_TYPES
        ]
        if any(each is not None for each in online):
            return any(online)
        if is_charging or status in {"Full", "Not charging"}:
            return True
        return False if status == "Discharging" else None


def batteries(root: Path) -> Iterator[Path]:
    """The batteries of this machine; those of a mouse or pen (`scope` Device) are not."""
    for supply in _supplies(root):
        is_ours = text(supply / "scope") != "Device"
        if text(supply / "type") == "Battery" and is_ours and text(supply / "present") != "0":
            yield supply


def _supplies(root: Path) -> list[Path]:
    try:
        return sorted(root.iterdir())
    except OSError:
        return []
