"""Radios of a county: given with the gateway, alike at every terminal, and legal or not made."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.radios.site import RadioSettings
from gateway.settings import GatewaySettings
from provisioning.cli import provision
from provisioning.plans import USUAL_RADIO, check_radio
from runtime.config import load_config
from terminal.settings import TerminalSettings

RADIO = ("--radio", "e22=serial:///dev/ttyUSB1")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(provision, [str(argument) for argument in arguments])


def terminal(folder: Path, *options: object) -> RadioSettings | None:
    result = run("terminal", folder, "t1", "--point", "town-hall", *options)
    assert result.exit_code == 0, result.output
    return load_config(folder / "terminals/t1/terminal.toml", TerminalSettings).radio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A county with a radio that is not as usual."""
    options = ("--region", "CN470", "--frequency-mhz", "475.125", "--air-bps", "1200")
    result = run("county", tmp_path / "c", *RADIO, *options, "--radio-pins", "lgpio?m0=22&m1=27")
    assert result.exit_code == 0, result.output
    return tmp_path / "c"


def test_the_gateway_has_the_radio_it_was_given(folder: Path) -> None:
    assert load_config(folder / "gateway/gateway.toml", GatewaySettings).radio == RadioSettings(
        kind="e22",
        port="serial:///dev/ttyUSB1",
        region="CN470",
        frequency_mhz=475.125,
        power_dbm=17,
        air_bps=1200,
        pins="lgpio?m0=22&m1=27",
    )


def test_a_terminal_is_set_as_the_gateway_but_for_its_own_machine(folder: Path) -> None:
    assert terminal(
        folder,
        "--radio",
        "e220=tcp://127.0.0.1:4001",
        "--power-dbm",
        13,
        "--radio-pins",
        "mock?m0=1&m1=2&aux=3",
        "--air-bps",
        2400,
    ) == RadioSettings(
        kind="e220",
        port="tcp://127.0.0.1:4001",
        region="CN470",
        frequency_mhz=475.125,
        power_dbm=13,
        air_bps=2400,
        pins="mock?m0=1&m1=2&aux=3",
    )


def test_what_is_not_said_is_the_countys(folder: Path) -> None:
    radio = terminal(folder, *RADIO)
    assert radio is not None
    assert (radio.region, radio.frequency_mhz, radio.air_bps) == ("CN470", 475.125, 1200)
    assert radio.pins is None


def test_a_terminal_needs_no_radio(folder: Path) -> None:
    assert terminal(folder) is None


def test_a_lora_modem_has_its_own_words(tmp_path: Path) -> None:
    options = ("--radio", "rak3172=serial:///dev/ttyUSB1", "--region", "EU868")
    more = ("--frequency-mhz", 869.525, "--spreading-factor", 10)
    assert run("county", tmp_path / "c", *options, *more).exit_code == 0
    radio = terminal(tmp_path / "c", "--radio", "rak3172=serial:///dev/ttyUSB2")
    assert radio is not None
    assert (radio.port, radio.spreading_factor) == ("serial:///dev/ttyUSB2", 10)


@pytest.mark.parametrize("region", USUAL_RADIO)
def test_what_is_usual_is_legal(tmp_path: Path, region: str) -> None:
    assert run("county", tmp_path / "c", *RADIO, "--region", region).exit_code == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--radio", "e22=serial:///dev/x", "--region", "EU868"), "the county's radio is in CN470"),
        (("--radio", "rak3172=serial:///dev/x"), "does not hear the county's e22"),
        (("--radio", "e99=serial:///dev/x"), "does not hear"),
        (("--radio", "e22"), "expected KIND=PORT"),
        (("--radio", "e22=/dev/x"), "expected one of"),
        (("--radio", "e220=serial:///dev/x", "--air-bps", "2400"), "switched by pins only"),
        (("--radio", "e22=serial:///dev/x", "--power-dbm", "22"), "at most 17 dBm"),
        (("--radio", "e22=serial:///dev/x", "--frequency-mhz", "475.2"), "channel"),
        (("--radio", "e22=serial:///dev/x", "--spreading-factor", "9"), "means nothing"),
        (("--power-dbm", "17"), "need --radio"),
    ],
    ids=repr,
)
def test_a_radio_that_cannot_be_is_not_made(
    folder: Path, options: tuple[str, ...], complaint: str
) -> None:
    result = run("terminal", folder, "t1", "--point", "town-hall", *options)
    assert result.exit_code == 1
    assert complaint in result.output
    assert not (folder / "terminals/t1").exists()


def test_no_radio_is_always_right() -> None:
    check_radio(None)
