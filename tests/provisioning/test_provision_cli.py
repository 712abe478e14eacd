"""`muster provision` as an operator meets it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.panel.board import load_board
from gateway.settings import GatewaySettings
from provisioning.cli import provision
from runtime.config import load_config
from terminal.settings import NeighbourSettings, TerminalSettings


def run(*arguments: object) -> Result:
    return CliRunner().invoke(provision, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run("county", tmp_path / "county").exit_code == 0
    return tmp_path / "county"


def test_a_county_needs_nothing_but_a_folder(tmp_path: Path) -> None:
    result = run("county", tmp_path / "county")
    assert result.exit_code == 0
    last = result.output.splitlines()[-1]
    assert last == f"Next: muster provision terminal {tmp_path / 'county'} NAME --point town-hall"
    settings = load_config(tmp_path / "county/gateway/gateway.toml", GatewaySettings)
    assert [point.name for point in settings.points] == ["town-hall"]


def test_the_next_command_it_names_works(folder: Path) -> None:
    result = run("terminal", folder, "t1", "--point", "town-hall")
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == f"Next: muster doctor {folder / 'terminals/t1'}"


def test_points_are_given_one_by_one(tmp_path: Path) -> None:
    points = ("--point", "school:中心小学:School", "--point", "square: 广场 : Market square ")
    result = run("county", tmp_path / "c", *points, "--mode", "real", "--broker-host", "192.0.2.7")
    assert result.exit_code == 0
    settings = load_config(tmp_path / "c/gateway/gateway.toml", GatewaySettings)
    assert [(p.name, p.title_zh, p.title_en) for p in settings.points] == [
        ("school", "中心小学", "School"),
        ("square", "广场", "Market square"),
    ]
    assert settings.broker.host == "192.0.2.7"


def test_a_terminals_options_reach_its_settings(folder: Path) -> None:
    options = ("--lane", 3, "--reader", "sdt=tcp://127.0.0.1:4001", "--board", "pi-4b")
    more = ("--pins", "mock", "--gnss", "nmea=tcp://127.0.0.1:4002", "--web-port", 9000)
    links = ("--neighbours", "wlan0", "--lora-after-s", 45)
    made = run("terminal", folder, "t1", "--point", "town-hall", *options, *more, *links)
    assert made.exit_code == 0
    settings = load_config(folder / "terminals/t1/terminal.toml", TerminalSettings)
    assert (settings.lane, settings.web.port) == (3, 9000)
    assert settings.neighbours == NeighbourSettings("wlan0")
    assert settings.uplink.lora_after_s == 45
    assert settings.panel is not None
    assert settings.panel.pins == "mock"


def test_a_device_without_a_port_is_where_the_board_has_it(folder: Path) -> None:
    devices = ("--board", "pi-5", "--reader", "sdt", "--gnss", "nmea")
    assert run("terminal", folder, "t1", "--point", "town-hall", *devices).exit_code == 0
    settings = load_config(folder / "terminals/t1/terminal.toml", TerminalSettings)
    profile = load_board("pi-5").ports
    assert profile is not None
    assert settings.gnss is not None
    assert settings.readers[0].port == profile.reader
    assert settings.gnss.port == profile.gnss


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("county", "{here}"), "needs a new folder"),
        (("county", "{here}/c", "--name", "Demo"), "not a name"),
        (("county", "{here}/c", "--point", "school"), "expected name:标题:English title"),
        (("county", "{here}/c", "--point", "school::x"), "expected name:标题:English title"),
        (("county", "{here}/file/c"), "file"),
        (("terminal", "{here}", "t1", "--point", "school"), "holds no county"),
        (("terminal", "{here}/county", "t1", "--point", "school"), "county.toml has: town-hall"),
        (
            ("terminal", "{here}/county", "t1", "--point", "town-hall", "--reader", "/dev/ttyUSB0"),
            "expected KIND=PORT, or a --board",
        ),
        (
            ("terminal", "{here}/county", "t1", "--point", "town-hall", "--board", "pi-9"),
            "no board profile hw/pi-9.toml",
        ),
        (
            ("terminal", "{here}/county", "t1", "--point", "town-hall", "--pins", "lgpoi"),
            "expected lgpio, mock or pigpio://HOST:PORT",
        ),
        (
            ("terminal", "{here}/county", "t1", "--point", "town-hall", "--gnss", "sdt=tcp://h:1"),
            "no driver 'sdt'; there are: gpsd, nmea",
        ),
        (("terminal", "{here}/county", "t/1", "--point", "town-hall"), "not a name"),
    ],
)
def test_a_mistake_is_one_line(folder: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (folder.parent / "file").touch()
    result = run(*(text.format(here=folder.parent) for text in arguments))
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert sentence in result.output


def test_a_damaged_county_file_is_named_with_its_key(folder: Path) -> None:
    with (folder / "county.toml").open("a") as file:
        file.write('colour = "red"\n')
    result = run("terminal", folder, "t1", "--point", "town-hall")
    assert result.exit_code == 1
    assert "county.toml" in result.output
    assert "colour" in result.output


def test_neighbours_are_on_an_interface_and_not_at_an_address(folder: Path) -> None:
    result = run("terminal", folder, "t1", "--point", "town-hall", "--neighbours", "10.0.0.0/8")
    assert result.exit_code == 1
    assert "such as eth0" in result.output
    assert not (folder / "terminals/t1").exists()
