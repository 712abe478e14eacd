"""`sim e22`: an EByte LoRa modem on a cable, with pins or without, on the air of `sim air`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import click

from sim.air.client import RemoteAntenna, join_air
from sim.air.medium import AirError
from sim.air.server import Address
from sim.air.terrain import Place, Site
from sim.e22_antenna import E22Antenna
from sim.modem_rig import MODELS, UART_BAUD, ModemRig
from sim.workbench import LineOptions, Workbench, line_options


@click.command()
@line_options(kind="e22")
@click.option("--model", type=click.Choice(sorted(MODELS)), default="e22", show_default=True)
@click.option("--air", "air_at", metavar="SOCKET|PORT", help="Where `muster sim air` is.")
@click.option("--name", help="Of its antenna, as the terrain's file calls it.")
@click.option("--place", type=(float, float), help="Metres east and north of any point.")
@click.option(
    "--pins",
    type=click.IntRange(0, 65535),
    help="TCP port of a Pi's header that M0, M1 and AUX are wired to; 0: a free one.",
)
def e22(
    *,
    options: LineOptions,
    model: str,
    air_at: str | None,
    name: str | None,
    place: tuple[float, float] | None,
    pins: int | None,
) -> None:
    """Simulate an EByte LoRa modem.

    It needs --air and --name. Without --pins an E22 switches its mode by software; the control
    socket takes pins 10 (the levels of M1 and M0), aux, stick, loosen, power, forget, die and
    state. Its line runs at the rate its registers say. Ends on Ctrl-C.
    """
    if options.baud is not None:
        raise click.UsageError("a modem's rate is in its registers: leave out --baud")
    bench = Workbench(replace(options, kind=model, baud=UART_BAUD))
    title = f"{model.upper()} modem"
    if options.replay is not None:
        ended = bench.replay(title, options.replay)
        click.echo("end" if ended else "stopped")
        return
    if air_at is None or name is None:
        raise click.UsageError("a modem needs --air and --name")
    rig = ModemRig(model, bench.line, bench.set_baud)
    if pins is None and model == "e22":
        rig.allow_switch_by_software()
    site = Site(name, None if place is None else Place(*place))

    async def work() -> None:
        if rig.pins_url is not None:
            click.echo(f"pins at {rig.pins_url}")
        await rig.modem.run()

    bench.run(title, work, rig.verbs(), within=_around(rig, _address(air_at), site, pins))
    click.echo("stopped")


@asynccontextmanager
async def _around(rig: ModemRig, air: Address, site: Site, pins: int | None) -> AsyncIterator[None]:
    """The air it sends on, and the header it is wired to."""
    antenna = await _join(rig.antenna, air, site)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(antenna.close)
        telling = asyncio.create_task(_tell_when_lost(antenna))
        stack.callback(telling.cancel)
        if pins is not None:
            await stack.enter_async_context(rig.wire(pins))
        yield


def _address(air_at: str) -> Address:
    return int(air_at) if air_at.isascii() and air_at.isdigit() else Path(air_at)


async def _join(side: E22Antenna, air: Address, site: Site) -> RemoteAntenna:
    try:
        antenna = await join_air(air, site.name, side.take, site.place)
    except OSError as error:
        raise click.ClickException(f"no air at {air}: {error}") from error
    except AirError as error:
        raise click.ClickException(f"the air does not take it: {error}") from error
    side.antenna = antenna
    return antenna


async def _tell_when_lost(antenna: RemoteAntenna) -> None:
    await antenna.lost.wait()
    click.echo("the air is gone: the modem hears nothing any more", err=True)
