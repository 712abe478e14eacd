"""`muster radio calibrate`, on a simulated modem under virtual time."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.radios.airtime import lora_airtime_s
from drivers.radios.ledger import LEDGER_FILE
from drivers.radios.measured_table import load_table
from drivers.radios.site import RadioSettings
from provisioning import radio_cli
from provisioning.radio_at_work import RadioAtWork
from provisioning.radio_cli import radio
from runtime.database import open_database
from sim.clock import run_virtual
from tests.inline_threads import use_inline_threads
from tests.radio_rigs import FAMILIES, Ether, Family, MemoryPins, in_use, make_rig

SETTINGS = """
[radio]
kind = "e22"
port = "serial:///dev/nobody"
region = "CN470"
frequency_mhz = 471.125
power_dbm = 17
pins = "mock?m0=22&m1=27&aux=4"
"""


class Bench:
    """A terminal's folder, and a modem in the place of its radio."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "terminal.toml"
        self.config.write_text(SETTINGS)
        self.family: Family = FAMILIES["e22, AUX covers the air"]
        self.ether = Ether(airtime_s=lambda size: lora_airtime_s(size, 9, 125_000))

    @asynccontextmanager
    async def radio_at_work(self, _: RadioSettings, __: Path) -> AsyncIterator[RadioAtWork]:
        use_inline_threads()
        rig = make_rig(self.family, self.ether, "it")
        async with in_use(rig):
            said = await rig.ready
            yield RadioAtWork(rig.radio, MemoryPins(rig.modem, self.family.has_aux), said)

    def calibrate(self) -> Result:
        return CliRunner().invoke(radio, ["calibrate", "--config", str(self.config)])

    @property
    def booked_s(self) -> float:
        ledger = open_database(self.folder / "data" / LEDGER_FILE, "drivers.radios")
        ((booked_s,),) = ledger.execute("SELECT sum(airtime_s) FROM spent")
        ledger.close()
        return float(booked_s)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(tmp_path)
    monkeypatch.setattr(radio_cli, "radio_at_work", made.radio_at_work)
    monkeypatch.setattr("provisioning.radio_cli.asyncio.run", run_virtual)
    yield made
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_it_keeps_a_table_and_says_what_it_did(bench: Bench) -> None:
    result = bench.calibrate()
    assert result.exit_code == 0, result.output
    table = load_table(bench.folder / "radio-measured.toml", "e22", 2400)
    first, *_, last = result.output.splitlines()
    assert "471.125 MHz; CN470 470-510 MHz" in first
    assert last.startswith("CN470 470-510 MHz: the law allows frames of up to 18")
    assert last.endswith("of 239 bytes")
    assert "write into [radio] of" in result.output
    assert "192 bytes" not in result.output
    for size in (1, 50, 186):
        on_air_s = bench.ether.airtime_s(size + 7)
        assert on_air_s < table.airtime.airtime_s(size) < on_air_s + 0.1
    on_air_s = sum(end_s - start_s for *_, start_s, end_s in bench.ether.sent)
    assert bench.booked_s >= on_air_s - 1e-6
    assert all(end_s - start_s <= 1 for *_, start_s, end_s in bench.ether.sent)
    assert f"{bench.booked_s:.1f} s, counted" in result.output


def test_the_table_that_is_named_is_measured_anew(bench: Bench) -> None:
    bench.config.write_text(SETTINGS + 'measured = "mine.toml"\n')
    assert bench.calibrate().exit_code == 0
    load_table(bench.folder / "mine.toml", "e22", 2400)
    result = bench.calibrate()
    assert result.exit_code == 0
    assert "write into" not in result.output


def test_a_modem_whose_aux_tells_nothing_keeps_its_computed_times(bench: Bench) -> None:
    bench.family = FAMILIES["e22"]
    result = bench.calibrate()
    assert result.exit_code == 1
    assert "AUX rises before" in result.output
    assert "airtimes stay computed" in result.output
    assert not (bench.folder / "radio-measured.toml").exists()
    assert bench.booked_s > 0


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("county = 'x'\n", "no [radio]"),
        (SETTINGS.replace("17", "22"), "at most 17 dBm"),
        (
            SETTINGS.replace("e22", "rak3172").replace('pins = "mock?m0=22&m1=27&aux=4"', ""),
            "needs no measuring",
        ),
        (SETTINGS + "colour = 'red'\n", "unknown field"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(
    bench: Bench, settings: str, complaint: str
) -> None:
    bench.config.write_text(settings)
    result = bench.calibrate()
    assert result.exit_code == 1
    assert complaint in result.output
    assert bench.ether.sent == []


def test_without_aux_it_says_so(bench: Bench) -> None:
    bench.family = FAMILIES["e22 without AUX"]
    result = bench.calibrate()
    assert result.exit_code == 1
    assert "AUX is not wired" in result.output
