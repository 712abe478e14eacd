"""`sim idreader`: an ID card reader, and a hand that lays cards of a deck on it."""

from collections.abc import Mapping

import click

from sim.control import ControlError, Verb, one_word
from sim.dealing import Dealing, deal_options, run_dealt
from sim.devices.card import read_deck
from sim.devices.idreader import BAUDS, SimIdReader
from sim.workbench import LineOptions, Workbench, line_options


@click.command()
@line_options(kind="sdt")
@deal_options
def idreader(*, options: LineOptions, dealing: Dealing) -> None:
    """Simulate a resident-ID card reader.

    The deck is a CSV file of cards. Each lies on the reader for --hold seconds, one every --every
    seconds. Ends with the deck, or on Ctrl-C.
    """

    def make(bench: Workbench) -> SimIdReader:
        return SimIdReader(bench.line, baud=options.baud or BAUDS[0], on_baud=bench.set_baud)

    run_dealt(
        "ID card reader",
        options,
        dealing,
        read_deck=read_deck,
        make=make,
        more_verbs=_verbs,
    )


def _verbs(reader: SimIdReader) -> Mapping[str, Verb]:
    def fail(sw: str) -> None:
        try:
            reader.fail_reads(bytes.fromhex(sw))
        except ValueError as error:
            raise ControlError("expected a status in hex, such as 000032") from error

    return {"fail": one_word(fail)}
