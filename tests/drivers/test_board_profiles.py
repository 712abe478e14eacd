"""Board profiles: those we ship, and wrong ones, which are refused with file and line."""

import re
from importlib import resources
from pathlib import Path

import pytest

from drivers.errors import DriverConfigError
from drivers.i2c import parse_i2c
from drivers.panel.board import Board, board_on, check_model, load_board, parse_board, pins_of
from drivers.port import open_port
from drivers.registry import GAUGES, choose
from sim.clock import Run

PROFILES = sorted(
    entry.name.removesuffix(".toml")
    for entry in resources.files("hw").iterdir()
    if entry.name.endswith(".toml")
)
GOOD = """\
model = "Raspberry Pi 4 Model B"
[lights]
accepted = 5
look = 6
stop = 13
[buzzer]
pin = 19
kind = "active"
[buttons]
confirm = 16
undo = 20
pause = 21
[tamper]
pin = 26
[display]
port = "i2c:///dev/i2c-1?address=0x3c"
"""


def test_there_is_a_profile_for_every_board() -> None:
    assert PROFILES == ["cm4", "pi-3b-plus", "pi-4b", "pi-5", "pi-zero-2w"]


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_whole_and_its_ports_make_sense(run: Run, name: str) -> None:
    board = load_board(name)
    assert len(list(pins_of(board))) == 8
    assert board.display is not None
    parse_i2c(board.display.port)
    assert board.gauge is not None
    choose(GAUGES, board.gauge.kind)
    parse_i2c(board.gauge.port)
    assert board.ports is not None
    for url in (board.ports.reader, board.ports.gnss):
        with pytest.raises(Exception, match="cannot open"):  # a good URL; no such device here
            run(open_port(url))


def test_a_board_without_buttons_is_a_board() -> None:
    board = parse_board("x", GOOD[: GOOD.index("[buttons]")])
    assert not any((board.buttons, board.tamper, board.display, board.gauge, board.ports))


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("pin = 19", "pin = 99", 7, "buzzer.pin: Expected `int` <= 27"),
        ("accepted = 5", "accepted = 2", 3, "lights.accepted: pin 2 belongs to the I2C bus"),
        ("accepted = 5", "accepted = 0", 3, "pin 0 belongs to the identification of a HAT"),
        ("stop = 13", "stop = 15", 5, "lights.stop: pin 15 belongs to the UART"),
        ("undo = 20", "undo = 17", 11, "buttons.undo: pin 17 belongs to e-paper HATs"),
        ("pin = 26", "pin = 13", 14, "tamper.pin: pin 13 is lights.stop already"),
        ("look = 6", "look = 5", 4, "lights.look: pin 5 is lights.accepted already"),
        ("look = 6", "lok = 6", 4, "lights: Object contains unknown field `lok`"),
        ("look = 6", 'look = "6"', 4, "lights.look: Expected `int`, got `str`"),
        ('"active"', '"loud"', 8, "buzzer.kind: Invalid enum value 'loud'"),
        ("stop = 13\n", "", 2, "lights: Object missing required field `stop`"),
        ("[tamper]", "[siren]\npin = 22\n[tamper]", 13, "unknown field `siren`"),
        ("i2c:///dev", "spi:///dev", 16, "display.port: Expected `str` matching regex"),
        ("model =", "maker =", 1, "unknown field `maker`"),
        ("[lights]", "[lights", 2, "at line 2"),
        ("[lights]", "[lights]\nlook = 6", 5, "at line 5"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_line(
    old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(DriverConfigError) as caught:
        parse_board("hw/board.toml", GOOD.replace(old, new, 1))
    assert words in str(caught.value)
    assert re.match(rf"hw/board\.toml(:{line}:|.*\bline {line}\b)", str(caught.value))


def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(DriverConfigError, match=r"hw/pi-99\.toml"):
        load_board("pi-99")


@pytest.mark.parametrize(
    ("machine", "is_right"),
    [
        ("Raspberry Pi 4 Model B Rev 1.5\0", True),
        ("Raspberry Pi 4 Model B\0", True),
        ("Raspberry Pi 4 Model Bee\0", False),
        ("Raspberry Pi 5 Model B Rev 1.0\0", False),
        ("Raspberry Pi Compute Module 4 Rev 1.0\0", False),
        (None, False),
    ],
)
def test_a_profile_of_another_board_is_refused(
    tmp_path: Path, machine: str | None, is_right: bool
) -> None:
    board: Board = load_board("pi-4b")
    if machine is not None:
        (tmp_path / "model").write_text(machine)
    if is_right:
        check_model("pi-4b", board, tmp_path / "model")
        return
    with pytest.raises(DriverConfigError, match=r"hw/pi-4b\.toml is for a Raspberry Pi 4 Model B"):
        check_model("pi-4b", board, tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("pi-3b-plus", "Raspberry Pi 3 Model B Plus Rev 1.3"),
        ("pi-5", "Raspberry Pi 5 Model B Rev 1.0"),
        ("pi-zero-2w", "Raspberry Pi Zero 2 W Rev 1.0"),
        ("cm4", "Raspberry Pi Compute Module 4 Rev 1.1"),
    ],
)
def test_each_board_is_known_by_its_own_name(tmp_path: Path, name: str, machine: str) -> None:
    (tmp_path / "model").write_text(f"{machine}\0")
    check_model(name, load_board(name), tmp_path / "model")
    for other in set(PROFILES) - {name}:
        with pytest.raises(DriverConfigError):
            check_model(other, load_board(other), tmp_path / "model")


def test_a_loop_on_mock_pins_would_always_be_open() -> None:
    board = load_board("pi-4b")
    assert board_on(board, "mock").tamper is None
    assert board_on(board, "lgpio") == board
