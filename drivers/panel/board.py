"""Board profiles: which pin does what (hw/*.toml), and the pins themselves."""

import tomllib
from importlib import resources
from typing import Annotated, Any, Literal

import msgspec
from gpiozero import Factory
from msgspec import Meta, Struct

from drivers.errors import DriverConfigError

Pin = Annotated[int, Meta(ge=2, le=27)]  # the BCM numbers on the 40-pin header


class LightPins(Struct, frozen=True, forbid_unknown_fields=True):
    """One light per kind of verdict."""

    accepted: Pin
    look: Pin
    stop: Pin


class BuzzerPin(Struct, frozen=True, forbid_unknown_fields=True):
    """An active buzzer has its own pitch; a tonal one needs PWM."""

    pin: Pin
    kind: Literal["active", "tonal"]


class Board(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of a profile."""

    lights: LightPins
    buzzer: BuzzerPin


def load_board(name: str) -> Board:
    """Read `hw/NAME.toml`; raises `DriverConfigError` that names the profile and the key."""
    profile = resources.files("hw") / f"{name}.toml"
    if not profile.is_file():
        raise DriverConfigError(f"no board profile hw/{name}.toml")
    try:
        board = msgspec.convert(tomllib.loads(profile.read_text()), Board)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DriverConfigError(f"hw/{name}.toml: {error}") from error
    pins = [*msgspec.structs.astuple(board.lights), board.buzzer.pin]
    if len(set(pins)) != len(pins):
        raise DriverConfigError(f"hw/{name}.toml: two devices share a pin")
    return board


def pin_factory(kind: Literal["lgpio", "mock"]) -> Factory:
    """The pins of this machine, or gpiozero's mock ones. Never falls back to another kind."""
    if kind == "mock":
        from gpiozero.pins.mock import MockFactory, MockPWMPin  # noqa: PLC0415  # testers only

        factory: Any = MockFactory(pin_class=MockPWMPin)
        return factory
    try:
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415  # exists on a Pi only
    except ImportError as error:
        raise DriverConfigError("lgpio is not installed: apt install python3-lgpio") from error
    return LGPIOFactory()
