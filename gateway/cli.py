"""`muster gateway`: runs the county's gateway, takes rosters in, checks ledger and quarantine."""

import asyncio
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from drivers.errors import DriverConfigError
from gateway.roster_csv import RosterFile, read_roster
from gateway.settings import GatewaySettings, load_identity
from gateway.store.base import StoreError
from gateway.store.bulletins import BulletinStore
from gateway.store.rosters import RosterStore
from gateway.store.sqlite import DATABASE, SqliteLedger
from protocol.bulletin import MAX_NOTICE_CHARS, Notice
from protocol.errors import ProtocolError
from runtime.clock import SystemClock, TimeFloor
from runtime.config import ConfigError, load_config
from runtime.database import DatabaseError
from runtime.log import set_up_logging
from runtime.service import leaves
from runtime.table import TableError
from runtime.web.errors import CannotListen

CONFIG = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def gateway() -> None:
    """The county station."""


@gateway.command()
@click.option("--config", type=CONFIG, required=True, help="gateway.toml of this county.")
def run(config: Path) -> None:
    """Run the gateway until it is told to stop."""
    from gateway.app import Gateway  # noqa: PLC0415  # `--help` must not load the web stack

    set_up_logging()

    async def serve() -> None:
        await Gateway(config).run()

    problems: list[Exception] = []
    try:
        asyncio.run(serve())
    except* (ConfigError, DriverConfigError, DatabaseError, ProtocolError, CannotListen) as group:
        problems = list(leaves(group))
    for error in problems:
        click.echo(f"muster gateway: {error}", err=True)
    if problems:  # not above: Python 3.11.2 makes a group of all that leaves an `except*`
        sys.exit(1)


@gateway.command("import-roster")
@click.option("--config", type=CONFIG, required=True, help="gateway.toml of this county.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_roster(config: Path, file: Path) -> None:
    """Make FILE (CSV) the newest roster; a running gateway sends it out within a second.

    Rows that cannot be used are named by their line and left out; the others are imported.
    """
    try:
        version, result = take_roster(config, file.read_bytes())
    except (ConfigError, DatabaseError, ProtocolError, StoreError, TableError) as error:
        raise click.ClickException(f"{file}: {error}") from error
    for bad in result.bad:
        click.echo(f"{file}: line {bad.line}: {bad.problem}", err=True)
    click.echo(f"roster v{version}: {len(result.rows)} people, {len(result.bad)} rows left out")


@gateway.command()
@click.option("--config", type=CONFIG, required=True, help="gateway.toml of this county.")
@click.argument("text")
def notice(config: Path, text: str) -> None:
    """Say TEXT to every terminal; a running gateway sends it out within a second.

    Terminals show the latest one. It goes by radio too, so keep it short.
    """
    if not 1 <= len(text) <= MAX_NOTICE_CHARS:
        raise click.ClickException(f"a notice has 1 to {MAX_NOTICE_CHARS} characters")
    store, now_ms = _open_bulletins(config)
    with contextlib.closing(store):
        try:
            store.add_notice(Notice(now_ms, text))
        except StoreError as error:
            raise click.ClickException(str(error)) from error
    click.echo("the notice goes out")


@gateway.command("end-activation")
@click.option("--config", type=CONFIG, required=True, help="gateway.toml of this county.")
def end_activation(config: Path) -> None:
    """End the running activation and tell every terminal; who still comes is recorded all the same.

    Another `[activation]` in gateway.toml begins the next one.
    """
    store, now_ms = _open_bulletins(config)
    with contextlib.closing(store):
        try:
            number = store.end_activation(now_ms)
        except StoreError as error:
            raise click.ClickException(str(error)) from error
    if number is None:
        raise click.ClickException("no activation is running")
    click.echo(f"activation {number} is ended")


@gateway.command()
@click.option("--config", type=CONFIG, required=True, help="gateway.toml of this county.")
def verify(config: Path) -> None:
    """Recompute the ledger's hash chain; names what does not hold."""
    ledger = _open_ledger(config)
    problems = list(ledger.verify_chain())
    ledger.close()
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)
    click.echo("the ledger is unbroken")


@gateway.command()
@click.option("--config", type=CONFIG, required=True, help="gateway.toml of this county.")
def quarantine(config: Path) -> None:
    """List the messages that could not be admitted, newest first.

    Each with the time it came first (UTC), the terminal, the reason, and how often it came.
    """
    ledger = _open_ledger(config)
    try:
        rows = ledger.quarantine(ledger.quarantine_count())
    finally:
        ledger.close()
    for row in rows:
        at = datetime.fromtimestamp(row.received_ms / 1000, UTC)
        click.echo(f"{at:%Y-%m-%d %H:%M:%S}  {row.node}  {row.reason.name}  {row.times}")
    if not rows:
        click.echo("nothing is in quarantine")


def _open_bulletins(config: Path) -> tuple[BulletinStore, int]:
    """What the county says to everybody, and the time."""
    try:
        folder = config.parent / load_config(config, GatewaySettings).data
        folder.mkdir(parents=True, exist_ok=True)
        store = BulletinStore(folder / DATABASE)
    except (ConfigError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error
    return store, SystemClock(TimeFloor(folder / "time-floor")).read().wall_ms


def _open_ledger(config: Path) -> SqliteLedger:
    try:
        settings = load_config(config, GatewaySettings)
        path = config.parent / settings.data / DATABASE
        # Opening it would make an empty one, and that tells nothing.
        ledger = SqliteLedger(path) if path.exists() else None
    except (ConfigError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error
    if ledger is None:
        raise click.ClickException(f"{path}: there is no ledger")
    return ledger


def take_roster(config: Path, data: bytes) -> tuple[int, RosterFile]:
    """Store a roster file as the newest version. Raises what `import-roster` reports."""
    settings = load_config(config, GatewaySettings)
    identity = load_identity(config, settings)
    result = read_roster(data, identity.county_key, {point.name for point in settings.points})
    folder = config.parent / settings.data
    folder.mkdir(parents=True, exist_ok=True)
    now_ms = SystemClock(TimeFloor(folder / "time-floor")).read().wall_ms
    store = RosterStore(folder / DATABASE)
    try:
        return store.add(result.rows, now_ms), result
    finally:
        store.close()
