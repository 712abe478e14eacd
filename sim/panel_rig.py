"""A simulated panel with everything around it: the pins' daemon, the view, the commands."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.panel.board import Board
from runtime.feed import Feed
from sim.control import ControlError, Verb, no_words, one_word
from sim.devices.header import DEFAULT_SAMPLE_US, SimHeader
from sim.devices.panel import HOLD_S, TAP_S, PanelView, SimPanel, Wiring
from sim.devices.pigpiod import SimPigpiod

TAMPER = "tamper"
REFRESH_S = 5.0  # a page's clock follows the latest value


@dataclass(frozen=True, slots=True)
class RigView:
    """What there is to see, to hear and to know."""

    panel: PanelView
    board: str
    url: str
    is_plugged: bool
    clients: int
    now_ms: int


class PanelRig:
    """The panel of a board profile; `feed` has its latest view. Enter `daemon` to plug it in."""

    def __init__(
        self,
        name: str,
        board: Board,
        *,
        port: int = 0,
        seed: int = 0,
        sample_us: int = DEFAULT_SAMPLE_US,
    ) -> None:
        self._name = name
        header = SimHeader(sample_us=sample_us)
        self.panel = SimPanel(wiring_of(board), header, seed=seed)
        self.daemon = SimPigpiod(header, port)
        self.buttons = tuple(wiring_of(board).buttons)
        self.has_loop = board.tamper is not None
        self.feed: Feed[RigView] = Feed(self._view())
        self.panel.changed = self.daemon.clients_changed = self._publish
        self._soon: set[asyncio.Task[None]] = set()

    async def refresh(self) -> None:
        """Publish the view now and then, until cancelled."""
        while True:
            self._publish()
            await asyncio.sleep(REFRESH_S)

    def verbs(self) -> Mapping[str, Verb]:
        """What a control socket may say."""
        return {
            "press": one_word(lambda button: self._push(button, TAP_S)),
            "hold": one_word(lambda button: self._push(button, HOLD_S)),
            "down": one_word(self._down),
            "up": one_word(self._up),
            "open": one_word(lambda what: self._open(what, is_open=True)),
            "close": one_word(lambda what: self._open(what, is_open=False)),
            "plug": no_words(lambda: self._later(self.daemon.plug)),
            "unplug": no_words(lambda: self._later(self.daemon.unplug)),
            "state": no_words(lambda: said(self.panel.view)),
        }

    def _push(self, button: str, for_s: float) -> None:
        self._known(button)
        self.panel.push(button, for_s)

    def _down(self, button: str) -> None:
        self._known(button)
        self.panel.press(button)

    def _up(self, button: str) -> None:
        self._known(button)
        self.panel.release(button)

    def _open(self, what: str, *, is_open: bool) -> None:
        if what != TAMPER or not self.has_loop:
            raise ControlError(f"what opens and closes is {TAMPER!r}, where the board has one")
        self.panel.open(is_open)

    def _known(self, button: str) -> None:
        if button not in self.buttons:
            raise ControlError(f"no button {button!r}; there are: {', '.join(self.buttons)}")

    def _later(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._then_publish(act))
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    async def _then_publish(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await act()
        self._publish()

    def _publish(self) -> None:
        self.feed.publish(self._view())

    def _view(self) -> RigView:
        return RigView(
            panel=self.panel.view,
            board=self._name,
            url=self.daemon.url,
            is_plugged=self.daemon.is_plugged,
            clients=self.daemon.clients,
            now_ms=time.time_ns() // 1_000_000,
        )


def wiring_of(board: Board) -> Wiring:
    """Which pin is what on this board."""
    buttons = board.buttons
    return Wiring(
        lights={
            "accepted": board.lights.accepted,
            "look": board.lights.look,
            "stop": board.lights.stop,
        },
        buzzer=board.buzzer.pin,
        is_tonal=board.buzzer.kind == "tonal",
        buttons={}
        if buttons is None
        else {"confirm": buttons.confirm, "undo": buttons.undo, "pause": buttons.pause},
        tamper=board.tamper.pin if board.tamper is not None else None,
    )


def said(view: PanelView) -> str:
    """One line for people and scripts: `lights look; sound 2300 Hz; down undo; loop open`."""

    def names(some: Sequence[str]) -> str:
        return "+".join(some) or "none"

    sound = f"{view.sound_hz} Hz" if view.sound_hz is not None else "none"
    loop = "open" if view.is_open else "closed"
    return (
        f"lights {names(sorted(view.lit))}; sound {sound}; "
        f"down {names(sorted(view.pressed))}; loop {loop}"
    )
