"""`sim air`: the radio medium that simulated modems in other processes share."""

import asyncio
from pathlib import Path

import click

from runtime.config import ConfigError
from sim.air.air import Air
from sim.air.hearing import Hearing
from sim.air.judge import Judge
from sim.air.medium import Medium
from sim.air.regions import REGIONS
from sim.air.server import LOOPBACK, Address, AirServer
from sim.air.terrain import Terrain
from sim.air.terrain_file import read_terrain
from sim.foreground import run_until_stopped

PLAIN_LEVEL_DB = 110.0  # everybody hears everybody, at about -93 dBm


@click.command()
@click.option("--link", type=click.Path(path_type=Path), help="Socket to create.")
@click.option("--tcp", type=click.IntRange(0, 65535), help="Or a TCP port; 0: a free one.")
@click.option(
    "--terrain",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File that says who hears whom; else everybody hears everybody.",
)
@click.option("--region", type=click.Choice(sorted(REGIONS)), help="Judge by this law.")
@click.option("--seed", type=int, default=0, show_default=True, help="Makes chance repeatable.")
def air(
    *, link: Path | None, tcp: int | None, terrain: Path | None, region: str | None, seed: int
) -> None:
    """Simulate the air between LoRa modems.

    Says of each frame what became of it at every antenna, and with --region which law it broke.
    Ends on Ctrl-C.
    """
    address: Address | None = link if link is not None else tcp
    if address is None or (link is not None and tcp is not None):
        raise click.UsageError("give --link or --tcp")
    try:
        ground = Terrain(level_db=PLAIN_LEVEL_DB) if terrain is None else read_terrain(terrain)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    judge = None if region is None else Judge(REGIONS[region])
    try:
        run_until_stopped(_serve(Medium(ground, seed=seed, judge=judge), address))
    except OSError as error:
        raise click.ClickException(f"cannot make the air: {error}") from error


async def _serve(medium: Medium, address: Address) -> None:
    async with AirServer(Air(medium, witness=_say), address) as server:
        where = server.address
        click.echo(f"air at {where if isinstance(where, Path) else f'{LOOPBACK}:{where}'}")
        await asyncio.Event().wait()


def _say(hearing: Hearing) -> None:
    sent = hearing.transmission
    click.echo(
        f"{sent.sender} {sent.number}, {len(sent.frame)} bytes"
        f" at SF{sent.settings.spreading_factor} -> {hearing.listener}: {hearing.outcome.value}"
        f" ({hearing.rssi_dbm:.0f} dBm, SNR {hearing.snr_db:.0f} dB)"
        + "".join(f"; unlawful: {breach.value}" for breach in sent.breaches)
    )
