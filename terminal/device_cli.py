"""`muster device`: one device by itself, tried by hand."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

import click

from drivers.device import ROLES, URL_FORMS, DeviceEvent, find_device, use_device
from drivers.errors import DriverConfigError
from drivers.port import BytePort, Closable
from drivers.radios.trial import Trial
from drivers.recording import Recorder, RecordingPort
from drivers.supervisor import DeviceState
from drivers.words import TO_DO, device_words, reason_in
from runtime.language import LANGS, Lang, language
from terminal.device_lines import as_line, as_object, was_decoded

NOTHING_DECODED = 1
MAX_TEST_FRAMES = 20  # a trial, not a burden on the channel
SECONDS = click.FloatRange(min=0, min_open=True)


@click.group()
def device() -> None:
    """One reader, receiver, gauge or radio by itself."""


@device.command("list")
def list_kinds() -> None:
    """Name every kind of device there is a driver for, and what the URL of its port looks like."""
    for role, drivers in ROLES.items():
        for kind, driver in sorted(drivers.items()):
            click.echo(f"{role.value:<8}{kind:<12}{URL_FORMS[driver.open]}")


@device.command("try")
@click.argument("kind")
@click.option("--port", required=True, help="URL of its port; `muster device list` shows examples.")
@click.option("--json", "as_json", is_flag=True, help="One object a line on standard output.")
@click.option("--seconds", type=SECONDS, help="Stop after so long; default: never.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many decoded events.")
@click.option(
    "--record", type=click.Path(path_type=Path), help="File to create: the traffic, masked."
)
@click.option("--frequency", "frequency_mhz", type=float, help="Of a radio, in MHz.")
@click.option("--pins", help="Of a radio: such as 'lgpio?m0=22&m1=27&aux=17'; else by software.")
@click.option(
    "--send",
    "test_frames",
    type=click.IntRange(0, MAX_TEST_FRAMES),
    default=0,
    help="Let a radio send so many test frames.",
)
@click.option("--lang", type=click.Choice(LANGS), help="Default: by LANG.")
def try_device(
    *,
    kind: str,
    port: str,
    as_json: bool,
    seconds: float | None,
    count: int | None,
    record: Path | None,
    frequency_mhz: float | None,
    pins: str | None,
    test_frames: int,
    lang: Lang | None,
) -> None:
    """Show what a device says, live: its states, and what is decoded, personal data masked.

    A radio is set to the frequency, and says of each frame how long it was and how strong; its
    content is not shown.

    Ends after --seconds or --count, or on Ctrl-C. Exit code 0 if something was decoded, 1 if
    nothing was, 2 for a kind, port or option there is not. A receiver that says it has no
    position was decoded, and so was a frame that a radio heard or sent; a card that could not be
    read was not. With --json the states go to standard error.
    """
    shown = _Json(kind) if as_json else _Lines(lang or language(os.environ))
    trial = _Trial(shown, count)
    try:
        found = find_device(kind, port, Trial(frequency_mhz, pins, test_frames))
        with ExitStack() as stack:
            recorder = None
            if record is not None:
                recorder = stack.enter_context(Recorder(record, kind, time.monotonic))
            tap = _tap(recorder)
            asyncio.run(trial.run(use_device(found, trial.take, shown.state, tap=tap), seconds))
    except DriverConfigError as error:
        raise click.UsageError(str(error)) from error
    except FileExistsError as error:
        raise click.UsageError(f"{record} exists; not touching it") from error
    raise SystemExit(0 if trial.decoded else NOTHING_DECODED)


class _Shown(Protocol):
    def state(self, state: DeviceState, reason: str) -> None: ...

    def event(self, event: DeviceEvent) -> None: ...


class _Json:
    """For a program: events on standard output and nothing else, states on standard error."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def state(self, state: DeviceState, reason: str) -> None:
        values = {"state": state.name.lower(), "reason": reason}
        click.echo(json.dumps(values, ensure_ascii=False), err=True)

    def event(self, event: DeviceEvent) -> None:
        click.echo(json.dumps(as_object(self._kind, event), ensure_ascii=False))


class _Lines:
    """For a person, in their language; the time of day first."""

    def __init__(self, lang: Lang) -> None:
        self._lang, self._words = lang, device_words(lang)
        self._state: DeviceState | None = None

    def state(self, state: DeviceState, reason: str) -> None:
        self._say(f"[{self._words.of(state)}] {reason_in(self._lang, reason)}".rstrip())
        to_do = self._words.of(state, TO_DO)
        if to_do and state is not self._state:
            click.echo(f"{'':10}→ {to_do}")
        self._state = state

    def event(self, event: DeviceEvent) -> None:
        self._say(as_line(self._lang, event))

    def _say(self, line: str) -> None:
        click.echo(f"{datetime.now().astimezone():%H:%M:%S}  {line}")


class _Trial:
    """Shows what comes until it is enough."""

    def __init__(self, shown: _Shown, count: int | None) -> None:
        self.decoded = 0
        self._shown, self._count = shown, count
        self._enough = asyncio.Event()

    def take(self, event: DeviceEvent) -> None:
        if self._enough.is_set():
            return  # came with the last one that was asked for
        self._shown.event(event)
        self.decoded += was_decoded(event)
        if self.decoded == self._count:
            self._enough.set()

    async def run(self, use: Coroutine[Any, Any, None], seconds: float | None) -> None:
        """Use the device until there was enough, the time is over, or the shell sends a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._enough.set)
        using = asyncio.create_task(use)
        waiting = asyncio.create_task(self._enough.wait())
        try:
            await asyncio.wait(
                (using, waiting), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if using.done():
                using.result()
        finally:
            using.cancel()
            waiting.cancel()
            await asyncio.gather(using, waiting, return_exceptions=True)


def _tap(recorder: Recorder | None) -> Callable[[Closable], Closable]:
    def tap(port: Closable) -> Closable:
        if recorder is None:
            return port
        return RecordingPort(cast(BytePort, port), recorder)  # kinds with a mask talk in bytes

    return tap
