"""What every battery gauge owes its caller, each on its simulated battery."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceRefused, DeviceSilent, DriverConfigError, PortGone
from drivers.i2c import I2cChip
from drivers.power.gauge import Charge
from drivers.power.kernel import Sysfs
from drivers.power.lc709203f import crc8, is_whole
from drivers.registry import GAUGES, load
from sim.devices.ups import (
    SimBattery,
    SimBus,
    SimChip,
    SimIna219,
    SimLc709203f,
    SimMax1704x,
)
from sim.power_supply import PowerSupplyTree

CHIPS: dict[str, tuple[int, Callable[[SimBattery], SimChip]]] = {
    "max17040": (0x36, partial(SimMax1704x, has_rate=False)),
    "max17043": (0x36, partial(SimMax1704x, has_rate=False)),
    "max17048": (0x36, partial(SimMax1704x, has_rate=True)),
    "ina219": (0x42, partial(SimIna219, cells=2)),
    "lc709203f": (0x0B, SimLc709203f),
}
OPTIONS = {"ina219": {"cells": "2"}}
KNOWS_DIRECTION = {"kernel", "max17048", "ina219"}


class Bench:
    """A gauge on its battery, and hands to spoil either."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.now_s = kind, 0.0
        self.battery = SimBattery(lambda: self.now_s)
        self.ready: list[str] = []
        port: Any
        if kind == "kernel":
            self.tree = PowerSupplyTree(folder, self.battery)
            port = Sysfs(folder)
        else:
            self.address, make_chip = CHIPS[kind]
            self.bus = SimBus({self.address: make_chip(self.battery)})
            port = I2cChip(self.bus, self.address, OPTIONS.get(kind), "bus 0")
        self.gauge = load(GAUGES[kind].make)(port, on_ready=self.ready.append)

    def read(self) -> Charge:
        if self.kind == "kernel":
            self.tree.update()
        charge: Charge = asyncio.run(self.gauge.read())
        return charge


