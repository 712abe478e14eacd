"""`muster courier`: records up and receipts down by hand, when neither network nor radio is there.

Which end it is at, it sees from the configuration: `terminal.toml` or `gateway.toml`.
"""

import asyncio
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from courier.words import Teller
from drivers.errors import DriverConfigError
from protocol.errors import ProtocolError
from runtime.config import ConfigError, read_needed
from runtime.database import DatabaseError
from runtime.language import LANGS, Lang, language

if TYPE_CHECKING:
    from courier.stick import Carried
    from gateway.courier import CountyEnd
    from protocol.courier import Direction
    from terminal.courier import TerminalEnd

CONFIG = click.Path(path_type=Path, exists=True, dir_okay=False)
STICK = click.Path(path_type=Path, file_okay=False)
CODES = "QR"  # where the name of a file would be

_config = click.option(
    "--config", type=CONFIG, required=True, help="terminal.toml or gateway.toml of this machine."
)
_stick = click.argument("stick", type=STICK, required=False)
_lang = click.option("--lang", type=click.Choice(LANGS), help="Default: by LANG.")


@click.group()
def courier() -> None:
    """Carry records to the county and receipts back, on a USB stick or in QR codes."""


@courier.command("export")
@_config
@_stick
@click.option("--qr", "as_codes", is_flag=True, help="As QR codes in this window, for a few.")
@click.option(
    "--print",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The codes as an HTML page to print.",
)
@click.option("--node", help="At the county: for this terminal only.")
@_lang
def export_(
    *,
    config: Path,
    stick: Path | None,
    as_codes: bool,
    page: Path | None,
    node: str | None,
    lang: Lang | None,
) -> None:
    """Put onto STICK, the folder where a USB stick is mounted.

    On a terminal: every record that waits, sealed for the county. At the county: receipts,
    roster and activation for the terminals. Nothing is taken away from where it is.
    """
    as_codes = as_codes or page is not None
    _check_way(stick, as_codes=as_codes)
    with _told(lang) as teller:
        if _is_terminal(config):
            if node is not None:
                raise click.UsageError("--node is for the county's end")
            _export_terminal(config, stick, page, teller)
        else:
            _export_county(config, stick, node, page, teller)


@courier.command("import")
@_config
@_stick
@click.option("--qr", "from_codes", is_flag=True, help="From QR codes: lines of standard input.")
@click.option("--port", help="The codes come from a scanner on this port, such as serial:///...")
@_lang
def import_(
    *, config: Path, stick: Path | None, from_codes: bool, port: str | None, lang: Lang | None
) -> None:
    """Take from STICK, the folder where a USB stick is mounted.

    At the county: what terminals sent goes to the running gateway, and the answers onto the
    stick. On a terminal: receipts, roster and activation go to the running terminal.
    """
    _check_way(stick, as_codes=from_codes or port is not None)
    with _told(lang) as teller:
        if _is_terminal(config):
            _import_terminal(config, stick, port, teller)
        else:
            _import_county(config, stick, port, teller)


def _export_terminal(config: Path, stick: Path | None, page: Path | None, teller: Teller) -> None:
    from courier import at_terminal  # noqa: PLC0415  # needs no gateway, and the gateway no station

    end = _terminal_end(config)
    if stick is None:
        at_terminal.export_as_codes(end, page, teller)
    else:
        at_terminal.export_to_stick(end, stick, teller)


def _export_county(
    config: Path, stick: Path | None, node: str | None, page: Path | None, teller: Teller
) -> None:
    from courier import at_county  # noqa: PLC0415  # see above

    end = _county_end(config)
    if stick is None:
        at_county.export_as_codes(end, node, page, teller)
    else:
        at_county.export_to_stick(end, stick, node, teller)


def _import_terminal(config: Path, stick: Path | None, port: str | None, teller: Teller) -> None:
    from courier import at_terminal  # noqa: PLC0415  # see above
    from protocol.courier import Direction  # noqa: PLC0415  # with it

    end = _terminal_end(config)
    if stick is not None:
        at_terminal.import_from_stick(end, stick, teller)
        return
    scanned = _scanned(port, Direction.DOWN, end.county, teller)
    if scanned is not None and scanned.file.head.node != end.node:
        teller.say("terminal.nothing", node=end.node)
    elif scanned is not None:
        at_terminal.take(end, [scanned], teller)


def _import_county(config: Path, stick: Path | None, port: str | None, teller: Teller) -> None:
    from courier import at_county  # noqa: PLC0415  # see above
    from protocol.courier import Direction  # noqa: PLC0415  # with it

    end = _county_end(config)
    if stick is not None:
        at_county.import_from_stick(end, stick, teller)
        return
    scanned = _scanned(port, Direction.UP, end.county, teller)
    if scanned is not None:
        at_county.import_codes(end, scanned, teller)


def _scanned(
    port: str | None, direction: "Direction", county: str, teller: Teller
) -> "Carried | None":
    from courier.scanning import from_lines, from_scanner  # noqa: PLC0415  # drivers, for codes only
    from courier.stick import Carried, understood  # noqa: PLC0415  # with it

    teller.say("code.waiting")
    try:
        if port is None:
            data = from_lines(sys.stdin, teller)
        else:
            data = asyncio.run(from_scanner(port, teller))
    except KeyboardInterrupt:  # how whoever scans gives up
        data = None
    if data is None:
        teller.warn("code.incomplete")
        return None
    file = understood(CODES, data, direction, county, teller)
    return None if file is None else Carried(CODES, file, None)


def _terminal_end(config: Path) -> "TerminalEnd":
    from terminal.courier import TerminalEnd  # noqa: PLC0415  # see above

    return TerminalEnd(config)


def _county_end(config: Path) -> "CountyEnd":
    from gateway.courier import CountyEnd  # noqa: PLC0415  # see above

    return CountyEnd(config)


def _is_terminal(config: Path) -> bool:
    """Which end this is: only a terminal stands at one point."""
    try:
        return "point" in tomllib.loads(read_needed(config).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config}: not valid TOML: {error}") from error


def _check_way(stick: Path | None, *, as_codes: bool) -> None:
    if (stick is not None) is as_codes:
        raise click.UsageError("either STICK, the folder of a USB stick, or codes")


@contextmanager
def _told(lang: Lang | None) -> Iterator[Teller]:
    """Everything that can go wrong as one line, and exit code 1 when anything did."""
    teller = Teller(lang or language(os.environ))
    try:
        yield teller
    except (ConfigError, DatabaseError, DriverConfigError, ProtocolError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    if not teller.is_well:
        sys.exit(1)
