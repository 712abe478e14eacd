"""`sim e22` as a user runs it, and as programs meet it that know nothing of us."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pigpio
import serial
from click.testing import CliRunner, Result

from sim.cli import sim
from sim.control import tell
from sim.ports import free_port
from tests.examples.e22_client import ByCommand, Modem
from tests.simulators import simulator

LIMIT_S = 20
DELIVERED = bytes.fromhex("00 00 00 62 00 17 03 00 00")
DELIVERED_WITH_SWITCH = bytes.fromhex("00 00 00 62 10 17 03 00 00")
FAST = bytes.fromhex("12 34 5A 67 10 3D 83 AB CD")  # 62.5k on 471.125 MHz, RSSI byte
HIDDEN_KEY = FAST[:-2] + bytes(2)
M0, M1, AUX = 22, 27, 17


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(sim, ["e22", *map(str, args)])


@contextmanager
def modems(folder: Path, *names: str, options: Sequence[str] = ()) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(simulator("air", "--link", folder / "air"))
        for name in names:
            cable = ("--link", folder / name, "--control", folder / f"{name}.control")
            air = ("--air", folder / "air", "--name", name)
            stack.enter_context(simulator("e22", *cable, *air, *options))
        yield


@contextmanager
def line_to(path: Path) -> Iterator[serial.Serial]:
    with serial.Serial(str(path), 9600, timeout=LIMIT_S) as line:
        yield line


def test_a_strangers_client_sets_up_two_modems_and_talks(tmp_path: Path) -> None:
    with (
        modems(tmp_path, "left", "right"),
        line_to(tmp_path / "left") as left_line,
        line_to(tmp_path / "right") as right_line,
    ):
        left, right = (Modem(line, ByCommand(line)) for line in (left_line, right_line))
        assert left.registers() == DELIVERED_WITH_SWITCH
        left.send(b"as delivered")
        assert right_line.read(12) == b"as delivered"
        for modem in (left, right):
            modem.set(FAST)
            assert modem.registers() == HIDDEN_KEY
        for sender, other in ((left, right), (right, left)):
            for packet in (b"hello", bytes(range(240))):
                sender.send(packet)
                assert other.receive() == (packet, -88)  # 22 dBm over 110 dB


def test_a_strangers_client_drives_the_pins_by_the_side_socket(tmp_path: Path) -> None:
    with (
        modems(tmp_path, "it", options=("--model", "e22", "--pins", "0")),
        line_to(tmp_path / "it") as line,
        socket.socket(socket.AF_UNIX) as side,
    ):
        side.settimeout(LIMIT_S)
        side.connect(str(tmp_path / "it.control"))
        answers = side.makefile("r")

        def switch(mode: int) -> None:
            side.sendall(f"pins {mode:02b}\naux\n".encode())
            assert answers.readline() == "ok\n"
            assert answers.readline() == "ok: low\n"  # until the mode has changed

        assert Modem(line, switch).registers() == DELIVERED


def test_a_strangers_gpio_library_drives_the_pins(tmp_path: Path) -> None:
    port = free_port()
    with (
        modems(tmp_path, "it", options=("--pins", str(port))),
        line_to(tmp_path / "it") as line,
        connected(port) as pi,
    ):
        pi.set_mode(AUX, pigpio.INPUT)
        pi.set_pull_up_down(AUX, pigpio.PUD_OFF)  # an E22 drives it both ways

        def switch(mode: int) -> None:
            pi.write(M0, mode & 1)
            pi.write(M1, mode >> 1)
            until_aux_is(pi, 1)

        modem = Modem(line, switch)
        assert modem.registers() == DELIVERED
        assert pi.read(AUX) == 1
        modem.send(bytes(240))
        until_aux_is(pi, 0)


def until_aux_is(pi: pigpio.pi, level: int) -> None:
    by_s = time.monotonic() + LIMIT_S
    while pi.read(AUX) != level:
        assert time.monotonic() < by_s


@contextmanager
def connected(port: int) -> Iterator[pigpio.pi]:
    with ExitStack() as stack:
        until_s = time.monotonic() + LIMIT_S
        while time.monotonic() < until_s:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        pi = pigpio.pi("127.0.0.1", port, show_errors=False)
        stack.callback(pi.stop)
        assert pi.connected
        yield pi


def test_a_tester_commands_it_while_it_runs(tmp_path: Path) -> None:
    def told(*words: str) -> str:
        return asyncio.run(tell(tmp_path / "it.control", words))

    with modems(tmp_path, "it"):
        assert told("state") == "ok: normal, AUX high, 433.125 MHz, SF9/125 kHz, 22 dBm"
        assert told("pins", "11") == "ok"
        assert told("aux") in ("ok: low", "ok: high")
        time.sleep(0.1)
        assert told("state").startswith("ok: sleep, AUX high")
        assert "expected the levels of M1 and M0" in told("pins", "2")
        for word, level in (("stick", "low"), ("loosen", "high")):
            assert told(word) == "ok"
            assert told("aux") == f"ok: {level}"
        for word in ("power", "forget", "die"):
            assert told(word) == "ok"


def test_a_recording_is_replayed_without_an_air(tmp_path: Path) -> None:
    record, link = tmp_path / "recording", tmp_path / "it"
    with modems(tmp_path, "it", options=("--record", str(record))), line_to(link) as line:
        assert Modem(line, ByCommand(line)).registers() == DELIVERED_WITH_SWITCH
    answered = list[bytes]()

    def ask() -> None:
        until_s = time.monotonic() + LIMIT_S
        while not link.is_symlink() and time.monotonic() < until_s:
            time.sleep(0.01)
        with line_to(link) as line:
            answered.append(Modem(line, ByCommand(line)).registers())

    asking = Thread(target=ask)
    asking.start()
    with simulator("e22", "--link", link, "--replay", record):
        asking.join(LIMIT_S)
    assert answered == [DELIVERED_WITH_SWITCH]


def test_what_the_command_refuses(tmp_path: Path) -> None:
    link = ("--link", tmp_path / "it")
    assert "give --link or --tcp" in invoke("--air", "1", "--name", "it").output
    assert "needs --air and --name" in invoke(*link, "--name", "it").output
    assert "leave out --baud" in invoke(*link, "--baud", "9600").output
    nobody = invoke(*link, "--air", tmp_path / "nobody", "--name", "it")
    assert nobody.exit_code == 1
    assert "no air at" in nobody.output
    assert not (tmp_path / "it").is_symlink()


def test_two_of_a_name_are_one_too_many(tmp_path: Path) -> None:
    with modems(tmp_path, "it"):
        refused = invoke("--tcp", "0", "--air", tmp_path / "air", "--name", "it")
    assert refused.exit_code == 1
    assert "the air does not take it: there is a radio 'it' already" in refused.output
