"""`sim rak3172` as a user runs it, and as a program meets it that knows nothing of us."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import serial
from click.testing import CliRunner, Result

from drivers.port import open_port
from drivers.radios.base import Heard
from drivers.radios.rak3172 import Rak3172Radio
from drivers.radios.rak3172_settings import RakSettings
from sim.cli import sim
from sim.control import tell
from tests.examples.rak3172_client import Modem
from tests.simulators import simulator

BAUD = 115_200
LIMIT_S = 20
SITE = "471100000:7:125:0:8:17"


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(sim, ["rak3172", *map(str, args)])


@contextmanager
def modems(folder: Path, *names: str, terrain: str = "level_db = 110.0") -> Iterator[None]:
    (folder / "terrain.toml").write_text(terrain)
    with ExitStack() as stack:
        ground = ("--terrain", folder / "terrain.toml")
        stack.enter_context(simulator("air", "--link", folder / "air", *ground))
        for name in names:
            cable = ("--link", folder / name, "--control", folder / f"{name}.control")
            air = ("--air", folder / "air", "--name", name)
            stack.enter_context(simulator("rak3172", *cable, *air, "--baud", str(BAUD)))
        yield


@contextmanager
def line_to(path: Path) -> Iterator[serial.Serial]:
    with serial.Serial(str(path), BAUD, timeout=LIMIT_S) as line:
        yield line


def test_a_strangers_client_sets_up_two_modems_and_talks(tmp_path: Path) -> None:
    with (
        modems(tmp_path, "left", "right"),
        line_to(tmp_path / "left") as left_line,
        line_to(tmp_path / "right") as right_line,
    ):
        left, right = Modem(left_line), Modem(right_line)
        assert left.say("AT+PSEND=00") == ["AT_MODE_NO_SUPPORT"]
        for modem in (left, right):
            modem.work_as(SITE)
            assert modem.say("AT+P2P=?") == ["AT+P2P=471100000:7:0:0:8:17", "OK"]
            assert modem.say("AT+PRECV=65533") == ["OK"]
        for sender, other in ((left, right), (right, left)):
            for frame in (b"hello", bytes(range(239))):
                assert sender.say(f"AT+PSEND={frame.hex()}") == ["OK"]
                assert sender.event() == "+EVT:TXP2P DONE"
                assert other.event() == f"+EVT:RXP2P:-93:24:{frame.hex().upper()}"


def test_a_stranger_and_our_driver_understand_each_other(tmp_path: Path) -> None:
    async def ours(ready: asyncio.Event) -> Heard:
        port = await open_port(f"serial://{tmp_path / 'ours'}")
        site = RakSettings(frequency_hz=471_100_000, spreading_factor=7)
        radio = Rak3172Radio(port, settings=site, on_ready=lambda _: ready.set())
        async for heard in radio.heard():
            await port.close()
            return heard
        raise AssertionError("the radio ended")

    async def main() -> None:
        with line_to(tmp_path / "theirs") as line:
            ready = asyncio.Event()
            hearing = asyncio.create_task(ours(ready))
            modem = Modem(line)
            await asyncio.to_thread(modem.work_as, SITE)
            await ready.wait()
            modem.say("AT+PSEND=112233")
            heard = await asyncio.wait_for(hearing, LIMIT_S)
            assert (heard.frame, heard.rssi_dbm, heard.snr_db) == (b"\x11\x22\x33", -93, 24.0)

    with modems(tmp_path, "ours", "theirs"):
        asyncio.run(main())


def test_the_control_socket(tmp_path: Path) -> None:
    def told(*words: str) -> str:
        return asyncio.run(tell(tmp_path / "it.control", words))

    with modems(tmp_path, "it"), line_to(tmp_path / "it") as line:
        modem = Modem(line)
        modem.work_as(SITE)
        assert told("state") == "ok: LoRa P2P, 471100000:7:0:0:8:17, 1424, silent"
        assert told("damage") == "ok"
        assert modem.say("AT") == ["AT_COMMAND_NOT_FOUND"]
        assert told("power") == "ok"
        assert modem.event() == "Current Work Mode: LoRa P2P."
        assert told("forget") == "ok"
        assert modem.say("AT+NWM=?") == ["AT+NWM=1", "OK"]
        assert told("die") == "ok"
        line.timeout = 0.2
        with pytest.raises(TimeoutError):
            modem.say("AT")


def test_the_high_board(tmp_path: Path) -> None:
    with simulator("air", "--link", tmp_path / "air"):
        air = ("--air", tmp_path / "air", "--name", "it", "--board", "H")
        with simulator("rak3172", "--link", tmp_path / "it", *air), line_to(tmp_path / "it") as it:
            modem = Modem(it)
            modem.work_as("868100000:7:0:0:8:14")
            assert modem.say("AT+P2P=?") == ["AT+P2P=868100000:7:0:0:8:14", "OK"]
            assert modem.say("AT+P2P=471100000:7:0:0:8:14") == ["AT_PARAM_ERROR"]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    cable = ("--link", tmp_path / "it")
    assert "needs --air and --name" in invoke(*cable, "--name", "it").output
    assert "needs --air and --name" in invoke(*cable, "--air", "1").output
    nowhere = invoke(*cable, "--air", tmp_path / "none", "--name", "it")
    assert nowhere.exit_code == 1
    assert "no air at" in nowhere.output
