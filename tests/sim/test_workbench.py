"""A simulator on its workbench, as a driver and a shell meet it: real pty, real socket."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from drivers.errors import PortGone
from drivers.port import BytePort, open_port
from sim.control import tell
from sim.workbench import LineOptions, Workbench, line_options

ENOUGH_S = 10
Scene = Callable[[BytePort, Path], Coroutine[Any, Any, None]]


class Echo:
    """A device that says what it hears, twice."""

    def __init__(self, bench: Workbench) -> None:
        self._line = bench.line

    async def run(self) -> None:
        while True:
            await self._line.write(2 * await self._line.read())


def on_the_bench(tmp_path: Path, scene: Scene, **options: Any) -> None:
    """Run an echo with a driver's port and the control socket; `scene` is the hand, too."""
    control, link = tmp_path / "control", tmp_path / "device"
    bench = Workbench(LineOptions("nmea", link=link, control=control, **options))

    async def hand() -> None:
        async with asyncio.timeout(ENOUGH_S):
            port = await open_port(bench.cable.url)
            try:
                await scene(port, control)
            finally:
                await port.close()

    assert bench.run("echo", Echo(bench).run, {}, hand)
    assert not link.is_symlink()
    assert not control.exists()


async def heard(port: BytePort, size_bytes: int) -> bytes:
    data = b""
    while len(data) < size_bytes:
        data += await port.read()
    return data


def test_a_driver_talks_to_the_device(tmp_path: Path) -> None:
    async def scene(port: BytePort, _control: Path) -> None:
        await port.write(b"abc")
        assert await heard(port, 6) == b"abcabc"

    on_the_bench(tmp_path, scene)


def test_unplug_and_plug(tmp_path: Path) -> None:
    async def scene(port: BytePort, control: Path) -> None:
        link = tmp_path / "device"
        assert await tell(control, ["unplug"]) == "ok"
        assert not link.is_symlink()
        with pytest.raises(PortGone):
            await port.read()
        link.write_text("in the way")
        assert "File exists" in await tell(control, ["plug"])
        link.unlink()
        assert await tell(control, ["plug"]) == "ok"
        again = await open_port(f"serial://{link}")
        await again.write(b"x")
        assert await heard(again, 2) == b"xx"
        await again.close()

    on_the_bench(tmp_path, scene)


def test_corrupt_and_slow(tmp_path: Path) -> None:
    async def scene(port: BytePort, control: Path) -> None:
        assert "there are: bit_flip, clean" in await tell(control, ["corrupt", "softly"])
        assert await tell(control, ["corrupt", "line_noise"]) == "ok"
        await port.write(b"x")
        assert len(await heard(port, 3)) > 2
        assert await tell(control, ["corrupt", "clean"]) == "ok"
        for word in ("0", "-9600", "fastest", "9600.0"):
            assert (await tell(control, ["slow", word])).startswith("error: ")
        assert await tell(control, ["slow", "9600"]) == "ok"
        started_s = asyncio.get_running_loop().time()
        await port.write(bytes(48))
        await heard(port, 96)
        assert asyncio.get_running_loop().time() - started_s >= 0.095  # 96 bytes of 10 bits
        assert await tell(control, ["slow", "fast"]) == "ok"

    on_the_bench(tmp_path, scene)


def test_what_goes_wrong_in_a_device_is_not_hidden(tmp_path: Path) -> None:
    bench = Workbench(LineOptions("nmea", link=tmp_path / "device"))

    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.run("broken", broken, {}, Echo(bench).run)
    assert not (tmp_path / "device").is_symlink()


@click.command()
@line_options(kind="pcsc")  # a kind that nothing masks
@click.option("--greeting", default="hello")
def device(*, options: LineOptions, greeting: str) -> None:
    bench = Workbench(options)

    async def greet() -> None:
        await bench.line.write(greeting.encode())

    bench.run("greeter", greet, {})


def invoke(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(device, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_one_place_to_be(tmp_path: Path) -> None:
    assert invoke()[0] == 2
    assert invoke("--link", tmp_path / "a", "--tcp", "0")[0] == 2
    code, output = invoke("--tcp", "0")
    assert code == 0
    assert output.startswith("greeter at tcp://127.0.0.1:")


def test_what_is_in_the_way_stays(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    for options in (
        ("--link", precious),
        ("--tcp", "0", "--control", precious),
    ):
        code, output = invoke(*options)
        assert code == 1
        assert "not touching it" in output
    assert precious.read_text() == "x"


def test_a_kind_without_a_mask_is_not_recorded(tmp_path: Path) -> None:
    record = tmp_path / "record"
    code, output = invoke("--tcp", "0", "--record", record)
    assert code == 1
    assert "'pcsc' cannot be recorded: nothing masks what its cards hold" in output
    assert not record.exists()
    record.touch()
    assert invoke("--tcp", "0", "--record", record, "--replay", record)[0] == 2


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-m", "sim.cli", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def test_the_shell_commands_a_card_reader(tmp_path: Path) -> None:
    deck, control, link = tmp_path / "deck.csv", tmp_path / "control", tmp_path / "reader"
    deck.write_text("number,name\n11010519491231002,张三丰\n", encoding="utf-8")
    options = ("--link", link, "--deck", deck, "--by-hand", "--control", control)

    def told(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "sim.cli", "tell", str(control), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    with running("idreader", *options) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == f"ID card reader at serial://{link}\n"
        assert told("present", "1") == (0, "ok\n")
        assert told("present", "2") == (1, "error: the deck has 1 to 1\n")
        assert told("present", "²") == (1, "error: the deck has 1 to 1\n")
        assert told("fail", "zz")[0] == 1
        assert told("fail", "000032") == (0, "ok\n")
        assert told("unplug") == (0, "ok\n")
        assert not os.path.lexists(link)
        assert told("plug") == (0, "ok\n")
        assert link.is_symlink()
    assert not control.exists()
    assert not os.path.lexists(link)
