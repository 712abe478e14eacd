"""`sim meshtastic` as a user runs it, and as a program meets it that knows nothing of us."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import serial
from click.testing import CliRunner

from drivers.port import open_port
from drivers.radios.base import Heard
from drivers.radios.meshtastic import MeshtasticRadio
from drivers.radios.meshtastic_settings import MeshSettings
from sim.cli import sim
from sim.control import tell
from tests.examples.meshtastic_client import Node
from tests.simulators import simulator

BAUD = 115_200
LIMIT_S = 20
SITE = MeshSettings("CN470", 470_625_000, 14, preset="SHORT_FAST")
OWNED = ("--region", "CN", "--preset", "SHORT_FAST", "--slot", "3", "--power", "14")


@contextmanager
def nodes(folder: Path, *names: str, owned: tuple[str, ...] = OWNED) -> Iterator[None]:
    (folder / "terrain.toml").write_text("level_db = 110.0")
    with ExitStack() as stack:
        ground = ("--terrain", folder / "terrain.toml")
        stack.enter_context(simulator("air", "--link", folder / "air", *ground))
        for name in names:
            cable = ("--link", folder / name, "--control", folder / f"{name}.control")
            air = ("--air", folder / "air", "--name", name)
            stack.enter_context(simulator("meshtastic", *cable, *air, *owned, "--baud", str(BAUD)))
        yield


@contextmanager
def line_to(path: Path) -> Iterator[serial.Serial]:
    with serial.Serial(str(path), BAUD, timeout=LIMIT_S) as line:
        yield line


def test_a_strangers_client_talks_from_node_to_node(tmp_path: Path) -> None:
    with (
        nodes(tmp_path, "left", "right"),
        line_to(tmp_path / "left") as left_line,
        line_to(tmp_path / "right") as right_line,
    ):
        left, right = Node(left_line), Node(right_line)
        told = left.connect()
        assert any(b"2.8.0.7754068" in message for message in told)
        right.connect()
        assert left.send_text(b"hello", 7) == bytes.fromhex("5a06 100f 1810 2007")
        assert b"\x08\x01\x12\x05hello" in right.next()


def test_a_stranger_and_our_driver_understand_each_other(tmp_path: Path) -> None:
    """The stranger's text goes by; what it sends on our port is heard."""
    frame = "150a08ffffff"

    async def ours(ready: asyncio.Event) -> Heard:
        port = await open_port(f"serial://{tmp_path / 'ours'}")
        radio = MeshtasticRadio(port, settings=SITE, on_ready=lambda _: ready.set())
        async for heard in radio.heard():
            await port.close()
            return heard
        raise AssertionError("the radio ended")

    async def main() -> None:
        with line_to(tmp_path / "theirs") as line:
            ready = asyncio.Event()
            hearing = asyncio.create_task(ours(ready))
            node = Node(line)
            await asyncio.to_thread(node.connect)
            await ready.wait()
            await asyncio.to_thread(node.send_text, b"not for us", 1)
            node.say(f"0a17 15ffffffff 220b 088002 1206{frame} 3502000000")
            heard = await asyncio.wait_for(hearing, LIMIT_S)
            assert heard.frame == bytes.fromhex(frame)
            assert (heard.rssi_dbm, heard.snr_db) == (-96, 18.0)

    with nodes(tmp_path, "ours", "theirs"):
        asyncio.run(main())


def test_the_control_socket(tmp_path: Path) -> None:
    def told(*words: str) -> str:
        return asyncio.run(tell(tmp_path / "it.control", words))

    with nodes(tmp_path, "it"), line_to(tmp_path / "it") as line:
        node = Node(line)
        node.connect()
        assert told("state") == "ok: CN, SHORT_FAST, 470.625 MHz, 14 dBm, gives packets"
        assert told("region", "US") == "ok"
        assert told("state") == "ok: US, SHORT_FAST, 902.625 MHz, 14 dBm, gives no packets"
        assert told("region", "MOON").startswith("error: no region 'MOON'")
        assert told("power") == "ok"
        assert node.connect()
        assert told("die") == "ok"


def test_as_delivered_it_takes_no_packet(tmp_path: Path) -> None:
    with nodes(tmp_path, "it", owned=()), line_to(tmp_path / "it") as line:
        node = Node(line)
        node.connect()
        assert node.send_text(b"hello", 7) == bytes.fromhex("5a08 0822 1010 1810 2007")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    said = CliRunner().invoke(sim, ["meshtastic", "--link", str(tmp_path / "it"), "--name", "it"])
    assert "needs --air and --name" in said.output
