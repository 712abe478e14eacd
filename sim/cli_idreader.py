"""`sim idreader`: an ID card reader, and a hand that lays cards of a deck on it."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import click

from sim.control import ControlError, Verb, no_words, one_word
from sim.devices.card import Card, read_deck
from sim.devices.deck import DeckError
from sim.devices.idreader import BAUDS, SimIdReader
from sim.workbench import LineOptions, Workbench, line_options

EVERY_S = 3.0  # an unhurried queue
HOLD_S = 1.5  # long enough for a poll and a read at 115200 baud
TITLE = "ID card reader"
_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command()
@line_options(kind="sdt")
@click.option(
    "--deck",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV file of cards; the columns are in sim/README.md. Needed without --replay.",
)
@click.option("--every", type=_SECONDS, default=EVERY_S, show_default=True, help="Seconds a card.")
@click.option("--hold", type=_SECONDS, default=HOLD_S, show_default=True, help="Of them, on it.")
@click.option("--repeat", is_flag=True, help="Start the deck again at its end.")
@click.option("--by-hand", is_flag=True, help="Lay no card on it: the control socket does.")
def idreader(
    *, options: LineOptions, deck: Path, every: float, hold: float, repeat: bool, by_hand: bool
) -> None:
    """Simulate a resident-ID card reader.

    Each card of the deck lies on the reader for --hold seconds, one every --every seconds. Ends
    with the deck, or on Ctrl-C.
    """
    bench = Workbench(options)
    if options.replay is not None:
        ended = bench.replay(TITLE, options.replay)
        click.echo("end of the recording" if ended else "stopped")
        return
    if deck is None:
        raise click.UsageError("give --deck or --replay")
    if hold > every:
        raise click.UsageError("--hold cannot be longer than --every")
    try:
        cards = read_deck(deck)
    except DeckError as error:
        raise click.ClickException(str(error)) from error
    reader = SimIdReader(bench.line, baud=options.baud or BAUDS[0], on_baud=bench.set_baud)

    async def deal() -> None:
        for number, card in enumerate(cycle(cards) if repeat else cards, start=1):
            click.echo(f"card {number}")  # never whose
            reader.present(card)
            await asyncio.sleep(hold)
            reader.remove()
            await asyncio.sleep(every - hold)

    ended = bench.run(TITLE, reader.run, _verbs(reader, cards), None if by_hand else deal)
    click.echo("end of the deck" if ended else "stopped")


def _verbs(reader: SimIdReader, cards: Sequence[Card]) -> Mapping[str, Verb]:
    numbered = {str(number): card for number, card in enumerate(cards, start=1)}

    def present(number: str) -> None:
        if number not in numbered:
            raise ControlError(f"the deck has cards 1 to {len(cards)}")
        reader.present(numbered[number])

    def fail(sw: str) -> None:
        try:
            reader.fail_reads(bytes.fromhex(sw))
        except ValueError as error:
            raise ControlError("expected a status in hex, such as 000032") from error

    return {"present": one_word(present), "remove": no_words(reader.remove), "fail": one_word(fail)}
