"""Says a verdict without a screen, as `protocol.verdict` defines it, and hears the buttons."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from drivers.errors import DriverConfigError, PortGone
from drivers.panel.board import Board, Button, board_on, check_model, load_board
from drivers.panel.front import Front
from drivers.panel.pins import Header, open_pins
from drivers.panel.tones import Tone
from drivers.supervisor import (
    REOPEN_FIRST_S,
    REOPEN_LIMIT_S,
    DeviceState,
    Open,
    Ready,
    keep_open,
)
from protocol.health import DeviceHealth
from protocol.verdict import SIGNS, Beep, Signs, Verdict
from runtime.backoff import Backoff
from terminal.device_health import health_of
from terminal.settings import PanelSettings
from terminal.view import LinkState, StationView, Trouble

if TYPE_CHECKING:
    from terminal.display import Display

log = logging.getLogger(__name__)

_STROKE = 'fill="none" stroke="currentColor" stroke-width="6"'


@dataclass(frozen=True, slots=True)
class Notice:
    """What is no verdict, and has signs of its own all the same; but no light."""

    shape: str
    word_zh: str
    word_en: str
    tone: tuple[Beep, ...]


NOT_RECORDED = Notice(
    shape=f'<path d="M8 8L40 40M40 8L8 40" {_STROKE}/>',
    word_zh="未记录",
    word_en="Not recorded",
    tone=(Beep(350, 0.25), Beep(350, 0.25), Beep(350, 0.25)),
)
"""Three low sounds: the card was read and could not be recorded. No verdict sounds like it."""
UNDONE = Notice(
    shape=f'<path d="M44 24H8M22 9L7 24l15 15" {_STROKE}/>',
    word_zh="已撤销",
    word_en="Undone",
    tone=(Beep(1800, 0.12), Beep(900, 0.25)),
)
"""A falling pair: the last scan was taken back."""
_WAITING = {"zh-Hans": "待传 {n}", "en": "{n} waiting"}
_WAITING_FOR_LORA = {"zh-Hans": "电台 待传 {n}", "en": "LoRa, {n} waiting"}
_PAUSED = {"zh-Hans": "通道已暂停", "en": "Lane paused"}
_AT_LANE = {"zh-Hans": "{n}通道", "en": "Lane {n}"}
HEARD = (Beep(1200, 0.04),)
"""A button acts: short, so that a gloved finger knows."""


class Panel:
    """Lights, buzzer, buttons, tamper loop and display of one terminal.

    `on_button` is called once per press, `on_tamper(is_open)` with the state found and on every
    change, `changed` whenever a health differs; all in the event loop, while `run` runs. What is
    shown while a device is away is shown when it is back; a sound that nobody could hear is not.
    Raises `DriverConfigError` for a profile that is wrong or another board's.
    """

    def __init__(
        self,
        settings: PanelSettings,
        *,
        on_button: Callable[[Button], None] = lambda _button: None,
        on_tamper: Callable[[bool], None] = lambda _is_open: None,
        changed: Callable[[], None] = lambda: None,
        open_at: Open[Header] = open_pins,
    ) -> None:
        self._settings = settings
        self.board: Board = board_on(load_board(settings.board), settings.pins)
        if settings.pins == "lgpio":
            check_model(settings.board, self.board)
        self._on_button, self._on_tamper, self._changed = on_button, on_tamper, changed
        self._open_at = open_at
        self._front: Front | None = None
        self._light: str | None = None
        self._display = _display(settings, self.board)
        self.health = DeviceHealth.MISSING
        self.display_health = (
            DeviceHealth.NOT_FITTED if self._display is None else DeviceHealth.MISSING
        )
        self.enclosure_is_open: bool | None = None
        """By the tamper loop; None without one, and while the pins are away."""

    async def run(self) -> None:
        """Keep everything in use until cancelled; then dark, silent, pins free."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_front())
            if self._display is not None:
                tasks.create_task(self._display.run(self._on_display))

    def show(self, verdict: Verdict | None, line: str = "", lane: int | None = None) -> None:
        """Show a verdict, or put the lights out. `line` goes below it; it may name a person.

        Before it goes the `lane` that saw them, where it was another one.
        """
        if verdict is None:
            self._set_light(None)
            if self._display is not None:
                self._display.rest()
            return
        signs = SIGNS[verdict]
        self._set_light(signs.light)
        self._play(signs.tone)
        if lane is not None:
            line = f"{_AT_LANE[self._settings.language].format(n=lane)} {line}".rstrip()
        self._picture(signs, line)

    def show_not_recorded(self) -> None:
        """A card was read and could not be recorded."""
        self._show_notice(NOT_RECORDED)

    def show_undone(self) -> None:
        """The last scan was taken back."""
        self._show_notice(UNDONE)

    def rest_on(self, view: StationView) -> None:
        """What the display says between verdicts, from now on: `126/180`, and a line below."""
        if self._display is None:
            return
        waiting = _WAITING_FOR_LORA if view.link is LinkState.RADIO else _WAITING
        is_paused = Trouble.LANE_PAUSED in view.troubles
        phrase = (_PAUSED if is_paused else waiting)[self._settings.language]
        number, line = f"{view.present}/{view.expected}", phrase.format(n=view.custody.waiting)
        from drivers.panel.face import Face  # noqa: PLC0415  # Pillow: only with a display

        self._display.set_idle(Face(number=number, line=line))

    def _show_notice(self, notice: Notice) -> None:
        self._set_light(None)
        self._play(notice.tone)
        self._picture(notice, "")

    def _picture(self, signs: Signs | Notice, line: str) -> None:
        if self._display is None:
            return
        from drivers.panel.face import Face  # noqa: PLC0415  # Pillow: only with a display

        word = signs.word_zh if self._settings.language == "zh-Hans" else signs.word_en
        self._display.show(Face(shape=signs.shape, word=word, line=line))

    def _set_light(self, name: str | None) -> None:
        self._light = name
        if self._front is not None:
            with contextlib.suppress(PortGone):  # `run` hears of it too
                self._front.light(name)

    def _play(self, beeps: tuple[Beep, ...]) -> None:
        if self._front is not None:
            with contextlib.suppress(PortGone):
                self._front.play(
                    Tone(beep.frequency_hz, beep.length_s, beep.pause_s) for beep in beeps
                )

    async def _keep_front(self) -> None:
        await keep_open(
            self._settings.pins,
            self._use_front,
            open_at=self._open_at,
            on_state=self._on_pins,
            backoff=Backoff(REOPEN_FIRST_S, REOPEN_LIMIT_S, Random()),
        )

    async def _use_front(self, header: Header, ready: Ready) -> None:
        front = Front(self.board, header, self._take_button, self._take_tamper)
        self._front = front
        try:
            front.light(self._light)
            ready(self._settings.pins)
            await front.watch()
        finally:
            self._front, self.enclosure_is_open = None, None
            front.close()

    def _take_button(self, button: Button) -> None:
        self._play(HEARD)
        self._on_button(button)

    def _take_tamper(self, is_open: bool) -> None:
        self.enclosure_is_open = is_open
        self._on_tamper(is_open)

    def _on_pins(self, state: DeviceState, reason: str) -> None:
        log.info("panel: %s: %s", state.value, reason)
        self.health = health_of(state)
        self._changed()

    def _on_display(self, state: DeviceState, reason: str) -> None:
        log.info("display: %s: %s", state.value, reason)
        self.display_health = health_of(state)
        self._changed()


def _display(settings: PanelSettings, board: Board) -> "Display | None":
    if settings.display is None:
        return None
    if board.display is None:
        raise DriverConfigError(f"hw/{settings.board}.toml says of no display where it is")
    try:
        from terminal.display import Display  # noqa: PLC0415  # Pillow: only with a display
    except ModuleNotFoundError as error:
        raise DriverConfigError(f"a display needs the package {error.name!r}") from error
    return Display(board.display.port, settings.display, settings.font)
