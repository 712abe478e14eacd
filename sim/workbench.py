"""What every simulator on a cable shares: where it is plugged in, how its line behaves, and the
control socket that tells it what to do.

A command adds `line_options`, makes its device on `Workbench.line`, and gives its own verbs to
`Workbench.run`; plug, unplug, corrupt and slow are the workbench's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sim.control import ControlError, ControlSocket, Verb, no_words, one_word
from sim.devices.line import DeviceLine, PacedLine
from sim.expose import ExposedPty, ExposedTcp
from sim.faults import FAULTS, FaultyLine
from sim.foreground import run_until_stopped

NO_PACE = "fast"
"""The word for a line without a speed limit."""


@dataclass(frozen=True, slots=True)
class LineOptions:
    """What the user said about the cable."""

    link: Path | None
    tcp: int | None
    baud: int | None
    fault: str
    seed: int
    control: Path | None


def line_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a click command the options of the cable; it receives them as `options`."""

    @click.option("--link", type=click.Path(path_type=Path), help="Device to create: a pty.")
    @click.option("--tcp", type=click.IntRange(0, 65535), help="Or a TCP port; 0: a free one.")
    @click.option(
        "--baud", type=click.IntRange(min=1), help="Rate of its UART; default: any, unpaced."
    )
    @click.option("--fault", type=click.Choice(sorted(FAULTS)), default="clean", show_default=True)
    @click.option("--seed", type=int, default=0, show_default=True, help="Repeats the faults.")
    @click.option(
        "--control", type=click.Path(path_type=Path), help="Socket to create for commands."
    )
    @wraps(command)
    def with_options(
        *,
        link: Path | None,
        tcp: int | None,
        baud: int | None,
        fault: str,
        seed: int,
        control: Path | None,
        **others: Any,  # the command's own options
    ) -> None:
        if (link is None) == (tcp is None):
            raise click.UsageError("give --link or --tcp")
        command(options=LineOptions(link, tcp, baud, fault, seed, control), **others)

    return with_options


class Workbench:
    """One simulated device on one cable. `line` is the device's end of it."""

    def __init__(self, options: LineOptions) -> None:
        self._options = options
        self.cable: ExposedPty | ExposedTcp = (
            ExposedPty(options.link, options.baud)
            if options.link is not None
            else ExposedTcp(options.tcp or 0)
        )
        self._paced = PacedLine(self.cable, options.baud)
        self._faulty = FaultyLine(self._paced, FAULTS[options.fault], options.seed)
        self._plugging: set[asyncio.Task[None]] = set()

    @property
    def line(self) -> DeviceLine:
        """What the device reads from and writes to."""
        return self._faulty

    def set_baud(self, baud: int) -> None:
        """The device's UART changes its rate: for a host on a pty, and for the pace if it has one.

        A serial server behind TCP would have to be told by hand; ours goes along.
        """
        if isinstance(self.cable, ExposedPty):
            self.cable.baud = baud
        if self._paced.baud is not None:
            self._paced.baud = baud

    def run(
        self,
        title: str,
        device: Callable[[], Coroutine[Any, Any, None]],
        verbs: Mapping[str, Verb],
        hand: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> bool:
        """Run `device` in the foreground until `hand` has done its part, or somebody stops it.

        Says where the device is. Returns whether it came to its end. Raises `click.ClickException`
        when the cable or the control socket cannot be made.
        """
        try:
            return run_until_stopped(self._run(title, device, verbs, hand))
        except FileExistsError as error:
            raise click.ClickException(f"{error}; not touching it") from error
        except OSError as error:
            raise click.ClickException(f"cannot make the device: {error}") from error

    async def _run(
        self,
        title: str,
        device: Callable[[], Coroutine[Any, Any, None]],
        verbs: Mapping[str, Verb],
        hand: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.cable)
            if self._options.control is not None:
                all_verbs = {**self._verbs(), **verbs}
                await stack.enter_async_context(ControlSocket(self._options.control, all_verbs))
            click.echo(f"{title} at {self.cable.url}")
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(device())
                if hand is not None:
                    await hand()
                    running.cancel()

    def _verbs(self) -> dict[str, Verb]:
        return {
            "plug": no_words(lambda: self._soon(self.cable.plug)),
            "unplug": no_words(lambda: self._soon(self.cable.unplug)),
            "corrupt": one_word(self._corrupt),
            "slow": one_word(self._slow),
        }

    def _soon(self, act: Callable[[], Awaitable[None]]) -> None:
        async def do() -> None:
            await act()

        task = asyncio.get_running_loop().create_task(do())
        self._plugging.add(task)
        task.add_done_callback(self._plugging.discard)

    def _corrupt(self, fault: str) -> None:
        if fault not in FAULTS:
            raise ControlError(f"no fault {fault!r}; there are: {', '.join(sorted(FAULTS))}")
        self._faulty.fault = FAULTS[fault]

    def _slow(self, baud: str) -> None:
        if baud == NO_PACE:
            self._paced.baud = None
        elif baud.isascii() and baud.isdigit() and int(baud) > 0:
            self._paced.baud = int(baud)
        else:
            raise ControlError(f"{baud!r}: expected a number of bauds, or {NO_PACE!r}")
