"""What stops a terminal's start: one line that says what the operator must put right."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muster import main
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import IDENTITY, TERMINAL_TOML, CountyFolder
from provisioning.plans import CountyPlan, TerminalPlan
from sim.ports import free_port
from terminal.outbox import OUTBOX

RADIO = (
    '[radio]\nkind = "e22"\nport = "tcp://127.0.0.1:1"\nregion = "CN470"\n'
    "frequency_mhz = {mhz}\npower_dbm = {dbm}\nmodule_dbm = 30\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CountyFolder:
    folder, now = tmp_path_factory.mktemp("start") / "county", datetime.now(UTC)
    create_county(folder, CountyPlan(), now)
    for name in ("t1", "t2"):
        create_terminal(folder, TerminalPlan(name, "town-hall", web_port=free_port()), now)
    return CountyFolder(folder)


@pytest.fixture
def folder(made: CountyFolder, tmp_path: Path) -> Path:
    """A fresh copy of t1's folder."""

    return Path(shutil.copytree(made.terminal("t1"), tmp_path / "t1"))


def start(folder: Path) -> Result:
    result = CliRunner().invoke(
        main, ["terminal", "run", "--config", str(folder / TERMINAL_TOML)], catch_exceptions=True
    )
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    said = [line for line in result.output.splitlines() if not line.startswith("{")]  # no log
    assert len(said) == 1
    assert said[0].startswith("muster terminal: ")
    return result


def edit(folder: Path, old: str, new: str) -> None:
    config = folder / TERMINAL_TOML
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lane = 1", "lane = 0", "$.lane"),
        ("lane = 1", "lane = 1\nsurprise = 1", "surprise"),
        ('point = "town-hall"', 'point = "Town Hall"', "$.point"),
        ("lane = 1", "lane = ", "not valid TOML"),
        ('kind = "sdt"', 'kind = "xyz"', "no driver 'xyz'"),
        ("[web]", "[uplink]\nlora_after_s = -1\n[web]", "lora_after_s"),
        ("[web]", RADIO.format(mhz=471.125, dbm=30) + "[web]", "CN470"),
        ("[web]", '[panel]\nboard = "pi-99"\npins = "mock"\n[web]', "hw/pi-99.toml"),
        ('node = "t1"', 'node = "t2"', "another node's identity"),
        ('county = "demo"', 'county = "other"', "another node's identity"),
    ],
)
def test_a_wrong_line_is_named(folder: Path, old: str, new: str, words: str) -> None:
    edit(folder, old, new)
    assert words in start(folder).output


def test_a_missing_identity_is_named(folder: Path) -> None:
    (folder / IDENTITY / "node.identity").unlink()
    assert "node.identity: cannot be read" in start(folder).output


def test_a_damaged_identity_is_named(folder: Path) -> None:
    (folder / IDENTITY / "node.identity").write_bytes(b"garbage")
    start(folder)


def outbox(folder: Path) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    return folder / "data" / OUTBOX


def test_an_outbox_that_is_no_database_is_named_and_left_as_it_is(folder: Path) -> None:
    """Somebody may still get records out of it: nothing is thrown away, nothing made anew."""
    outbox(folder).write_bytes(b"garbage" * 1000)
    assert OUTBOX in start(folder).output
    assert outbox(folder).read_bytes() == b"garbage" * 1000


def test_an_outbox_with_a_damaged_page_is_named(folder: Path) -> None:
    with sqlite3.connect(outbox(folder)) as db:
        db.execute("CREATE TABLE waiting (seq INTEGER PRIMARY KEY, sealed BLOB)")
        db.executemany("INSERT INTO waiting VALUES (?, ?)", [(n, b"x" * 900) for n in range(200)])
    db.close()
    data = bytearray(outbox(folder).read_bytes())
    data[3 * 4096 : 5 * 4096] = b"\xff" * 8192
    outbox(folder).write_bytes(data)
    assert OUTBOX in start(folder).output
