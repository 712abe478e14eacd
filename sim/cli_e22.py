"""`sim e22`: an EByte LoRa modem on a cable, with pins or without, on the air of `sim air`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import click

from sim.air_options import AirSeat, air_options
from sim.modem_rig import MODELS, UART_BAUD, ModemRig
from sim.workbench import LineOptions, Workbench, line_options


@click.command()
@line_options(kind="e22")
@click.option("--model", type=click.Choice(sorted(MODELS)), default="e22", show_default=True)
@air_options
@click.option(
    "--pins",
    type=click.IntRange(0, 65535),
    help="TCP port of a Pi's header that M0, M1 and AUX are wired to; 0: a free one.",
)
@click.option(
    "--aux-covers-air",
    is_flag=True,
    help="AUX stays low until the air is free: the other reading of the manual.",
)
def e22(
    *,
    options: LineOptions,
    seat: AirSeat,
    model: str,
    pins: int | None,
    aux_covers_air: bool,
) -> None:
    """Simulate an EByte LoRa modem.

    It needs --air and --name. Without --pins an E22 switches its mode by software; the control
    socket takes pins 10 (the levels of M1 and M0), aux, stick, loosen, power, forget, die and
    state. Its line runs at the rate its registers say. Ends on Ctrl-C, or with the air.
    """
    if options.baud is not None:
        raise click.UsageError("a modem's rate is in its registers: leave out --baud")
    bench = Workbench(replace(options, kind=model, baud=UART_BAUD))
    title = f"{model.upper()} modem"
    if options.replay is not None:
        ended = bench.replay(title, options.replay)
        click.echo("end" if ended else "stopped")
        return
    seat.require()
    rig = ModemRig(model, bench.line, bench.set_baud, aux_covers_air=aux_covers_air)
    if pins is None and model == "e22":
        rig.allow_switch_by_software()

    async def work() -> None:
        if rig.pins_url is not None:
            click.echo(f"pins at {rig.pins_url}")
        await rig.modem.run()

    bench.run(title, work, rig.verbs(), within=_around(rig, seat, pins), hand=seat.until_lost)
    click.echo("stopped")


@asynccontextmanager
async def _around(rig: ModemRig, seat: AirSeat, pins: int | None) -> AsyncIterator[None]:
    """The air it sends on, and the header it is wired to."""
    rig.antenna.antenna = antenna = await seat.attach(rig.antenna.take)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(antenna.close)
        if pins is not None:
            await stack.enter_async_context(rig.wire(pins))
        yield
