"""`sim mrz`: a reader of machine-readable zones, on a serial line or as a keyboard."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import click

from sim.control import Verb, no_words
from sim.dealing import Dealing, deal_options, run_dealt
from sim.devices.keyboard import KeyboardLine
from sim.devices.mrz import SimMrz
from sim.devices.travel import read_travel_deck
from sim.workbench import LineOptions, Workbench, line_options

SEPARATORS: Mapping[str, bytes] = MappingProxyType({"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"})


@click.command()
@line_options(kind="mrz")
@deal_options
@click.option("--suffix", type=click.Choice(list(SEPARATORS)), default="cr", show_default=True)
@click.option("--wedge", is_flag=True, help="Be a keyboard: send raw input events.")
def mrz(*, options: LineOptions, dealing: Dealing, suffix: str, wedge: bool) -> None:
    """Simulate a reader of passports and cards with a machine-readable zone.

    The deck is a CSV file of documents. Ends with the deck, or on Ctrl-C.
    """

    def make(bench: Workbench) -> SimMrz:
        typed = KeyboardLine(bench.line) if wedge else bench.line
        return SimMrz(typed, separator=SEPARATORS[suffix], seed=options.seed)

    def more_verbs(device: SimMrz) -> Mapping[str, Verb]:
        return {"smudge": no_words(device.smudge), "misread": no_words(device.misread)}

    run_dealt(
        "MRZ reader that types" if wedge else "MRZ reader",
        replace(options, kind="mrz_wedge") if wedge else options,
        dealing,
        read_deck=read_travel_deck,
        make=make,
        more_verbs=more_verbs,
    )
