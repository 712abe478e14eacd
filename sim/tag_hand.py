"""The hand that lays tags of a deck on a reader: what `sim pn532` and `sim pcsc` share."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import click

from sim.control import ControlError, Verb, no_words, one_word
from sim.devices.deck import DeckError
from sim.devices.tag import Tag
from sim.devices.tag_deck import read_tags

EVERY_S = 4.0  # an unhurried queue
HOLD_S = 2.0  # as people hold a tag until the tone
_SECONDS = click.FloatRange(min=0, min_open=True)


class TagReader(Protocol):
    """A simulated reader somebody can lay a tag on."""

    def present(self, tag: Tag) -> None:
        """Lay `tag` on the reader, in place of what was there."""

    def remove(self) -> None:
        """Take the tag away."""


@dataclass(frozen=True, slots=True)
class TagHand:
    """Tags, and how fast they come; `is_idle` leaves it all to the control socket."""

    tags: Sequence[Tag]
    every_s: float
    hold_s: float
    repeats: bool
    is_idle: bool

    async def deal(self, reader: TagReader) -> None:
        """Lay each tag on the reader for a while, until the deck ends."""
        for number, tag in enumerate(cycle(self.tags) if self.repeats else self.tags, start=1):
            click.echo(f"tag {number}")
            reader.present(tag)
            await asyncio.sleep(self.hold_s)
            reader.remove()
            await asyncio.sleep(self.every_s - self.hold_s)

    def verbs(self, reader: TagReader) -> Mapping[str, Verb]:
        """What the control socket can have done."""

        def present(number: str) -> None:
            if not number.isdigit() or not 1 <= int(number) <= len(self.tags):
                raise ControlError(f"the deck has tags 1 to {len(self.tags)}")
            reader.present(self.tags[int(number) - 1])

        return {"present": one_word(present), "remove": no_words(reader.remove)}


def hand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a click command the options of the hand; it receives them as `hand`."""

    @click.option(
        "--deck",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        required=True,
        help="CSV file of tags; the columns are in sim/README.md.",
    )
    @click.option(
        "--every", type=_SECONDS, default=EVERY_S, show_default=True, help="Seconds a tag."
    )
    @click.option(
        "--hold", type=_SECONDS, default=HOLD_S, show_default=True, help="Of them, on it."
    )
    @click.option("--repeat", is_flag=True, help="Start the deck again at its end.")
    @click.option("--by-hand", is_flag=True, help="Lay no tag on it: the control socket does.")
    @wraps(command)
    def with_options(
        *,
        deck: Path,
        every: float,
        hold: float,
        repeat: bool,
        by_hand: bool,
        **others: Any,  # the command's own options
    ) -> None:
        if hold > every:
            raise click.UsageError("--hold cannot be longer than --every")
        try:
            tags = read_tags(deck)
        except DeckError as error:
            raise click.ClickException(str(error)) from error
        command(hand=TagHand(tags, every, hold, repeat, by_hand), **others)

    return with_options
