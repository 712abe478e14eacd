"""What every simulator on a cable shares: where it is plugged in, how its line behaves, what is
recorded of it, and the control socket that tells it what to do.

A command adds `line_options`, makes its device on `Workbench.line`, and gives its own verbs to
`Workbench.run`; plug, unplug, corrupt and slow are the workbench's.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from drivers.errors import DriverConfigError
from drivers.recording import Recorder, RecordingError, read_recording
from sim.control import ControlError, ControlSocket, Verb, no_words, one_word
from sim.devices.line import DeviceLine, PacedLine
from sim.expose import ExposedPty, ExposedTcp
from sim.faults import FAULTS, FaultyLine
from sim.foreground import run_until_stopped
from sim.recording import RecordedDevice, RecordingLine

LINGER_S = 1.0  # unplugged at once, a pty loses what the host has not read yet
NO_PACE = "fast"
"""The word for a line without a speed limit."""

Device = Callable[[], Coroutine[Any, Any, None]]
"""What the device does until it ends or is cancelled: usually its `run`."""


@dataclass(frozen=True, slots=True)
class LineOptions:
    """What the user said about the cable, and the kind of device at its end."""

    kind: str
    link: Path | None = None
    tcp: int | None = None
    baud: int | None = None
    fault: str = "clean"
    seed: int = 0
    control: Path | None = None
    record: Path | None = None
    replay: Path | None = None


_TO_CREATE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--link", type=_TO_CREATE, help="Device to create: a pty."),
    click.option("--tcp", type=click.IntRange(0, 65535), help="Or a TCP port; 0: a free one."),
    click.option("--baud", type=click.IntRange(min=1), help="Rate of its UART; else any, unpaced."),
    click.option("--fault", type=click.Choice(sorted(FAULTS)), default="clean", show_default=True),
    click.option("--seed", type=int, default=0, show_default=True, help="Makes chance repeatable."),
    click.option("--control", type=_TO_CREATE, help="Socket to create for `muster sim tell`."),
    click.option("--record", type=_TO_CREATE, help="File to create: the traffic, masked."),
    click.option(
        "--replay",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Play the device's side of this recording instead.",
    ),
)


def line_options(*, kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a click command the options of the cable; it receives them as `options`.

    `kind` is the driver's name for such a device: by it a recording is masked.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(
            *,
            link: Path | None,
            tcp: int | None,
            baud: int | None,
            fault: str,
            seed: int,
            control: Path | None,
            record: Path | None,
            replay: Path | None,
            **others: Any,  # the command's own options
        ) -> None:
            if (link is None) == (tcp is None):
                raise click.UsageError("give --link or --tcp")
            if record is not None and replay is not None:
                raise click.UsageError("a recording is not recorded again: --record or --replay")
            options = LineOptions(kind, link, tcp, baud, fault, seed, control, record, replay)
            command(options=options, **others)

        decorated: Callable[..., None] = with_options
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        return decorated

    return decorate


class Workbench:
    """One simulated device on one cable. `line` is the device's end of it."""

    def __init__(self, options: LineOptions) -> None:
        self._options = options
        self.cable: ExposedPty | ExposedTcp = (
            ExposedPty(options.link, options.baud)
            if options.link is not None
            else ExposedTcp(options.tcp or 0)
        )
        self._tap = RecordingLine(self.cable)
        self._paced = PacedLine(self._tap, options.baud)
        self._faulty = FaultyLine(self._paced, FAULTS[options.fault], options.seed)

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
        device: Device,
        verbs: Mapping[str, Verb],
        hand: Device | None = None,
        *,
        within: AbstractAsyncContextManager[object] | None = None,
    ) -> bool:
        """Run `device` in the foreground until `hand` has done its part, or somebody stops it.

        Without a hand it ends with `device`. What else the device needs is entered with `within`;
        then it says where the device is. Returns whether it came to its end. Raises
        `click.ClickException` when the cable, the control socket or the recording cannot be made.
        """
        try:
            return run_until_stopped(self._run(title, device, verbs, hand, within))
        except FileExistsError as error:
            raise click.ClickException(f"{error}; not touching it") from error
        except OSError as error:
            raise click.ClickException(f"cannot make the device: {error}") from error
        except DriverConfigError as error:
            raise click.ClickException(str(error)) from error

    def replay(self, title: str, path: Path) -> bool:
        """Run the recording at `path` in the place of the device; see `run`.

        Raises `click.ClickException` for a file that is no recording of this kind of device.
        """
        try:
            recording = read_recording(path)
        except (OSError, RecordingError) as error:
            raise click.ClickException(str(error)) from error
        if recording.kind != self._options.kind:
            raise click.ClickException(
                f"{path} is a recording of {recording.kind!r}, not of {self._options.kind!r}"
            )

        def stranger() -> None:
            click.echo("the host says what the recording does not hold", err=True)

        device = RecordedDevice(self.line, recording, on_stranger=stranger)

        async def play() -> None:
            await device.run()
            await asyncio.sleep(LINGER_S)

        return self.run(title, play, {})

    async def _run(
        self,
        title: str,
        device: Device,
        verbs: Mapping[str, Verb],
        hand: Device | None,
        within: AbstractAsyncContextManager[object] | None,
    ) -> None:
        async with AsyncExitStack() as stack:
            if within is not None:
                await stack.enter_async_context(within)
            await stack.enter_async_context(self.cable)
            if self._options.control is not None:
                all_verbs = {**self._verbs(), **verbs}
                await stack.enter_async_context(ControlSocket(self._options.control, all_verbs))
            if self._options.record is not None:
                recorder = Recorder(self._options.record, self._options.kind, time.monotonic)
                self._tap.recorder = stack.enter_context(recorder)
            click.echo(f"{title} at {self.cable.url}")
            if hand is None:
                await device()
                return
            running = asyncio.create_task(device())
            dealing = asyncio.create_task(hand())
            try:
                done, _ = await asyncio.wait(
                    (running, dealing), return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()  # what went wrong in it goes wrong here
            finally:
                await _stop(running, dealing)

    def _verbs(self) -> Mapping[str, Verb]:
        return {
            "plug": no_words(self.cable.plug),
            "unplug": no_words(self.cable.unplug),
            "corrupt": one_word(self._corrupt),
            "slow": one_word(self._slow),
        }

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


async def _stop(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
