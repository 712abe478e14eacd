"""`sim pn532`: a PN532 on a serial line, and a hand that lays tags of a deck on it."""

import click

from sim.devices.pn532 import SimPn532
from sim.tag_hand import TagHand, hand_options
from sim.workbench import LineOptions, Workbench, line_options


@click.command()
@line_options
@hand_options
def pn532(*, options: LineOptions, hand: TagHand) -> None:
    """Simulate a PN532 contactless reader on a serial line.

    Each tag of the deck lies on the reader for --hold seconds, one every --every seconds. Ends
    with the deck, or on Ctrl-C.
    """
    bench = Workbench(options)
    reader = SimPn532(bench.line)
    deal = None if hand.is_idle else lambda: hand.deal(reader)
    ended = bench.run("PN532", reader.run, hand.verbs(reader), deal)
    click.echo("end of the deck" if ended else "stopped")
