"""`muster terminal`: runs a township's terminal."""

import asyncio
import sys
from pathlib import Path

import click

from drivers.errors import DriverConfigError
from protocol.errors import ProtocolError
from runtime.config import ConfigError
from runtime.database import DatabaseError
from runtime.log import set_up_logging
from runtime.service import leaves
from runtime.web.errors import CannotListen

CONFIG = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def terminal() -> None:
    """The township station."""


@terminal.command()
@click.option("--config", type=CONFIG, required=True, help="terminal.toml of this terminal.")
def run(config: Path) -> None:
    """Run the terminal until it is told to stop."""
    from terminal.app import Terminal  # noqa: PLC0415  # `--help` must not load a station

    set_up_logging()

    async def serve() -> None:
        await Terminal(config).run()

    problems: list[Exception] = []
    try:
        asyncio.run(serve())
    except* (ConfigError, DriverConfigError, DatabaseError, ProtocolError, CannotListen) as group:
        problems = list(leaves(group))
    for error in problems:
        click.echo(f"muster terminal: {error}", err=True)
    if problems:  # not above: Python 3.11.2 makes a group of all that leaves an `except*`
        sys.exit(1)
