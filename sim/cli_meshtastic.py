"""`sim meshtastic`: a Meshtastic node on a cable, on the air of `sim air`."""

import zlib
from collections.abc import Mapping
from dataclasses import replace

import click

from sim.air_options import AirSeat, air_options
from sim.control import ControlError, Verb, no_words, one_word
from sim.devices.meshtastic import SimMeshtastic
from sim.devices.meshtastic_memory import DEFAULT_CHANNEL, PRESETS, REGIONS, NodeSettings
from sim.workbench import LineOptions, Workbench, line_options

TITLE = "Meshtastic node"


@click.command()
@line_options(kind="meshtastic")
@air_options
@click.option("--region", type=click.Choice(list(REGIONS)), default="UNSET", show_default=True)
@click.option("--preset", type=click.Choice(list(PRESETS)), default="LONG_FAST", show_default=True)
@click.option(
    "--slot",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Frequency slot; 0: by the channel's name.",
)
@click.option(
    "--power",
    "power_dbm",
    type=int,
    default=0,
    show_default=True,
    help="In dBm; 0: the region's most.",
)
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="Name of the primary.")
def meshtastic(
    *,
    options: LineOptions,
    seat: AirSeat,
    region: str,
    preset: str,
    slot: int,
    power_dbm: int,
    channel: str,
) -> None:
    """Simulate a Meshtastic node.

    It needs --air and --name; without --region it neither sends nor receives, as delivered. The
    control socket takes power, region CN (set by its owner, which restarts it), die and state.
    Ends on Ctrl-C, or with the air.
    """
    bench = Workbench(options)
    if options.replay is not None:
        ended = bench.replay(TITLE, options.replay)
        click.echo("end" if ended else "stopped")
        return
    name = seat.require()
    settings = NodeSettings(region, preset, slot, power_dbm, channel)
    number = zlib.crc32(name.encode()) or 1
    node = SimMeshtastic(bench.line, seat.attach, node=number, settings=settings, seed=options.seed)
    bench.run(TITLE, node.run, _verbs(node), hand=seat.until_lost)
    click.echo("stopped")


def _verbs(node: SimMeshtastic) -> Mapping[str, Verb]:
    async def move(region: str) -> None:
        if region not in REGIONS:
            raise ControlError(f"no region {region!r}; there are: {', '.join(REGIONS)}")
        await node.become(replace(node.settings, region=region))

    return {
        "power": no_words(node.lose_power),
        "region": one_word(move),
        "die": no_words(node.die),
        "state": no_words(lambda: _state(node)),
    }


def _state(node: SimMeshtastic) -> str:
    settings, lora = node.settings, node.settings.lora
    where = "silent" if lora is None else f"{lora.frequency_hz / 1e6:.3f} MHz, {lora.power_dbm} dBm"
    host = "gives packets" if node.gives_packets else "gives no packets"
    return f"{settings.region}, {settings.preset}, {where}, {host}"
