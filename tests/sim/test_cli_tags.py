"""`sim pn532` and `sim pcsc` as a user runs them."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.port import open_port
from drivers.readers.base import ReaderEvent, TagRead
from drivers.readers.pcsc import PcscReader
from drivers.readers.pcsc_port import open_pcsc
from drivers.readers.pn532 import Pn532Reader
from sim.cli import sim
from sim.control import tell
from sim.ports import free_port
from tests.pcscd_process import Pcscd

DECK = "uid,kind,text\n04112233445566,ntag213,MT1:HELLO\n04AABBCCDDEEFF,type4,MT1:CHIP\n"
READ = [
    TagRead(bytes.fromhex("04112233445566"), "MT1:HELLO"),
    TagRead(bytes.fromhex("04AABBCCDDEEFF"), "MT1:CHIP"),
]
SOON_S = 20.0


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    path = tmp_path / "tags.csv"
    path.write_text(DECK, encoding="utf-8")
    return path


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(sim, [*map(str, args)])


def test_a_pn532_says_where_and_ends_with_the_deck(deck: Path, tmp_path: Path) -> None:
    link = tmp_path / "pn532"
    result = invoke("pn532", "--link", link, "--deck", deck, "--every", "0.02", "--hold", "0.01")
    assert result.exit_code == 0
    lines = [f"PN532 at serial://{link}", "presenting 1", "presenting 2", "end of the deck"]
    assert result.output.splitlines() == lines


def test_a_bad_deck_is_one_line(deck: Path, tmp_path: Path) -> None:
    deck.write_text("uid,kind,text\n04,ntag213,MT1:HELLO\n", encoding="utf-8")
    result = invoke("pn532", "--link", tmp_path / "pn532", "--deck", deck)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "line 2" in result.output
    assert "MT1" not in result.output


def test_hold_longer_than_every_is_a_usage_error(deck: Path, tmp_path: Path) -> None:
    result = invoke(
        "pn532", "--link", tmp_path / "p", "--deck", deck, "--every", "1", "--hold", "2"
    )
    assert result.exit_code == 2


@pytest.mark.daemon
def test_without_vpcd_it_says_what_is_missing(deck: Path) -> None:
    result = invoke("pcsc", "--deck", deck, "--port", str(free_port()))
    assert result.exit_code == 1
    assert "no vpcd listens at 127.0.0.1" in result.output
    assert "vsmartcard-vpcd" in result.output


def running(*args: str | Path) -> "subprocess.Popen[str]":
    command: Sequence[str | Path] = [sys.executable, "-u", "-m", "sim.cli", *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    deadline_s = time.monotonic() + SOON_S
    while not path.exists():
        assert time.monotonic() < deadline_s, f"{path.name} does not appear"
        time.sleep(0.01)


def test_a_pn532_by_hand(deck: Path, tmp_path: Path) -> None:
    """The command in a process of its own, our driver on its pty, a hand on its control socket."""
    link, control = tmp_path / "pn532", tmp_path / "control"

    async def main() -> list[ReaderEvent]:
        port = await open_port(f"serial://{link}")
        events = Pn532Reader(port).events()
        read = []
        for number in ("1", "2"):
            assert await tell(control, ["present", number]) == "ok"
            read.append(await anext(events))
        assert (await tell(control, ["present", "3"])).startswith("error")
        assert await tell(control, ["remove"]) == "ok"
        await port.close()
        return read

    options: list[str | Path] = ["--link", link, "--control", control, "--deck", deck]
    with running("pn532", "--by-hand", "--fault", "line_noise", *options) as process:
        wait_for(control)
        assert asyncio.run(asyncio.wait_for(main(), SOON_S)) == READ
        process.terminate()


@pytest.mark.daemon
def test_pcsc_by_hand(deck: Path, tmp_path: Path, pcscd: Pcscd) -> None:
    control = tmp_path / "control"

    async def main() -> list[ReaderEvent]:
        port = await open_pcsc("pcsc:///Muster%20Test%2000%2000")
        events = PcscReader(port).events()
        read = []
        await tell(control, ["unplug"])
        await tell(control, ["present", "1"])
        await tell(control, ["plug"])
        read.append(await anext(events))
        await tell(control, ["present", "2"])
        read.append(await anext(events))
        await port.close()
        return read

    options: list[str | Path] = ["--port", str(pcscd.port), "--control", control, "--deck", deck]
    with pcscd, running("pcsc", "--by-hand", *options) as process:
        wait_for(control)
        assert asyncio.run(asyncio.wait_for(main(), SOON_S)) == READ
        process.terminate()
