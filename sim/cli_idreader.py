"""`sim idreader`: an ID card reader on a pty, with a hand that presents a deck of cards."""

import asyncio
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path

import click

from sim.devices.card import Card, DeckError, read_deck
from sim.devices.idreader import SimIdReader
from sim.devices.line import DeviceLine, PacedLine
from sim.expose import ExposedPty
from sim.faults import FAULTS, FaultyLine
from sim.foreground import run_until_stopped

EVERY_S = 3.0  # an unhurried queue
HOLD_S = 1.5  # long enough for a poll and a read at 115200 baud
_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command()
@click.option("--link", type=click.Path(path_type=Path), required=True, help="Device to create.")
@click.option(
    "--deck",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="CSV file of cards; the columns are in sim/README.md.",
)
@click.option("--every", type=_SECONDS, default=EVERY_S, show_default=True, help="Seconds a card.")
@click.option("--hold", type=_SECONDS, default=HOLD_S, show_default=True, help="Of them, on it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Makes faults repeatable.")
@click.option("--fault", type=click.Choice(sorted(FAULTS)), default="clean", show_default=True)
@click.option("--baud", type=click.IntRange(min=1), help="Pace of the line; default: no limit.")
@click.option("--repeat", is_flag=True, help="Start the deck again at its end.")
def idreader(
    *,
    link: Path,
    deck: Path,
    every: float,
    hold: float,
    seed: int,
    fault: str,
    baud: int | None,
    repeat: bool,
) -> None:
    """Simulate a resident-ID card reader at LINK.

    Each card of the deck lies on the reader for --hold seconds, one every --every seconds. Ends
    with the deck, or on Ctrl-C.
    """
    if hold > every:
        raise click.UsageError("--hold cannot be longer than --every")
    try:
        cards = read_deck(deck)
    except DeckError as error:
        raise click.ClickException(str(error)) from error
    exposed = ExposedPty(link)
    line: DeviceLine = exposed
    if baud is not None:
        line = PacedLine(line, baud)
    reader = SimIdReader(FaultyLine(line, FAULTS[fault], seed))
    order: Iterable[Card] = cycle(cards) if repeat else cards
    try:
        ended = run_until_stopped(_simulate(exposed, reader, order, every_s=every, hold_s=hold))
    except FileExistsError as error:
        raise click.ClickException(f"{link} exists and is no link; not touching it") from error
    except OSError as error:
        raise click.ClickException(f"cannot make {link}: {error.strerror}") from error
    click.echo("end of the deck" if ended else "stopped")


async def _simulate(
    exposed: ExposedPty,
    reader: SimIdReader,
    order: Iterable[Card],
    *,
    every_s: float,
    hold_s: float,
) -> None:
    async with exposed:
        click.echo(f"ID card reader at {exposed.url}")
        async with asyncio.TaskGroup() as tasks:
            module = tasks.create_task(reader.run())
            for number, card in enumerate(order, start=1):
                click.echo(f"card {number}")  # never whose
                reader.present(card)
                await asyncio.sleep(hold_s)
                reader.remove()
                await asyncio.sleep(every_s - hold_s)
            module.cancel()
