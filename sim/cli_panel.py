"""`sim panel`: the lights, buzzer, buttons and tamper loop of a board, on pins across a socket."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from drivers.errors import DriverConfigError
from drivers.panel.board import Board, load_board
from runtime.web.server import serve
from sim.control import ControlSocket, obey
from sim.devices.header import DEFAULT_SAMPLE_US, SAMPLE_TIMES_US
from sim.foreground import run_until_stopped
from sim.panel_rig import PanelRig
from sim.panel_shell import show
from sim.web.panel_site import panel_app

PIGPIOD_PORT = 8888  # hw/pigpio-socket.md 1
WEB_PORT = 8890
LOOPBACK = "127.0.0.1"
_PORT = click.IntRange(0, 65535)


@click.command()
@click.option("--board", "name", default="pi-4b", show_default=True, help="Profile of hw/.")
@click.option(
    "--port",
    type=_PORT,
    default=PIGPIOD_PORT,
    show_default=True,
    help="Of the pins; 0: a free one.",
)
@click.option(
    "--web-port", type=_PORT, default=WEB_PORT, show_default=True, help="Of the page; 0: no page."
)
@click.option(
    "--sample-us",
    type=click.Choice([str(each) for each in SAMPLE_TIMES_US]),
    default=str(DEFAULT_SAMPLE_US),
    show_default=True,
    help="Sample time, as of pigpiod -s: it decides which tones there are.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Repeats how contacts bounce.")
@click.option("--control", type=click.Path(path_type=Path), help="Socket to create for commands.")
def panel(
    *, name: str, port: int, web_port: int, sample_us: str, seed: int, control: Path | None
) -> None:
    """Simulate the panel of a board.

    A terminal reaches it with `pins = "pigpio://127.0.0.1:PORT"` under [panel], as it would reach
    the pigpiod of a real one. Lights and tones are shown here and on a page; keys, the page and
    the control socket press the buttons and open the enclosure. Ends on q or Ctrl-C.
    """
    try:
        board = load_board(name)
    except DriverConfigError as error:
        raise click.ClickException(str(error)) from error
    options = {"port": port, "seed": seed, "sample_us": int(sample_us)}
    try:
        run_until_stopped(_simulate(name, board, options, web_port, control))
    except OSError as error:
        raise click.ClickException(str(error)) from error
    click.echo("stopped")


async def _simulate(
    name: str, board: Board, options: dict[str, int], web_port: int, control: Path | None
) -> None:
    rig = PanelRig(name, board, **options)
    commands = partial(obey, rig.verbs())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(rig.daemon)
        if control is not None:
            await stack.enter_async_context(ControlSocket(control, rig.verbs()))
        click.echo(f"panel at {rig.daemon.url}")
        working = [asyncio.create_task(rig.refresh())]
        if web_port:
            app = panel_app(rig.feed, rig.buttons, has_loop=rig.has_loop, obey=commands)
            click.echo(f"page at http://{LOOPBACK}:{web_port}")
            working.append(asyncio.create_task(serve(app, LOOPBACK, web_port)))
        working.append(asyncio.create_task(show(rig, commands, Console())))
        try:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in working:
                task.cancel()
            ends = await asyncio.gather(*working, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