@pytest.fixture(params=sorted(GAUGES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(request.param, tmp_path / "supply")


@pytest.fixture(params=sorted(CHIPS))
def chip(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(request.param, tmp_path)


def test_every_gauge_has_a_simulator() -> None:
    assert {"kernel", *CHIPS} == GAUGES.keys()


@pytest.mark.parametrize("percent", [0, 3.2, 10, 47, 88.8, 99.5])
def test_the_level_is_read(bench: Bench, percent: float) -> None:
    bench.battery.is_on_mains = False
    bench.battery.percent = percent
    charge = bench.read()
    assert charge.percent == pytest.approx(percent, abs=1)
    cells = 2 if bench.kind == "ina219" else 1
    assert charge.volts == pytest.approx(bench.battery.volts * cells, abs=0.01)


def test_the_level_is_read_afresh(bench: Bench) -> None:
    bench.battery.is_on_mains = False
    bench.battery.drain(1.0)
    levels = []
    for _ in range(5):
        levels.append(bench.read().percent)
        bench.now_s += 600
    assert levels == pytest.approx([100, 90, 80, 70, 60], abs=1)


def test_who_says_it_is_said_and_told(bench: Bench) -> None:
    charge = bench.read()
    assert bench.ready == [charge.source]
    assert charge.source.startswith("kernel" if bench.kind == "kernel" else bench.kind.upper()[:5])


def test_direction_is_told_by_those_who_know(bench: Bench) -> None:
    bench.battery.percent = 50
    charging = bench.read()
    bench.battery.is_on_mains = False
    draining = bench.read()
    if bench.kind in KNOWS_DIRECTION:
        assert (charging.is_charging, charging.is_on_mains) == (True, True)
        assert (draining.is_charging, draining.is_on_mains) == (False, False)
    else:
        for charge in (charging, draining):
            assert charge.is_charging is charge.is_on_mains is None


def test_a_full_battery_on_mains_is_not_said_to_drain(bench: Bench) -> None:
    charge = bench.read()
    assert charge.percent == pytest.approx(100, abs=0.5)
    assert charge.is_charging is not True
    assert charge.is_on_mains is not False


def test_a_battery_that_is_not_there_is_gone(bench: Bench) -> None:
    bench.read()
    if bench.kind == "kernel":
        bench.tree.is_faulty = True
    else:
        bench.bus.remove(bench.address)
    with pytest.raises(PortGone):
        bench.read()
    assert len(bench.ready) == 1


def test_a_bus_that_hangs_is_silence(chip: Bench) -> None:
    chip.bus.is_stuck = True
    with pytest.raises(DeviceSilent):
        chip.read()


def test_a_chip_that_the_kernel_holds_is_refused(chip: Bench) -> None:
    chip.bus.claimed.add(chip.address)
    with pytest.raises(DeviceRefused, match="kernel"):
        chip.read()


@pytest.mark.parametrize("garble", range(256))
@pytest.mark.parametrize("kind", sorted(CHIPS))
def test_whatever_comes_the_level_stays_between_its_ends(
    kind: str, garble: int, tmp_path: Path
) -> None:
    chip = Bench(kind, tmp_path)
    chip.bus.garble = garble
    try:
        percent = chip.read().percent
    except DeviceSilent:
        assert garble
    else:
        assert 0 <= percent <= 100


@pytest.mark.parametrize("garble", range(1, 256))
def test_a_garbled_reading_with_a_checksum_is_never_believed(garble: int, tmp_path: Path) -> None:
    chip = Bench("lc709203f", tmp_path)
    chip.bus.garble = garble
    with pytest.raises(DeviceSilent, match="checksum"):
        chip.read()


def test_an_option_that_means_nothing_is_refused(chip: Bench) -> None:
    port = I2cChip(chip.bus, chip.address, {"cells": "9", "colour": "red"})
    with pytest.raises(DriverConfigError):
        load(GAUGES[chip.kind].make)(port, on_ready=chip.ready.append)


def test_the_worked_examples_of_the_data_sheet() -> None:
    """LC709203F, "Bus protocols": 3778 mV is read as C2 0E with checksum 86; a write ends in 3B."""
    assert is_whole(0x0B, 0x09, bytes.fromhex("c2 0e 86"))
    assert not is_whole(0x0B, 0x09, bytes.fromhex("c2 0e 87"))
    assert not is_whole(0x0B, 0x09, bytes.fromhex("c2 0e"))
    assert crc8(bytes.fromhex("16 09 55 aa")) == 0x3B


@dataclass
class Supply:
    """Files of one power supply."""

    folder: Path

    def write(self, **files: str) -> "Supply":
        self.folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.folder / name).write_text(f"{text}\n")
        return self


@pytest.fixture
def kernel(tmp_path: Path) -> tuple[Path, Callable[[], Charge]]:
    def read() -> Charge:
        gauge = load(GAUGES["kernel"].make)(Sysfs(tmp_path), on_ready=lambda _source: None)
        charge: Charge = asyncio.run(gauge.read())
        return charge

    return tmp_path, read


Kernel = tuple[Path, Callable[[], Charge]]


def test_the_kernel_may_say_little(kernel: Kernel) -> None:
    root, read = kernel
    Supply(root / "bat").write(type="Battery", capacity="55")
    assert read() == Charge(55, None, None, None, "kernel bat")


@pytest.mark.parametrize(
    ("status", "is_charging", "is_on_mains"),
    [
        ("Charging", True, True),
        ("Full", False, True),
        ("Not charging", False, True),
        ("Discharging", False, False),
        ("Unknown", None, None),
    ],
)
def test_without_a_mains_supply_the_status_tells(
    kernel: Kernel, status: str, is_charging: bool | None, is_on_mains: bool | None
) -> None:
    root, read = kernel
    Supply(root / "bat").write(type="Battery", capacity="55", status=status)
    charge = read()
    assert (charge.is_charging, charge.is_on_mains) == (is_charging, is_on_mains)


def test_a_mouse_is_not_the_battery_of_the_terminal(kernel: Kernel) -> None:
    root, read = kernel
    Supply(root / "a-mouse").write(type="Battery", capacity="1", scope="Device")
    Supply(root / "b-usb").write(type="USB", online="1")
    with pytest.raises(PortGone):
        read()
    Supply(root / "c-pack").write(type="Battery", capacity="130", voltage_now="4100000")
    assert read() == Charge(100, 4.1, None, True, "kernel c-pack")


def test_a_capacity_that_cannot_be_read_is_silence(kernel: Kernel) -> None:
    root, read = kernel
    Supply(root / "bat").write(type="Battery", capacity="")
    with pytest.raises(DeviceSilent):
        read()


def test_a_folder_that_is_not_there_is_gone() -> None:
    gauge = load(GAUGES["kernel"].make)(Sysfs(Path("/nonexistent")), on_ready=print)
    with pytest.raises(PortGone):
        asyncio.run(gauge.read())


@pytest.mark.parametrize("url", ["sysfs:", "sysfs://host/x", "serial:///x", "sysfs:///x?y=1"])
def test_a_url_of_no_folder_is_refused(url: str) -> None:
    with pytest.raises(DriverConfigError):
        asyncio.run(load(GAUGES["kernel"].open)(url))
