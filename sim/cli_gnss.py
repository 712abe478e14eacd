"""`sim gnss`: a satellite receiver on a pty, made up or replayed from a recording."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import click

from sim.devices.burst import Burst, play
from sim.devices.gnss import SimGnss
from sim.devices.gnss_replay import replay
from sim.expose import ExposedPty
from sim.foreground import run_until_stopped

CHENGDU = (30.657, 104.066)
_TIME_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
_FOR_A_MADE_UP_RECEIVER = ("latitude", "longitude", "start", "seed")


@click.command()
@click.option("--link", type=click.Path(path_type=Path), required=True, help="Device to create.")
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
@click.option("--seed", type=int, default=0, show_default=True, help="Makes the wander repeatable.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    help="End after so long by its clock; default: never.",
)
@click.pass_context
def gnss(
    context: click.Context,
    *,
    link: Path,
    recording: Path | None,
    speed: float,
    latitude: float,
    longitude: float,
    start: datetime | None,
    seed: int,
    seconds: float | None,
) -> None:
    """Simulate a satellite receiver at LINK.

    Without --replay it stands at one place and has a fix from the first second. Ends after
    --seconds, or on Ctrl-C.
    """
    bursts: Iterator[Burst]
    if recording is not None:
        for name in _FOR_A_MADE_UP_RECEIVER:
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise click.UsageError(f"--{name} means nothing with --replay")
        bursts = replay(recording, loop=True)
    else:
        since = datetime.now(UTC) if start is None else start.replace(tzinfo=UTC)
        device = SimGnss(latitude_deg=latitude, longitude_deg=longitude, start=since, seed=seed)
        bursts = device.bursts()
    if seconds is not None:
        bursts = takewhile(lambda burst: burst.after_s <= seconds, bursts)
    try:
        ended = run_until_stopped(_simulate(ExposedPty(link), bursts, speed))
    except FileExistsError as error:
        raise click.ClickException(f"{link} exists and is no link; not touching it") from error
    except OSError as error:
        raise click.ClickException(f"cannot make {link}: {error.strerror}") from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo("end" if ended else "stopped")


async def _simulate(exposed: ExposedPty, bursts: Iterator[Burst], speed: float) -> None:
    async with exposed:
        click.echo(f"satellite receiver at {exposed.url}")
        await play(bursts, exposed, speed=speed)
