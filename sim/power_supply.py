"""Shows a simulated battery the way the kernel shows a real one: as a folder of small files."""

from collections.abc import Mapping
from pathlib import Path

from runtime.files import write_atomic
from sim.devices.ups import FULL_PERCENT, SimBattery

BATTERY, MAINS = "ups-battery", "ups-mains"


class PowerSupplyTree:
    """Writes `ups-battery` and `ups-mains` below `root`. Entering makes them, leaving removes them.

    Raises `OSError` where that cannot be. Only what it made is removed.
    """

    def __init__(self, root: Path, battery: SimBattery) -> None:
        self.root = root
        self._battery = battery
        self._written: dict[Path, str] = {}
        self.is_faulty = False

    def update(self) -> None:
        """Write what has changed. With `is_faulty` the battery is not there."""
        wanted = {self.root / MAINS / name: value for name, value in self._mains().items()}
        if not self.is_faulty:
            values = self._cell()
            wanted |= {self.root / BATTERY / name: value for name, value in values.items()}
        for path in self._written.keys() - wanted.keys():
            path.unlink(missing_ok=True)
            del self._written[path]
        for path, value in wanted.items():
            if self._written.get(path) != value:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(path, f"{value}\n".encode())
                self._written[path] = value

    def remove(self) -> None:
        """Take away every file that was written, and folders that are empty then."""
        for path in self._written:
            path.unlink(missing_ok=True)
        self._written.clear()
        for folder in (self.root / BATTERY, self.root / MAINS, self.root):
            try:
                folder.rmdir()
            except OSError:  # not there, or somebody else's files are in it
                continue

    def _cell(self) -> Mapping[str, str]:
        battery = self._battery
        rate = battery.rate_percent_per_min
        if rate > 0:
            status = "Charging"
        elif not battery.is_on_mains:
            status = "Discharging"
        else:
            status = "Full" if battery.percent >= FULL_PERCENT else "Not charging"
        return {
            "type": "Battery",
            "present": "1",
            "status": status,
            "capacity": str(int(battery.percent)),
            "voltage_now": str(round(battery.volts * 1e6)),
            "technology": "Li-ion",
        }

    def _mains(self) -> Mapping[str, str]:
        return {"type": "Mains", "online": str(int(self._battery.is_on_mains))}
