"""`sim idreader` as a user runs it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sim.cli import sim

DECK = "number,name\n11010519491231002,张三丰\n440308199901101512,李四\n"


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    path = tmp_path / "deck.csv"
    path.write_text(DECK, encoding="utf-8")
    return path


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(sim, ["idreader", *map(str, args)])


def test_it_says_where_and_ends_with_the_deck(deck: Path, tmp_path: Path) -> None:
    link = tmp_path / "reader"
    result = invoke("--link", link, "--deck", deck, "--every", "0.02", "--hold", "0.01")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"ID card reader at serial://{link}",
        "presenting 1",
        "presenting 2",
        "end of the deck",
    ]
    assert not link.is_symlink()


def test_nobody_is_named(deck: Path, tmp_path: Path) -> None:
    result = invoke("--link", tmp_path / "r", "--deck", deck, "--every", "0.01", "--hold", "0.01")
    assert "张三丰" not in result.output
    assert "1101051949" not in result.output


def test_a_bad_deck_is_one_line(deck: Path, tmp_path: Path) -> None:
    deck.write_text("number,name\n1,\n", encoding="utf-8")
    result = invoke("--link", tmp_path / "reader", "--deck", deck)
    assert result.exit_code == 1
    assert result.output == f"Error: {deck} line 2: number or name is empty\n"


def test_a_file_in_the_way_is_one_line(deck: Path, tmp_path: Path) -> None:
    (tmp_path / "reader").write_text("precious")
    result = invoke("--link", tmp_path / "reader", "--deck", deck)
    assert result.exit_code == 1
    assert "not touching it" in result.output


def test_a_folder_that_is_not_there_is_one_line(deck: Path, tmp_path: Path) -> None:
    result = invoke("--link", tmp_path / "no" / "reader", "--deck", deck)
    assert result.exit_code == 1
    assert "cannot make" in result.output


def test_hold_longer_than_every_is_a_usage_error(deck: Path, tmp_path: Path) -> None:
    result = invoke("--link", tmp_path / "r", "--deck", deck, "--every", "1", "--hold", "2")
    assert result.exit_code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_takes_the_name_away(
    deck: Path, tmp_path: Path, number: signal.Signals
) -> None:
    link = tmp_path / "reader"
    command = [sys.executable, "-u", "-m", "sim.cli", "idreader", "--repeat"]
    with subprocess.Popen(
        [*command, "--link", link, "--deck", deck], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ID card reader at serial://{link}\n"
        assert link.is_symlink()
        process.send_signal(number)
        assert process.stdout.read().endswith("stopped\n")
        assert process.wait() == 0
    assert not link.is_symlink()
