"""What simulators of readers share: a deck, and a hand that presents it piece by piece."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from sim.control import ControlError, Verb, no_words, one_word
from sim.devices.deck import DeckError
from sim.workbench import LineOptions, Workbench

EVERY_S = 3.0  # an unhurried queue
HOLD_S = 1.5
_SECONDS = click.FloatRange(min=0, min_open=True)
ThingT = TypeVar("ThingT")
GivenT_contra = TypeVar("GivenT_contra", contravariant=True)


class Reader(Protocol[GivenT_contra]):
    """A simulated reader."""

    def present(self, thing: GivenT_contra, /) -> None:
        """Hold a thing to it, in place of what was there."""

    def remove(self) -> None:
        """Take it away."""

    async def run(self) -> None:
        """Read for ever."""


@dataclass(frozen=True, slots=True)
class Dealing:
    """What the user said about the hand."""

    deck: Path | None
    every_s: float
    hold_s: float
    repeat: bool
    by_hand: bool


_OPTIONS = (
    click.option(
        "--deck",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="What is presented; sim/README.md says how it is written. Needed without --replay.",
    ),
    click.option(
        "--every", type=_SECONDS, default=EVERY_S, show_default=True, help="Seconds each."
    ),
    click.option(
        "--hold", type=_SECONDS, default=HOLD_S, show_default=True, help="Of them, there."
    ),
    click.option("--repeat", is_flag=True, help="Start the deck again at its end."),
    click.option("--by-hand", is_flag=True, help="Present nothing: the control socket does."),
)


def deal_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a click command the options of the hand; it receives them as `dealing`."""

    @wraps(command)
    def with_options(
        *,
        deck: Path | None,
        every: float,
        hold: float,
        repeat: bool,
        by_hand: bool,
        **others: Any,  # the command's own options
    ) -> None:
        if hold > every:
            raise click.UsageError("--hold cannot be longer than --every")
        command(dealing=Dealing(deck, every, hold, repeat, by_hand), **others)

    decorated: Callable[..., None] = with_options
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def run_dealt(
    title: str,
    options: LineOptions,
    dealing: Dealing,
    *,
    read_deck: Callable[[Path], Sequence[ThingT]],
    make: Callable[[Workbench], Reader[ThingT]],
    more_verbs: Callable[[Any], Mapping[str, Verb]],
) -> None:
    """Put a reader on a cable and present a deck to it, or replay a recording in its place.

    `more_verbs` takes the reader made, and returns its own verbs besides `present` and `remove`.
    Raises `click.ClickException` for a deck, a cable or a recording that cannot be used.
    """
    bench = Workbench(options)
    if options.replay is not None:
        ended = bench.replay(title, options.replay)
        click.echo("end of the recording" if ended else "stopped")
        return
    if dealing.deck is None:
        raise click.UsageError("give --deck or --replay")
    deck = deck_at(dealing.deck, read_deck)
    reader = make(bench)
    verbs = {**hand_verbs(reader, deck), **more_verbs(reader)}
    hand = None if dealing.by_hand else lambda: deal(dealing, reader, deck)
    ended = bench.run(title, reader.run, verbs, hand)
    click.echo("end of the deck" if ended else "stopped")


def deck_at(path: Path, read_deck: Callable[[Path], Sequence[ThingT]]) -> Sequence[ThingT]:
    """The deck in a file; raises `click.ClickException` for one that cannot be used."""
    try:
        return read_deck(path)
    except DeckError as error:
        raise click.ClickException(str(error)) from error


async def deal(dealing: Dealing, reader: Reader[ThingT], deck: Sequence[ThingT]) -> None:
    """Present each thing for its time, until the deck ends."""
    for number, thing in enumerate(cycle(deck) if dealing.repeat else deck, start=1):
        click.echo(f"presenting {number}")  # never what it says
        reader.present(thing)
        await asyncio.sleep(dealing.hold_s)
        reader.remove()
        await asyncio.sleep(dealing.every_s - dealing.hold_s)


def hand_verbs(reader: Reader[ThingT], deck: Sequence[ThingT]) -> Mapping[str, Verb]:
    """`present NUMBER` and `remove`, for a control socket."""
    numbered = {str(number): thing for number, thing in enumerate(deck, start=1)}

    def present(number: str) -> None:
        if number not in numbered:
            raise ControlError(f"the deck has 1 to {len(deck)}")
        reader.present(numbered[number])

    return {"present": one_word(present), "remove": no_words(reader.remove)}
