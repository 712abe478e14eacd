"""`sim panel` and `sim ups` as a user runs them."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import sim
from sim.devices.panel import PanelView, Sound
from sim.panel_rig import RigView, said
from sim.panel_shell import command_of

LIMIT_S = 20
SIM = [sys.executable, "-u", "-m", "sim.cli"]


@contextlib.contextmanager
def running(*args: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A simulator that has said where it is."""
    with subprocess.Popen([*SIM, *map(str, args)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def tell(control: Path, *words: str) -> str:
    result = CliRunner().invoke(sim, ["tell", str(control), *words])
    return result.output.strip()


def lines_until(process: subprocess.Popen[str], last: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1].endswith(last):
            return lines
    pytest.fail(f"ended without {last!r}: {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_panel_obeys_and_tells(tmp_path: Path, number: signal.Signals) -> None:
    control = tmp_path / "control"
    options = ("--port", 0, "--web-port", 0, "--control", control)
    with running("panel", *map(str, options)) as process:
        lines = lines_until(process, "loop closed")
        assert re.fullmatch(r"panel at pigpio://127\.0\.0\.1:\d+", lines[0])
        assert lines[1] == "lights none; sound none; down none; loop closed"
        assert tell(control, "hold", "undo") == "ok"
        assert tell(control, "open", "tamper") == "ok"
        assert tell(control, "state") == "ok: lights none; sound none; down undo; loop open"
        assert lines_until(process, "down none; loop open")
        assert tell(control, "down", "confirm") == "ok"
        assert tell(control, "up", "confirm") == "ok"
        assert tell(control, "close", "tamper") == "ok"
        assert tell(control, "press", "siren").startswith("error: no button 'siren'")
        assert tell(control, "open", "door").startswith("error:")
        assert tell(control, "unplug") == "ok"
        process.send_signal(number)
        assert lines_until(process, "stopped")
    assert not control.exists()


def test_a_port_that_is_taken_is_one_line() -> None:
    with running("panel", "--port", "0", "--web-port", "0") as process:
        (line,) = lines_until(process, "")[:1]
        port = line.rpartition(":")[2]
        second = subprocess.run(
            [*SIM, "panel", "--port", port, "--web-port", "0"],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        process.send_signal(signal.SIGINT)
    assert second.returncode == 1
    assert second.stderr.startswith("Error: ")
    assert port in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_a_profile_that_does_not_exist_is_one_line() -> None:
    result = CliRunner().invoke(sim, ["panel", "--board", "pi-99"])
    assert (result.exit_code, result.output) == (1, "Error: no board profile hw/pi-99.toml\n")


def test_keys_in_a_shell_press_and_quit() -> None:
    process, screen = pty.fork()
    if process == 0:  # the child: a shell's terminal of its own
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
        os.execv(SIM[0], [*SIM, "panel", "--port", "0", "--web-port", "0"])  # noqa: S606  # ours
    shown = b""

    def watch_for(words: bytes) -> None:
        nonlocal shown
        end_s = time.monotonic() + LIMIT_S
        while words not in shown and time.monotonic() < end_s:
            if select.select([screen], [], [], 0.1)[0]:
                shown += os.read(screen, 65536)
        assert words in shown

    watch_for(b"enclosure shut")
    os.write(screen, b"t")
    watch_for(b"enclosure OPEN")
    os.write(screen, b"x")
    watch_for(b"cable out")
    os.write(screen, b"q")
    watch_for(b"stopped")
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    os.close(screen)


VIEW = RigView(PanelView(frozenset(), None, (), frozenset(), is_open=False), "b", "u", True, 0, 0)


@pytest.mark.parametrize(
    ("key", "command"),
    [("c", "press confirm"), ("U", "hold undo"), ("p", "press pause"), ("t", "open tamper"),
     ("x", "unplug"), ("z", None)],
)  # fmt: skip
def test_each_key_has_its_command(key: str, command: str | None) -> None:
    assert command_of(key, VIEW) == command


def test_what_is_seen_and_heard_is_one_line() -> None:
    sounds = (Sound(1, 2000, None),)
    view = PanelView(frozenset({"look", "stop"}), 2000, sounds, frozenset({"undo"}), is_open=True)
    assert said(view) == "lights look+stop; sound 2000 Hz; down undo; loop open"


def test_a_battery_drains_and_obeys(tmp_path: Path) -> None:
    control, link = tmp_path / "control", tmp_path / "supply"
    options = ("--link", link, "--level", 50, "--on-battery", "--drain", 600, "--control", control)
    with running("ups", *map(str, options)) as process:
        lines = lines_until(process, "on battery")
        assert lines[0] == f"battery at sysfs://{link}"
        assert lines_until(process, "on battery") != lines[1:]  # ten percent a second
        assert (link / "ups-battery" / "status").read_text() == "Discharging\n"
        assert (link / "ups-mains" / "online").read_text() == "0\n"
        assert tell(control, "mains", "on") == "ok"
        assert tell(control, "level", "30") == "ok"
        assert (link / "ups-battery" / "capacity").read_text() == "30\n"
        assert (link / "ups-battery" / "status").read_text() == "Charging\n"
        assert tell(control, "state") == "ok: 30 %, 3.65 V, on mains"
        assert tell(control, "fault", "on") == "ok"
        assert not (link / "ups-battery" / "capacity").exists()
        assert tell(control, "fault", "off") == "ok"
        for wrong in (("level", "101"), ("level", "x"), ("drain", "-1"), ("mains", "maybe")):
            assert tell(control, *wrong).startswith("error: ")
        process.send_signal(signal.SIGTERM)
        assert lines_until(process, "stopped")
    assert not link.exists()


def test_files_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "supply"
    (link / "ups-battery").mkdir(parents=True)
    (link / "ups-battery" / "notes").write_text("precious")
    with running("ups", "--link", link) as process:
        lines_until(process, "on mains")
        process.send_signal(signal.SIGINT)
        lines_until(process, "stopped")
    assert (link / "ups-battery" / "notes").read_text() == "precious"
    assert [path.name for path in link.rglob("*") if path.is_file()] == ["notes"]
