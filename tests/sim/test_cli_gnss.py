"""`sim gnss` as somebody types it, up to a driver that reads from its pty."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from drivers.gnss.base import Fix
from drivers.gnss.nmea import NmeaReceiver
from drivers.gnss.rules import ClockFacts
from drivers.gnss.trust import GnssTrust
from drivers.port import open_port
from sim.cli import sim
from sim.control import tell

ENOUGH_S = 20


def test_a_driver_gets_a_fix_from_the_command(tmp_path: Path) -> None:
    link = tmp_path / "gnss"
    command = [sys.executable, "-m", "sim.cli", "gnss", "--link", str(link)]
    command += ["--latitude", "-30.5", "--longitude", "104.25", "--speed", "20"]
    command += ["--start", "2026-05-01T10:00:00"]

    async def first_fix() -> Fix:
        port = await open_port(f"serial://{link}")
        try:
            async with asyncio.timeout(ENOUGH_S):
                async for event in NmeaReceiver(port).events():
                    if isinstance(event, Fix):
                        return event
        finally:
            await port.close()
        raise AssertionError("events() ended")

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert str(link) in process.stdout.readline()
        fix = asyncio.run(first_fix())
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "stopped\n"
    assert process.returncode == 0
    assert not os.path.lexists(link)
    assert (fix.latitude_deg, fix.longitude_deg) == pytest.approx((-30.5, 104.25), abs=1e-3)
    assert fix.utc is not None
    assert f"{fix.utc:%F %H}" == "2026-05-01 10"


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(sim, ["gnss", *arguments])
    return result.exit_code, result.output


def test_it_ends_after_so_many_seconds(tmp_path: Path) -> None:
    link = tmp_path / "gnss"
    assert invoke("--link", str(link), "--seconds", "2", "--speed", "0") == (
        0,
        f"satellite receiver at serial://{link}\nend\n",
    )


def test_it_does_as_it_is_told(tmp_path: Path) -> None:
    link, control = tmp_path / "gnss", tmp_path / "control"
    command = [sys.executable, "-u", "-m", "sim.cli", "gnss", "--link", str(link)]
    command += ["--control", str(control), "--speed", "20", "--latitude", "30"]

    async def story() -> list[str]:
        port = await open_port(f"serial://{link}")
        clock = asyncio.get_running_loop().time
        trust, seen = GnssTrust(), []
        try:
            async with asyncio.timeout(ENOUGH_S):
                async for event in NmeaReceiver(port, monotonic=lambda: clock() * 20).events():
                    raised = trust.take(event, ANY_TIME).raised
                    seen += [rule.name for rule in raised]
                    if raised:
                        return seen
                    if isinstance(event, Fix) and not seen:
                        seen.append(await tell(control, ["jump", "20000", "0"]))
                        seen.append(await tell(control, ["jump", "far"]))
        finally:
            await port.close()
        raise AssertionError("events() ended")

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert str(link) in process.stdout.readline()
        said = asyncio.run(story())
        process.send_signal(signal.SIGTERM)
    assert said == ["ok", "error: could not convert string to float: 'far'", "SPEED"]


ANY_TIME = ClockFacts(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def test_a_recording_is_played_again_and_again(tmp_path: Path) -> None:
    recording = tmp_path / "one.log"
    recording.write_bytes(b"$GPRMC,100000,A,\r\n")
    options = ("--link", str(tmp_path / "gnss"), "--replay", str(recording))
    code, output = invoke(*options, "--seconds", "3", "--speed", "100")
    assert (code, output.splitlines()[-1]) == (0, "end")


def test_what_cannot_be(tmp_path: Path) -> None:
    link, empty = tmp_path / "gnss", tmp_path / "empty.log"
    empty.touch()
    code, output = invoke("--link", str(link), "--replay", str(empty))
    assert code == 1
    assert "nothing recorded" in output
    code, output = invoke("--link", str(link), "--replay", str(empty), "--latitude", "1")
    assert code == 2
    assert "--latitude means nothing with this --replay" in output
    code, output = invoke("--link", str(empty))
    assert code == 1
    assert "not touching it" in output
