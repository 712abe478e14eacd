"""`sim pcsc`: tags on a virtual reader of a running pcscd, and a hand that lays them there."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import click

from sim.control import ControlSocket, no_words
from sim.dealing import Dealing, deal, deal_options, deck_at, hand_verbs
from sim.devices.tag import Tag
from sim.devices.tag_deck import read_tags
from sim.devices.vpcd import PORT, NoVpcd, SimVpcdCard
from sim.foreground import run_until_stopped


@click.command()
@deal_options
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=PORT,
    show_default=True,
    help="Where vpcd listens; its second slot is at the next port.",
)
@click.option(
    "--control", type=click.Path(path_type=Path), help="Socket to create for `muster sim tell`."
)
def pcsc(*, dealing: Dealing, port: int, control: Path | None) -> None:
    """Simulate tags on a PC/SC reader.

    The reader is vpcd's, a driver of pcscd (Debian: vsmartcard-vpcd); any PC/SC program sees it.
    The deck is a CSV file of tags. Each lies on the reader for --hold seconds, one every --every
    seconds. Ends with the deck, or on Ctrl-C.
    """
    if dealing.deck is None:
        raise click.UsageError("give --deck")
    deck = deck_at(dealing.deck, read_tags)
    try:
        ended = run_until_stopped(_run(SimVpcdCard(port), dealing, deck, port, control))
    except NoVpcd as error:
        raise click.ClickException(
            f"{error}: install vsmartcard-vpcd, and start pcscd by using it once (pcsc_scan)"
        ) from error
    except OSError as error:
        raise click.ClickException(f"cannot make the control socket: {error}") from error
    click.echo("end of the deck" if ended else "stopped")


async def _run(
    card: SimVpcdCard, dealing: Dealing, deck: Sequence[Tag], port: int, control: Path | None
) -> None:
    async with AsyncExitStack() as stack:
        await card.check()
        if control is not None:
            plugs = {"plug": no_words(card.plug), "unplug": no_words(card.unplug)}
            verbs = {**plugs, **hand_verbs(card, deck)}
            await stack.enter_async_context(ControlSocket(control, verbs))
        click.echo(f"tags on vpcd at port {port}")
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(card.run())
            if not dealing.by_hand:
                await deal(dealing, card, deck)
                running.cancel()
