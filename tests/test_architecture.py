"""What holds for the tree as a whole: sizes, tables, packages, help, nothing about one machine."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module, metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click
import pytest

from drivers.registry import GAUGES, GNSS, RADIOS, READERS, Driver, load
from muster import main
from runtime.lazy_cli import LazyGroup

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    *("protocol", "runtime", "drivers", "terminal", "gateway", "provisioning", "courier"),
    *("sim", "hw"),
)
MAX_LINES = 400
DATA_SUFFIXES = {".sql", ".toml", ".html", ".css", ".js", ".svg"}
WEB_STACK = {"fastapi", "starlette", "uvicorn", "jinja2"}
CONTRACTS = {
    "mrz": "test_reader_contract",
    "mrz_wedge": "test_reader_contract",
    "pcsc": "test_reader_contract",
    "pn532": "test_reader_contract",
    "scanner": "test_reader_contract",
    "sdt": "test_reader_contract",
    "wedge": "test_reader_contract",
    "nmea": "test_gnss_contract",
    "gpsd": "test_gnss_contract",
    **dict.fromkeys(GAUGES, "test_gauge_contract"),
    **dict.fromkeys(("e22", "e220", "e32", "meshtastic", "rak3172"), "test_radio_contract"),
}
SIMULATORS = {
    "mrz": "sim.devices.mrz:SimMrz",
    "mrz_wedge": "sim.devices.mrz:SimMrz",
    "pcsc": "sim.devices.vpcd:SimVpcdCard",
    "pn532": "sim.devices.pn532:SimPn532",
    "scanner": "sim.devices.scanner:SimScanner",
    "sdt": "sim.devices.idreader:SimIdReader",
    "wedge": "sim.devices.scanner:SimScanner",
    "nmea": "sim.devices.gnss:SimGnss",
    "gpsd": "sim.devices.gpsd:SimGpsd",
    "kernel": "sim.power_supply:PowerSupplyTree",
    **dict.fromkeys(("max17040", "max17043", "max17048"), "sim.devices.ups:SimMax1704x"),
    "ina219": "sim.devices.ups:SimIna219",
    "lc709203f": "sim.devices.ups:SimLc709203f",
    **dict.fromkeys(("e22", "e220", "e32"), "sim.devices.e22:SimE22"),
    "meshtastic": "sim.devices.meshtastic:SimMeshtastic",
    "rak3172": "sim.devices.rak3172:SimRak3172",
}
SHEETS = {
    "mrz": "mrz.md",
    "mrz_wedge": "mrz.md",
    "pcsc": "pcsc.md",
    "pn532": "pn532.md",
    "scanner": "scanner.md",
    "sdt": "sdt-reader.md",
    "wedge": "wedge.md",
    "nmea": "gnss-nmea.md",
    "gpsd": "gpsd.md",
    **dict.fromkeys(GAUGES, "power.md"),
    **dict.fromkeys(("e22", "e220", "e32"), "e22.md"),
    "meshtastic": "meshtastic.md",
    "rak3172": "rak3172.md",
}
# Folders of a developer's machine; /tmp in an example of a user's own command is nobody's.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users)/")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


TRACKED = [path for path in tracked() if path.is_file()]
PRODUCT = [
    path
    for path in TRACKED
    if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in (*PACKAGES, "muster.py")
]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_a_product() -> None:
    assert len(PRODUCT) > 100


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_a_file_has_one_duty(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("role", "kind"),
    [(role, kind) for role in (READERS, GNSS, GAUGES, RADIOS) for kind in role],
    ids=str,
)
def test_every_driver_is_whole(role: dict[str, Driver], kind: str) -> None:
    """It loads, is written from a sheet, has a simulator, and keeps its role's contract."""
    assert callable(load(role[kind].make))
    assert callable(load(role[kind].open))
    assert (ROOT / "hw" / SHEETS[kind]).is_file()
    module, _, name = SIMULATORS[kind].partition(":")
    assert callable(getattr(import_module(module), name))
    contract = (ROOT / "tests" / "contract" / f"{CONTRACTS[kind]}.py").read_text()
    driver = role[kind].make.partition(":")[2]
    whole_table = re.search(r"load\((GNSS|GAUGES)", contract)
    assert driver in contract or whole_table


def files_of(folder: Traversable, prefix: str = "") -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from files_of(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


@pytest.mark.parametrize("package", PACKAGES)
def test_every_data_file_is_found_as_a_resource(package: str) -> None:
    """Found through the package, as an installed program does, and not empty."""
    wanted = {
        str(path.relative_to(ROOT / package))
        for path in TRACKED
        if path.suffix in DATA_SUFFIXES and path.is_relative_to(ROOT / package)
    }
    found = set(files_of(resources.files(package)))
    assert wanted <= found
    for name in wanted:
        assert resources.files(package).joinpath(name).read_bytes()


def test_every_data_file_is_in_the_wheel() -> None:
    """`package-data` is a list of patterns: a new folder is easily forgotten."""
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packed = {
        path
        for package, patterns in setup["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    wanted = {
        path
        for path in TRACKED
        if path.suffix in DATA_SUFFIXES and path.relative_to(ROOT).parts[0] in PACKAGES
    }
    assert sorted(map(relative, wanted - packed)) == []


def test_no_other_distribution_brings_a_package_of_ours() -> None:
    """Generic names are the price of plain packages; this is the guard."""
    holders = metadata.packages_distributions()
    for package in PACKAGES:
        assert set(holders.get(package, [])) <= {"muster"}, package


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, (*path, name))


COMMANDS = list(commands(main))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    assert command.help
    assert command.get_help(click.Context(command, info_name=" ".join(path)))


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules a process has imported once it has shown this help."""
    script = (
        "import sys, atexit, muster\n"
        "atexit.register(lambda: print('\\n' + ' '.join({n.split('.')[0] for n in sys.modules})))\n"
        f"muster.main({list(arguments)!r})"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert "Usage:" in shown.stdout
    return set(shown.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("group", ["", "terminal", "gateway"])
def test_help_of_a_group_loads_no_web_stack(group: str) -> None:
    """A Pi Zero takes seconds for it, and an operator asks for help in a hurry."""
    assert isinstance(main, LazyGroup)
    assert not loaded_by(*([group] if group else []), "--help") & WEB_STACK


@pytest.mark.parametrize("path", TRACKED, ids=relative)
def test_nothing_names_a_machine(path: Path) -> None:
    if path.suffix in {".png", ".jpg", ".woff2"} or path == Path(__file__).resolve():
        return
    found = MACHINE_PATHS.findall(path.read_text())
    assert not found
