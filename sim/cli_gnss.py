"""`sim gnss`: a satellite receiver on a cable, made up or replayed from a recording."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import click

from drivers.recording import looks_like_recording
from sim.control import Verb
from sim.devices.burst import Burst, play
from sim.devices.gnss import SimGnss
from sim.devices.gnss_replay import replay
from sim.workbench import LineOptions, Workbench, line_options

CHENGDU = (30.657, 104.066)
TITLE = "satellite receiver"
_TIME_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
_FOR_A_MADE_UP_RECEIVER = ("latitude", "longitude", "start")
_FOR_SENTENCES = (*_FOR_A_MADE_UP_RECEIVER, "speed", "seconds")


@click.command()
@line_options(kind="nmea")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="How much faster than it was; 0 does not wait at all.",
)
@click.option("--latitude", type=click.FloatRange(-89, 89), default=CHENGDU[0], show_default=True)
@click.option(
    "--longitude", type=click.FloatRange(-179.9, 179.9), default=CHENGDU[1], show_default=True
)
@click.option("--start", type=click.DateTime(_TIME_FORMATS), help="UTC; default: now.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    help="End after so long by its clock; default: never.",
)
@click.pass_context
def gnss(
    context: click.Context,
    *,
    options: LineOptions,
    speed: float,
    latitude: float,
    longitude: float,
    start: datetime | None,
    seconds: float | None,
) -> None:
    """Simulate a satellite receiver.

    Without --replay it stands at one place and has a fix from the first second, and --control
    makes it jump, drift or be jammed. --replay takes what --record makes, and any file of NMEA
    sentences: these are played again and again. Ends after --seconds, or on Ctrl-C.
    """
    bench = Workbench(options)
    if options.replay is not None and looks_like_recording(options.replay):
        _refuse(context, _FOR_SENTENCES)
        ended = bench.replay(TITLE, options.replay)
    else:
        verbs: Mapping[str, Verb] = {}
        if options.replay is not None:
            _refuse(context, _FOR_A_MADE_UP_RECEIVER)
            bursts = _replayed(options.replay)
        else:
            device = SimGnss(
                latitude_deg=latitude,
                longitude_deg=longitude,
                start=datetime.now(UTC) if start is None else start.replace(tzinfo=UTC),
                seed=options.seed,
            )
            bursts, verbs = device.bursts(), device.verbs
        if seconds is not None:
            bursts = takewhile(lambda burst: burst.after_s <= seconds, bursts)
        ended = bench.run(TITLE, lambda: play(bursts, bench.line, speed=speed), verbs)
    click.echo("end" if ended else "stopped")


def _refuse(context: click.Context, names: tuple[str, ...]) -> None:
    for name in names:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name} means nothing with this --replay")


def _replayed(path: Path) -> Iterator[Burst]:
    try:
        return replay(path, loop=True)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
