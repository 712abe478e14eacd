"""A simulated panel in a shell: lights, tones and keys."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel as Frame
from rich.text import Text

from sim.devices.panel import PanelView, Sound
from sim.panel_rig import PanelRig, RigView, said

COLOURS = {"accepted": "dodger_blue1", "look": "orange1", "stop": "red1"}
KEYS = {"c": "confirm", "u": "undo", "p": "pause"}
"""Lower case presses, upper case holds."""
LID_KEY, UNPLUG_KEY, QUIT_KEYS = "t", "x", ("q", "\x04")
HELP = "c u p press · C U P hold · t tamper loop · x cable · q quit"
REDRAW_S = 0.1


async def show(rig: PanelRig, obey: Callable[[str], Awaitable[str]], console: Console) -> None:
    """Draw the panel and obey keys until the quit key; without a terminal, one line per change."""
    if not (console.is_terminal and sys.stdin.isatty()):
        await _tell(rig, console)
        return
    loop = asyncio.get_running_loop()
    keys: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for key in os.read(sys.stdin.fileno(), 64).decode(errors="replace"):
            keys.put_nowait(key)

    with _single_keys(), Live(draw(rig.feed.value), console=console, auto_refresh=False) as live:
        loop.add_reader(sys.stdin.fileno(), read)
        try:
            while (key := await _next_key(keys)) not in QUIT_KEYS:
                live.update(draw(rig.feed.value), refresh=True)
                command = command_of(key, rig.feed.value)
                if command is not None:
                    await obey(command)
        finally:
            loop.remove_reader(sys.stdin.fileno())


async def _next_key(keys: asyncio.Queue[str]) -> str:
    """A key, or an empty text when it is time to draw again."""
    try:
        async with asyncio.timeout(REDRAW_S):
            return await keys.get()
    except TimeoutError:
        return ""


def command_of(key: str, view: RigView) -> str | None:
    """The command of the control socket that a key stands for."""
    if key.lower() in KEYS:
        return f"{'press' if key.islower() else 'hold'} {KEYS[key.lower()]}"
    if key == LID_KEY:
        return "close tamper" if view.panel.is_open else "open tamper"
    if key == UNPLUG_KEY:
        return "unplug" if view.is_plugged else "plug"
    return None


def draw(view: RigView) -> RenderableType:
    """The panel as text."""
    panel = view.panel
    lamps = Columns([_lamp(name, is_on=name in panel.lit) for name in COLOURS], padding=(0, 3))
    buttons = Text("   ").join(
        Text(f"[{key}] {name}", style="reverse bold" if name in panel.pressed else "")
        for key, name in KEYS.items()
    )
    lid = Text("enclosure OPEN", "bold orange1") if panel.is_open else Text("enclosure shut", "dim")
    title = f"panel of {view.board} at {view.url}"
    state = f"{view.clients} connected" if view.is_plugged else "cable out"
    body = Group(lamps, Text(), _sound(panel), Text(), buttons, lid)
    return Frame(body, title=f"{title} · {state}", subtitle=HELP, width=78, padding=(1, 2))


def _lamp(name: str, *, is_on: bool) -> Text:
    return Text(f"⬤ {name}" if is_on else f"◯ {name}", f"bold {COLOURS[name]}" if is_on else "dim")


def _sound(panel: PanelView) -> Text:
    now = Text(f"♪ {panel.sound_hz} Hz" if panel.sound_hz is not None else "♪ silent")
    now.stylize("bold" if panel.sound_hz is not None else "dim")
    heard = "  ".join(_heard(sound) for sound in panel.sounds if sound.length_ms is not None)
    return now.append(f"   {heard}", style="dim not bold")


def _heard(sound: Sound) -> str:
    return f"{sound.frequency_hz} Hz {sound.length_ms} ms"


async def _tell(rig: PanelRig, console: Console) -> None:
    version, line = -1, ""
    while True:
        version, view = await rig.feed.newer_than(version)
        if (now := said(view.panel)) != line:
            line = now
            console.print(line, highlight=False)


@contextmanager
def _single_keys() -> Iterator[None]:
    """Keys arrive one by one, unseen; Ctrl-C stays what it is."""
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin)
    try:
        yield
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)
