"""`muster gateway`: rosters in, the ledger checked, and one line for whatever is wrong."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.store.rosters import RosterStore
from gateway.store.sqlite import DATABASE
from muster import main
from provisioning.bundle import create_county
from provisioning.layout import GATEWAY_TOML, IDENTITY, CountyFolder
from provisioning.plans import CountyPlan
from tests.musters import NAMES, NUMBERS
from tests.parties import NOW_MS

HEADER = "id_number,name,unit,point\n"
GOOD = f"{NUMBERS[0]},{NAMES[0]},一排,town-hall\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    county = CountyFolder(tmp_path_factory.mktemp("cli") / "county")
    create_county(county.folder, CountyPlan(), datetime.now(UTC))
    return county.gateway


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A fresh copy of the gateway's folder."""
    return Path(shutil.copytree(made, tmp_path / "gateway"))


def gateway(folder: Path, command: str, *arguments: str) -> Result:
    config = str(folder / GATEWAY_TOML)
    return CliRunner().invoke(main, ["gateway", command, "--config", config, *arguments])


def import_roster(folder: Path, text: str) -> Result:
    file = folder / "roster.csv"
    file.write_text(text)
    return gateway(folder, "import-roster", str(file))


def test_a_radio_that_would_break_the_law_is_one_line(folder: Path) -> None:
    config = folder / GATEWAY_TOML
    radio = """
[radio]
kind = "rak3172"
port = "tcp:127.0.0.1:1"
region = "CN470"
frequency_mhz = 471.1
power_dbm = 22
"""
    config.write_text(config.read_text() + radio)
    result = gateway(folder, "run")
    assert result.exit_code == 1
    assert result.output.startswith("muster gateway: CN470 470-510 MHz: at most 17 dBm e.r.p.")
    assert result.output.count("\n") == 1


def edit(folder: Path, old: str, new: str) -> None:
    config = folder / GATEWAY_TOML
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


def test_a_roster_is_imported_and_bad_rows_are_named(folder: Path) -> None:
    result = import_roster(folder, HEADER + "SECRET,a,b,town-hall\n" + GOOD)
    assert result.exit_code == 0
    assert "roster v1: 1 people, 1 rows left out" in result.output
    assert "line 2: id_number" in result.output
    assert "SECRET" not in result.output
    assert "roster v2" in import_roster(folder, HEADER + GOOD).output


@pytest.mark.parametrize("text", ["", "a,b\n", HEADER, HEADER + "x,a,b,town-hall\n"])
def test_a_file_without_anybody_changes_nothing(folder: Path, text: str) -> None:
    import_roster(folder, HEADER + GOOD)
    assert import_roster(folder, text).exit_code == 1
    assert "roster v2" in import_roster(folder, HEADER + GOOD).output


def test_a_ledger_that_holds_is_unbroken(folder: Path) -> None:
    import_roster(folder, HEADER + GOOD)
    result = gateway(folder, "verify")
    assert (result.exit_code, result.output) == (0, "the ledger is unbroken\n")


def test_a_ledger_that_is_not_there_is_not_unbroken(folder: Path) -> None:
    result = gateway(folder, "verify")
    assert result.exit_code == 1
    assert "there is no ledger" in result.output
    assert not (folder / "data" / DATABASE).exists()


def test_a_broken_ledger_is_reported(folder: Path) -> None:
    import_roster(folder, HEADER + GOOD)
    with sqlite3.connect(folder / "data" / DATABASE) as db:
        db.execute("INSERT INTO stream VALUES (1, 't1', 5, x'90', x'90')")
        db.execute("INSERT INTO record VALUES (1, 1, 1, x'00')")
    db.close()
    result = gateway(folder, "verify")
    assert result.exit_code == 1
    assert "behind the last link" in result.output


@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_ledger_that_is_no_database_is_named(folder: Path, command: str) -> None:
    (folder / "data").mkdir()
    (folder / "data" / DATABASE).write_bytes(b"garbage" * 1000)
    result = gateway(folder, command)
    assert result.exit_code == 1
    assert DATABASE in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "town-hall"', 'name = "Town Hall"', "$.points[0].name"),
        ('node = "gateway"', 'node = "other"', "another node's identity"),
        ('mode = "drill"', 'mode = "party"', "$.activation.mode"),
        ("[web]", "[web]\nsurprise = 1", "surprise"),
    ],
)
def test_a_wrong_line_stops_the_start(folder: Path, old: str, new: str, words: str) -> None:
    edit(folder, old, new)
    result = gateway(folder, "run")
    assert result.exit_code == 1
    assert words in result.output
    assert result.output.startswith("muster gateway: ")


def test_two_points_of_one_name_stop_the_start(folder: Path) -> None:
    config = folder / GATEWAY_TOML
    point = config.read_text().partition("[[points]]")[2]
    config.write_text(config.read_text() + "\n[[points]]" + point)
    result = gateway(folder, "run")
    assert result.exit_code == 1
    assert "two points have the same name" in result.output


def test_a_missing_identity_stops_the_start(folder: Path) -> None:
    (folder / IDENTITY / "node.identity").unlink()
    assert "node.identity: cannot be read" in gateway(folder, "run").output


def test_a_notice_is_kept_and_one_that_is_too_long_is_not(folder: Path) -> None:
    assert gateway(folder, "notice", "改到小学操场集合").exit_code == 0
    refused = gateway(folder, "notice", "长" * 121)
    assert refused.exit_code == 1
    assert "1 to 120 characters" in refused.output


def test_an_activation_is_ended_once(folder: Path) -> None:
    assert "no activation is running" in gateway(folder, "end-activation").output
    store = RosterStore(folder / "data" / DATABASE)
    store.activation(b"definition", NOW_MS)
    store.close()
    assert "activation 1 is ended" in gateway(folder, "end-activation").output
    assert gateway(folder, "end-activation").exit_code == 1
