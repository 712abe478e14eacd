"""`sim pn532`: a PN532 on a serial line, and a hand that lays tags of a deck on it."""

import click

from sim.dealing import Dealing, deal_options, run_dealt
from sim.devices.pn532 import SimPn532
from sim.devices.tag_deck import read_tags
from sim.workbench import LineOptions, line_options


@click.command()
@line_options(kind="pn532")
@deal_options
def pn532(*, options: LineOptions, dealing: Dealing) -> None:
    """Simulate a PN532 contactless reader on a serial line.

    The deck is a CSV file of tags. Each lies on the reader for --hold seconds, one every --every
    seconds. Ends with the deck, or on Ctrl-C.
    """
    run_dealt(
        "PN532",
        options,
        dealing,
        read_deck=read_tags,
        make=lambda bench: SimPn532(bench.line),
        more_verbs=lambda _: {},
    )
