"""What an operator may set of a radio, and the driver it makes."""

from pathlib import Path

import msgspec
import pytest

from drivers.errors import DriverConfigError
from drivers.radios.airtime import lora_airtime_s
from drivers.radios.measured_table import MeasuredTable, load_table, save_table
from drivers.radios.opening import (
    check_law,
    lora_settings,
    mesh_settings,
    modem_settings,
    open_radio,
)
from drivers.radios.site import RadioSettings
from sim.clock import Run
from sim.memory import MemoryCable

E22 = {
    "kind": "e22",
    "port": "serial:///dev/ttyUSB0",
    "region": "CN470",
    "frequency_mhz": 471.125,
    "power_dbm": 17,
}


def settings(**change: object) -> RadioSettings:
    def path_of(shape: type, value: str) -> Path:
        assert shape is Path
        return Path(value)

    return msgspec.convert({**E22, **change}, RadioSettings, dec_hook=path_of)


def test_frequency_and_power_are_counted_as_the_law_counts_them() -> None:
    assert settings().frequency_hz == 471_125_000
    assert settings().erp_dbm == 17
    assert settings(antenna_dbi=5.15).erp_dbm == pytest.approx(20)


@pytest.mark.parametrize(
    "change",
    [
        {"region": "CN780"},
        {"frequency_mhz": 2400},
        {"power_dbm": 99},
        {"spreading_factor": 9},
        {"kind": "rak3172", "air_bps": 2400},
        {"kind": "rak3172", "bandwidth_khz": 200},
        {"kind": "meshtastic", "spreading_factor": 9},
        {"kind": "meshtastic", "preset": "LongFast"},
        {"kind": "rak3172", "preset": "LONG_FAST"},
        {"pins": "lgpio"},
        {"pins": "gpio?m0=1&m1=2"},
        {"pins": "lgpio?m1=2&m0=1"},
        {"volume": 11},
    ],
    ids=repr,
)
def test_what_means_nothing_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings(**change)


@pytest.mark.parametrize(
    "pins", ["lgpio?m0=22&m1=27", "mock?m0=22&m1=27&aux=4", "pigpio://127.0.0.1:8888?m0=2&m1=3"]
)
def test_pins_have_a_place_and_numbers(pins: str) -> None:
    assert settings(pins=pins).pins == pins


def test_a_modem_that_can_listen_does() -> None:
    assert modem_settings(settings(), Path()).listens_first
    assert not modem_settings(settings(kind="e32"), Path()).listens_first


def test_the_driver_comes_with_its_pins(run: Run, tmp_path: Path) -> None:
    table = MeasuredTable("e22", 2400, ((1, 0.1), (200, 0.9)))
    save_table(tmp_path / "measured.toml", table, "a test")

    async def main() -> None:
        wired = settings(pins="mock?m0=22&m1=27&aux=4", measured="measured.toml")
        async with open_radio(wired, MemoryCable().host, folder=tmp_path) as radio:
            assert radio.airtime_s(200) == 0.9
        plain = settings(air_bps=9600)
        async with open_radio(plain, MemoryCable().host, folder=tmp_path) as radio:
            assert radio.airtime_s(200) == lora_airtime_s(207, 9, 500_000)

    run(main())


def test_a_lora_modem_is_set_as_it_is(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        rak = settings(kind="rak3172", spreading_factor=7, bandwidth_khz=250)
        async with open_radio(rak, MemoryCable().host, folder=tmp_path) as radio:
            assert radio.airtime_s(200) == lora_airtime_s(200, 7, 250_000)
        plain = settings(kind="rak3172")
        async with open_radio(plain, MemoryCable().host, folder=tmp_path) as radio:
            assert radio.airtime_s(200) == lora_airtime_s(200, 9, 125_000)
            assert radio.max_frame_bytes == 239
        with pytest.raises(DriverConfigError, match="30 dBm"):
            lora_settings(settings(kind="rak3172", power_dbm=30))

    run(main())


def test_a_lora_modem_is_judged_as_it_is_set() -> None:
    assert str(check_law(settings(kind="rak3172"), Path())) == "CN470 470-510 MHz"
    for change in ({"power_dbm": 18}, {"spreading_factor": 12}, {"frequency_mhz": 433.5}):
        with pytest.raises(DriverConfigError):
            check_law(settings(kind="rak3172", **change), Path())


def test_a_meshtastic_node_is_judged_as_its_owner_should_have_set_it(
    run: Run, tmp_path: Path
) -> None:
    mesh = {"kind": "meshtastic", "frequency_mhz": 470.625, "power_dbm": 13}
    assert str(check_law(settings(**mesh), Path())) == "CN470 470-510 MHz"
    europe = {"region": "EU868", "frequency_mhz": 869.525, "power_dbm": 27, "preset": "LONG_FAST"}
    assert "869.4" in str(check_law(settings(**{**mesh, **europe}), Path()))
    for change in (
        {"power_dbm": 17},  # 250 kHz wide
        {"preset": "LONG_FAST"},  # with a signature no useful frame is over within a second
        {**europe, "preset": "SHORT_TURBO"},  # wider than the band
    ):
        with pytest.raises(DriverConfigError):
            check_law(settings(**{**mesh, **change}), Path())
    assert mesh_settings(settings(**mesh)).preset == "MEDIUM_FAST"

    async def main() -> None:
        async with open_radio(settings(**mesh), MemoryCable().host, folder=tmp_path) as radio:
            assert radio.max_frame_bytes == 231
            assert 0.6 < radio.airtime_s(231) < 0.7

    run(main())


def test_a_modem_nobody_drives_is_refused(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with open_radio(settings(kind="e99"), MemoryCable().host, folder=tmp_path):
            pass

    with pytest.raises(DriverConfigError, match="e99"):
        run(main())


def test_a_table_comes_back(tmp_path: Path) -> None:
    table = MeasuredTable("e22", 2400, ((1, 0.0625), (32, 0.1), (200, 0.9)))
    save_table(tmp_path / "a.toml", table, "a test")
    assert load_table(tmp_path / "a.toml", "e22", 2400) == table


@pytest.mark.parametrize(
    "text",
    [
        "kind = 'e22'\nair_bps = 9600\npoints = [[1, 0.1], [2, 0.2]]",
        "kind = 'e220'\nair_bps = 2400\npoints = [[1, 0.1], [2, 0.2]]",
        "kind = 'e22'\nair_bps = 2400\npoints = [[1, 0.2], [2, 0.1]]",
        "kind = 'e22'\nair_bps = 2400\npoints = [[1, 0.2]]",
        "kind = 'e22'\n",
    ],
)
def test_a_table_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(DriverConfigError, match=r"a\.toml"):
        load_table(tmp_path / "a.toml", "e22", 2400)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DriverConfigError, match=r"none\.toml"):
        modem_settings(settings(measured="none.toml"), tmp_path)
