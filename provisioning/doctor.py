"""`muster doctor`: what is wrong with this machine or node, and what to do about it."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from provisioning import checks_machine, checks_node
from provisioning.findings import Finding, Mark, render
from provisioning.layout import COUNTY_TOML, GATEWAY_TOML, TERMINAL_TOML, CountyFolder
from runtime.language import LANGS, Lang, language

GATEWAY_WEB_PORT = 8080
BROKER_PORT = 8883


def examine(
    folder: Path | None, now: datetime, *, devices: bool = False, board: str | None = None
) -> Iterator[Finding]:
    """Check this machine for what `folder` is: a county, a gateway, a terminal, or nothing yet.

    With `devices`, those of the node or of the profile `board` are opened, too.
    """
    yield from checks_machine.check_everywhere(folder or Path.cwd())
    if folder is None:
        yield checks_machine.check_mosquitto(needed=False)
        yield from checks_machine.check_ports((GATEWAY_WEB_PORT, BROKER_PORT))
        if board is None:
            yield checks_machine.check_serial_devices()
    elif (folder / TERMINAL_TOML).exists():
        yield from checks_node.check_terminal(folder, now, with_ports=not devices)
        if devices and board is None:
            from provisioning.checks_devices import check_terminal_devices  # noqa: PLC0415  # slow

            yield from check_terminal_devices(folder)
    elif (folder / GATEWAY_TOML).exists():
        yield from checks_node.check_gateway(folder, now)
        if devices and board is None:
            from provisioning.checks_radio import check_gateway_devices  # noqa: PLC0415  # slow

            yield from check_gateway_devices(folder)
    elif (folder / COUNTY_TOML).exists():
        yield checks_machine.check_mosquitto(needed=True)
        yield from checks_node.check_county(CountyFolder(folder), now)
    else:
        yield checks_node.nothing_here(folder)
    if board is not None:
        from provisioning.checks_devices import check_board_devices  # noqa: PLC0415  # slow

        yield from check_board_devices(board)


def _is_node(folder: Path | None) -> bool:
    names = (TERMINAL_TOML, GATEWAY_TOML)
    return folder is not None and any((folder / name).exists() for name in names)


def report(findings: Iterable[Finding], lang: Lang) -> bool:
    """Print findings as they come; whether nothing is wrong."""
    worst = Mark.GOOD
    for finding in findings:
        click.echo(render(finding, lang))
        worst = max(worst, finding.mark)
    return worst < Mark.BAD


@click.command()
@click.argument(
    "folder", metavar="[PATH]", required=False, type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--devices", is_flag=True, help="Open each device for a few seconds, too.")
@click.option("--board", metavar="NAME", help="With --devices: those of the profile hw/NAME.toml.")
@click.option("--lang", type=click.Choice(LANGS), help="Default: by LANG.")
def doctor(folder: Path | None, *, devices: bool, board: str | None, lang: Lang | None) -> None:
    """Check this machine, and the terminal, gateway or county in PATH. Exit code 1: see the ✖."""
    if devices and board is None and not _is_node(folder):
        raise click.UsageError("--devices needs the PATH of a terminal or gateway, or --board")
    if board is not None and not devices:
        raise click.UsageError("--board means nothing without --devices")
    findings = examine(folder, datetime.now(UTC), devices=devices, board=board)
    if not report(findings, lang or language(os.environ)):
        raise SystemExit(1)
