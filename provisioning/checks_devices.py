"""How is each device of a terminal: opened for a few seconds, its state and what to do about it."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from drivers.device import find_device, look_at_device
from drivers.errors import DriverConfigError
from drivers.panel.board import Board, GaugePort, load_board
from drivers.power.kernel import POWER_SUPPLY, batteries
from drivers.radios.site import RadioSettings
from provisioning.checks_panel import Chip, look_at_display, look_at_pins
from provisioning.checks_radio import fitted_radio, look_at_radio
from provisioning.findings import Finding
from provisioning.layout import TERMINAL_TOML
from provisioning.looks import (
    DISPLAY,
    GAUGE,
    PINS,
    READER,
    RECEIVER,
    Fitted,
    judge_look,
    used_by_terminal,
    wrong_setting,
)
from runtime.config import ConfigError, load_config
from runtime.locks import holder_of

LOOK_S = 20.0
"""All are looked at together. The longest any driver takes to tell what is wrong is 18 s: an ID
card reader's, on a port where a satellite receiver talks."""
_OUTBOX_INDEX = "outbox.db-shm"  # locked by SQLite for as long as a terminal has its outbox open
_KERNEL_ROOT = Path("/sys/class/power_supply")
_KERNEL = GaugePort("kernel", POWER_SUPPLY)
# What is most likely fitted where only the board is known.
_BARE_READER, _BARE_GNSS, _BARE_PINS = "sdt", "nmea", "lgpio"
_BARE_DISPLAY: Chip = "ssd1306"

Look = Coroutine[Any, Any, Finding]


class _Device(Struct, frozen=True):
    kind: str
    port: str


class _Panel(Struct, frozen=True):
    board: str
    pins: str = "lgpio"
    display: Chip | None = None


class _Power(Struct, frozen=True):
    kind: str | None = None
    port: str | None = None


class _Terminal(Struct, frozen=True):
    """The part of `terminal.toml` that says which devices there are."""

    readers: tuple[_Device, ...]
    gnss: _Device | None = None
    panel: _Panel | None = None
    power: _Power | None = None
    radio: RadioSettings | None = None
    data: Path = Path("data")


def check_terminal_devices(folder: Path) -> Sequence[Finding]:
    """Every device of the terminal whose folder this is."""
    try:
        settings = load_config(folder / TERMINAL_TOML, _Terminal)
        board = load_board(settings.panel.board) if settings.panel is not None else None
    except (ConfigError, DriverConfigError) as error:
        return (wrong_setting(error),)
    fitted = [Fitted(READER, reader.kind, reader.port) for reader in settings.readers]
    if settings.gnss is not None:
        fitted.append(Fitted(RECEIVER, settings.gnss.kind, settings.gnss.port))
    gauge = _gauge(settings.power, board)
    if gauge is not None:
        fitted.append(Fitted(GAUGE, gauge.kind, gauge.port))
    terminal = holder_of(folder / settings.data / _OUTBOX_INDEX)
    if terminal is not None:
        others = (*_panel_of(settings, board), *_radio_of(settings))
        return [used_by_terminal(each, terminal) for each in (*fitted, *others)]
    looks = list(map(_look_at, fitted))
    if settings.panel is not None and board is not None:
        looks.append(look_at_pins(settings.panel.board, board, settings.panel.pins))
        if settings.panel.display is not None:
            looks.append(look_at_display(board, settings.panel.display, is_optional=False))
    if settings.radio is not None:
        looks.append(look_at_radio(settings.radio, folder))
    return _look_at_all(looks)


def check_board_devices(name: str) -> Sequence[Finding]:
    """Everything a board profile has a place for, on a machine that is no terminal yet."""
    try:
        board = load_board(name)
    except DriverConfigError as error:
        return (wrong_setting(error),)
    looks = []
    if board.ports is not None:
        looks.append(_look_at(Fitted(READER, _BARE_READER, board.ports.reader)))
        looks.append(_look_at(Fitted(RECEIVER, _BARE_GNSS, board.ports.gnss, is_optional=True)))
    if board.gauge is not None:
        looks.append(_look_at(Fitted(GAUGE, board.gauge.kind, board.gauge.port, True)))
    looks.append(look_at_pins(name, board, _BARE_PINS))
    looks.append(look_at_display(board, _BARE_DISPLAY, is_optional=True))
    return _look_at_all(looks)


def _look_at_all(looks: Sequence[Look]) -> Sequence[Finding]:
    """At the same time; in the order given."""

    async def look_at_each() -> Sequence[Finding]:
        return await asyncio.gather(*looks)

    return asyncio.run(look_at_each())


async def _look_at(fitted: Fitted) -> Finding:
    try:
        seen = await look_at_device(find_device(fitted.kind, fitted.port), LOOK_S)
    except DriverConfigError as error:
        return wrong_setting(error, is_optional=fitted.is_optional)
    return judge_look(fitted, seen)


def _gauge(power: _Power | None, board: Board | None) -> GaugePort | None:
    """The gauge a terminal with these settings asks."""
    if power is None:
        return None
    if power.kind is not None and power.port is not None:
        return GaugePort(power.kind, power.port)
    if next(batteries(_KERNEL_ROOT), None) is not None or board is None:
        return _KERNEL
    return board.gauge or _KERNEL


def _radio_of(settings: _Terminal) -> Iterator[Fitted]:
    if settings.radio is not None:
        yield fitted_radio(settings.radio)


def _panel_of(settings: _Terminal, board: Board | None) -> Iterator[Fitted]:
    if settings.panel is None or board is None:
        return
    yield Fitted(PINS, settings.panel.board, settings.panel.pins)
    if settings.panel.display is not None and board.display is not None:
        yield Fitted(DISPLAY, settings.panel.display, board.display.port)
