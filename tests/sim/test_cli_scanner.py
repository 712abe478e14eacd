"""`sim scanner` and `sim mrz` as a user runs them."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.port import BytePort, open_port
from drivers.readers.base import CardReader, CardTrouble
from drivers.readers.mrz import MrzReader
from drivers.readers.scanner import ScannerReader
from drivers.readers.wedge import WedgeReader
from sim.cli import sim
from sim.control import tell
from tests.reader_kind import told

CODES = "MT1:ABC\n\n姓名 unit=3\n"
DOCUMENTS = "number,surname,form,code\nL898902C3,ERIKSSON,td3,P\nH01234567,CHAN,td1,CR\n"
QUICK = ("--every", "0.02", "--hold", "0.01")
LIMIT_S = 30


@pytest.fixture
def codes(tmp_path: Path) -> Path:
    path = tmp_path / "codes.txt"
    path.write_text(CODES, encoding="utf-8")
    return path


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.csv"
    path.write_text(DOCUMENTS, encoding="utf-8")
    return path


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(sim, [*map(str, args)])


@pytest.mark.parametrize(
    ("options", "title"), [((), "scanner"), (("--wedge",), "scanner that types")]
)
def test_a_scanner_says_where_it_is_and_ends_with_the_deck(
    codes: Path, tmp_path: Path, options: tuple[str, ...], title: str
) -> None:
    link = tmp_path / "scanner"
    result = invoke("scanner", "--link", link, "--deck", codes, *QUICK, *options)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{title} at serial://{link}",
        "presenting 1",
        "presenting 2",
        "end of the deck",
    ]


def test_a_reader_of_zones_says_where_it_is(documents: Path, tmp_path: Path) -> None:
    link = tmp_path / "mrz"
    result = invoke("mrz", "--link", link, "--deck", documents, *QUICK)
    assert result.exit_code == 0
    assert result.output.startswith(f"MRZ reader at serial://{link}\n")
    assert "ERIKSSON" not in result.output


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("scanner", "\n\n", "no codes"),
        ("mrz", "number,surname\n", "no cards"),
        ("mrz", "number,surname\nL898902C3X,ERIKSSON\n", "line 2: number is longer"),
        ("mrz", "number,surname,form\nL8,ERIKSSON,td9\n", "line 2: form must be one of"),
        ("mrz", "number,surname,colour\nL8,ERIKSSON,red\n", "no such column: colour"),
    ],
)
def test_a_bad_deck_is_one_line(tmp_path: Path, command: str, text: str, said: str) -> None:
    deck = tmp_path / "deck"
    deck.write_text(text)
    result = invoke(command, "--link", tmp_path / "reader", "--deck", deck)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {deck}")
    assert said in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("command", ["scanner", "mrz"])
def test_without_a_deck_or_with_impossible_times_it_is_a_usage_error(
    codes: Path, tmp_path: Path, command: str
) -> None:
    link = ("--link", tmp_path / "reader")
    assert invoke(command, *link).exit_code == 2
    assert invoke(command, *link, "--deck", codes, "--every", "1", "--hold", "2").exit_code == 2


@contextmanager
def running(*args: str | Path) -> Iterator[None]:
    """The command in a process of its own, once it has said where it is."""
    command = [sys.executable, "-u", "-m", "sim.cli", *map(str, args)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert " at " in process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


async def names_while(
    reader: Callable[[BytePort], CardReader], url: str, control: Path, words: Sequence[str]
) -> list[str | None]:
    """What is read while each command is told; one event for each of them."""
    names = []
    async with asyncio.timeout(LIMIT_S):
        port = await open_port(url)
        events = reader(port).events()
        for command in words:
            assert (await tell(control, command.split(" ", 1))).startswith("ok")
            event = await anext(events)
            names.append(event.reason.value if isinstance(event, CardTrouble) else told(event))
        await port.close()
    return names


@pytest.mark.parametrize(
    ("options", "reader"),
    [
        ((), ScannerReader),
        (("--continuous", "--suffix", "crlf"), ScannerReader),
        (("--wedge", "--suffix", "none"), WedgeReader),
    ],
)
def test_a_scanner_by_hand(
    codes: Path, tmp_path: Path, options: tuple[str, ...], reader: Callable[[BytePort], CardReader]
) -> None:
    control, link = tmp_path / "control", tmp_path / "scanner"
    by_hand = ("--by-hand", "--control", control)
    words = ["present 1", "show A b~1", "show MT1:DEF"]
    with running("scanner", "--link", link, "--deck", codes, *by_hand, *options):
        names = asyncio.run(names_while(reader, f"serial://{link}", control, words))
    assert names == ["MT1:ABC", "A b~1", "MT1:DEF"]


def test_a_reader_of_zones_by_hand(documents: Path, tmp_path: Path) -> None:
    control, link = tmp_path / "control", tmp_path / "mrz"
    by_hand = ("--by-hand", "--control", control)
    with running("mrz", "--link", link, "--deck", documents, *by_hand):
        asyncio.run(tell(control, ["misread"]))
        words = ["present 1", "present 2", "present 1"]
        names = asyncio.run(names_while(MrzReader, f"serial://{link}", control, words))
        assert "the deck has 1 to 2" in asyncio.run(tell(control, ["present", "3"]))
    assert names == ["not_readable", "H01234567", "L898902C3"]
