"""`sim gnss`: a satellite receiver on a cable, made up or replayed from a recording."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, takewhile
from pathlib import Path

import click

from sim.control import Verb
from sim.devices.burst import Burst, play
from sim.devices.gnss import SimGnss
from sim.devices.gnss_replay import replay
from sim.workbench import LineOptions, Workbench, line_options

CHENGDU = (30.657, 104.066)
_TIME_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
_FOR_A_MADE_UP_RECEIVER = ("latitude", "longitude", "start")


@click.command()
@line_options
@click.option(
    "--replay",
    "recording",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Play this NMEA recording, again and again, instead of making sentences up.",
)
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
    recording: Path | None,
    speed: float,
    latitude: float,
    longitude: float,
    start: datetime | None,
    seconds: float | None,
) -> None:
    """Simulate a satellite receiver.

    Without --replay it stands at one place and has a fix from the first second, and --control
    makes it jump, drift or be jammed. Ends after --seconds, or on Ctrl-C.
    """
    bench = Workbench(options)
    bursts: Iterator[Burst]
    verbs: Mapping[str, Verb] = {}
    if recording is not None:
        for name in _FOR_A_MADE_UP_RECEIVER:
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise click.UsageError(f"--{name} means nothing with --replay")
        bursts = _recorded(recording)
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
    ended = bench.run("satellite receiver", lambda: play(bursts, bench.line, speed=speed), verbs)
    click.echo("end" if ended else "stopped")


def _recorded(recording: Path) -> Iterator[Burst]:
    """The recording without end; one that cannot be played is noticed before anything is made."""
    bursts = replay(recording, loop=True)
    try:
        first = next(bursts)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    return chain([first], bursts)
