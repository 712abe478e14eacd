"""`sim rak3172`: a RAK3172 LoRa modem on a cable, on the air of `sim air`."""

from collections.abc import Mapping

import click

from sim.air_options import AirSeat, air_options
from sim.control import Verb, no_words
from sim.devices.rak3172 import SimRak3172
from sim.devices.rak3172_memory import WORK_MODES
from sim.workbench import LineOptions, Workbench, line_options

HIGH, LOW = "H", "L"
TITLE = "RAK3172 modem"


@click.command()
@line_options(kind="rak3172")
@air_options
@click.option(
    "--board",
    type=click.Choice((LOW, HIGH)),
    default=LOW,
    show_default=True,
    help="For 433 and 470 MHz, or for 868 and 915.",
)
def rak3172(*, options: LineOptions, seat: AirSeat, board: str) -> None:
    """Simulate a RAK3172 LoRa modem with RUI3.

    It needs --air and --name, and is as delivered: in LoRaWAN mode. The control socket takes power,
    forget, damage (the first byte of the next command), die and state. Ends on Ctrl-C, or with
    the air.
    """
    bench = Workbench(options)
    if options.replay is not None:
        ended = bench.replay(TITLE, options.replay)
        click.echo("end" if ended else "stopped")
        return
    seat.require()
    modem = SimRak3172(bench.line, seat.attach, is_high_band=board == HIGH)
    bench.run(f"{TITLE} -{board}", modem.run, _verbs(modem), hand=seat.until_lost)
    click.echo("stopped")


def _verbs(modem: SimRak3172) -> Mapping[str, Verb]:
    def damage() -> None:
        modem.damaged_commands += 1

    return {
        "power": no_words(modem.lose_power),
        "forget": no_words(modem.forget),
        "damage": no_words(damage),
        "die": no_words(modem.die),
        "state": no_words(lambda: _state(modem)),
    }


def _state(modem: SimRak3172) -> str:
    memory = modem.memory
    does = "receiving or sending" if modem.is_receiving else "silent"
    return f"{WORK_MODES[memory.work_mode]}, {memory.p2p}, {memory.sync_word:04x}, {does}"
