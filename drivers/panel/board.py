"""Board profiles: which pin and port does what on which board (hw/*.toml)."""

import tomllib
from collections.abc import Iterator
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from drivers.errors import DriverConfigError
from runtime.toml_lines import dotted, line_of, locate

Pin = Annotated[int, Meta(ge=0, le=27)]  # the BCM numbers on the 40-pin header
I2cUrl = Annotated[str, Meta(pattern=r"^i2c:///dev/")]
MODEL = Path("/proc/device-tree/model")

RESERVED = {  # hw/panel.md 1
    **dict.fromkeys((0, 1), "the identification of a HAT"),
    **dict.fromkeys((2, 3), "the I2C bus"),
    **dict.fromkeys((14, 15), "the UART"),
    **dict.fromkeys((17, 18, 24, 25), "e-paper HATs"),
}
"""Pin -> whose it is."""


class LightPins(Struct, frozen=True, forbid_unknown_fields=True):
    """One light per kind of verdict."""

    accepted: Pin
    look: Pin
    stop: Pin


class BuzzerPin(Struct, frozen=True, forbid_unknown_fields=True):
    """An active buzzer has its own pitch; a tonal one needs PWM."""

    pin: Pin
    kind: Literal["active", "tonal"]


class Button(Enum):
    """A button, by its name in a board profile."""

    CONFIRM = "confirm"
    UNDO = "undo"
    PAUSE = "pause"


class ButtonPins(Struct, frozen=True, forbid_unknown_fields=True):
    """Push buttons to ground."""

    confirm: Pin
    undo: Pin
    pause: Pin


class TamperPin(Struct, frozen=True, forbid_unknown_fields=True):
    """A loop to ground through the enclosure, closed while that is closed."""

    pin: Pin


class DisplayPort(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a small display answers, if one is fitted."""

    port: I2cUrl


class GaugePort(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a battery gauge answers, if one is fitted: a driver of `drivers.registry.GAUGES`."""

    kind: str
    port: str


class Ports(Struct, frozen=True, forbid_unknown_fields=True):
    """Where reader and receiver are on this board unless somebody says otherwise."""

    reader: str
    gnss: str


class Board(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of a profile."""

    model: Annotated[str, Meta(min_length=1)]
    """How the board calls itself in its device tree, without the revision."""
    lights: LightPins
    buzzer: BuzzerPin
    buttons: ButtonPins | None = None
    tamper: TamperPin | None = None
    display: DisplayPort | None = None
    gauge: GaugePort | None = None
    ports: Ports | None = None


def load_board(name: str) -> Board:
    """Read `hw/NAME.toml`; raises `DriverConfigError` that names file, line and mistake."""
    profile = resources.files("hw") / f"{name}.toml"
    if not profile.is_file():
        raise DriverConfigError(f"no board profile hw/{name}.toml")
    return parse_board(f"hw/{name}.toml", profile.read_text("utf-8"))


def board_on(board: Board, pins: str) -> Board:
    """What of a profile there is on these pins: mock ones float, so a loop on them is always open,
    and nobody is there to close it.
    """
    return msgspec.structs.replace(board, tamper=None) if pins == "mock" else board


def parse_board(file: str, text: str) -> Board:
    """The profile in `text`; `file` is for the errors, which are `load_board`'s."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # says the line by itself
        raise DriverConfigError(f"{file}: {error}") from error
    try:
        board = msgspec.convert(values, Board)
    except msgspec.ValidationError as error:
        line, what = locate(text, error)
        raise DriverConfigError(f"{file}:{line}: {what}") from error
    taken: dict[int, str] = {}
    for path, pin in pins_of(board):
        name = dotted(path)
        if pin in RESERVED:
            why = f"pin {pin} belongs to {RESERVED[pin]}"
        elif pin in taken:
            why = f"pin {pin} is {taken[pin]} already"
        else:
            taken[pin] = name
            continue
        raise DriverConfigError(f"{file}:{line_of(text, path)}: {name}: {why}")
    return board


def pins_of(board: Board) -> Iterator[tuple[tuple[str, str], int]]:
    """Every pin of a profile with its path in the file."""
    for section in ("lights", "buzzer", "buttons", "tamper"):
        wired = getattr(board, section)
        for key, value in msgspec.structs.asdict(wired).items() if wired is not None else ():
            if isinstance(value, int):
                yield (section, key), value


def check_model(name: str, board: Board, model: Path = MODEL) -> None:
    """Refuse a profile that is not this machine's; raises `DriverConfigError`.

    Another board's pins may be outputs of something else: driving them can do harm.
    """
    try:
        machine = model.read_text("utf-8").rstrip("\0\n")
    except OSError:
        machine = "no Raspberry Pi"
    if machine != board.model and not machine.startswith(f"{board.model} "):
        raise DriverConfigError(
            f"hw/{name}.toml is for a {board.model}; this machine is {machine}: "
            "choose the profile of this board under [panel]"
        )
