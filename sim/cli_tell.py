"""`sim tell`: a command to a running simulator."""

import asyncio
from pathlib import Path

import click

from sim.control import ControlError
from sim.control import tell as tell_simulator


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("control", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True)
def tell(control: Path, words: tuple[str, ...]) -> None:
    """Tell the simulator with the socket CONTROL what to do, such as `present 2` or `unplug`.

    A word it does not know makes it list those it does. Exit code 1 if it was not done.
    """
    try:
        answer = asyncio.run(tell_simulator(control, words))
    except TimeoutError as error:
        raise click.ClickException(f"the simulator at {control} does not answer") from error
    except OSError as error:
        raise click.ClickException(f"no simulator at {control}: {error}") from error
    except ControlError as error:
        raise click.ClickException(str(error)) from error
    click.echo(answer)
    if not answer.startswith("ok"):
        raise SystemExit(1)
