"""`muster radio`: measure how long a node's modem is on the air."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from drivers.errors import DriverConfigError, DriverError
from drivers.radios.airtime import MeasuredAirtime
from drivers.radios.calibrate import Calibration, Measured, calibrate
from drivers.radios.law import longest_frame_bytes
from drivers.radios.lawful import LawfulRadio
from drivers.radios.ledger import LEDGER_FILE, AirtimeLedger, open_ledger
from drivers.radios.measured_table import MeasuredTable, save_table
from drivers.radios.opening import AIR_BPS, check_law, emission_of
from drivers.radios.site import EBYTE_KINDS, RadioSettings
from provisioning.one_line import one_line_errors
from provisioning.radio_at_work import radio_at_work
from runtime.clock import SystemClock, TimeFloor
from runtime.config import load_config
from runtime.database import DatabaseError

TIME_FLOOR = "time-floor"
USUAL_TABLE = Path("radio-measured.toml")


class _Node(Struct, frozen=True):
    """The part of `terminal.toml` or `gateway.toml` that matters here."""

    radio: RadioSettings | None = None
    data: Path = Path("data")


@click.group()
def radio() -> None:
    """A node's LoRa modem."""


@radio.command("calibrate")
@click.option(
    "--config",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="terminal.toml or gateway.toml; neither may run meanwhile.",
)
def calibrate_command(config: Path) -> None:
    """Measure how long an EByte modem is on the air, by AUX, and keep the table beside CONFIG.

    Sends frames that say nothing, as the law allows, and counts them. Needs AUX in radio.pins, and
    a quiet channel gives the best table. Exit code 1: nothing was kept.
    """
    with one_line_errors(), _driver_errors():
        node = load_config(config, _Node)
        settings = _measurable(node.radio)
        check_law(settings, config.parent)
        data = config.parent / node.data
        data.mkdir(exist_ok=True)
        ledger = open_ledger(data / LEDGER_FILE, SystemClock(TimeFloor(data / TIME_FLOOR)))
        try:
            found = asyncio.run(_calibrate(settings, config.parent, ledger))
        finally:
            ledger.close()
        if found.airtime is None:
            raise click.ClickException(
                "AUX rises before a frame can have left the air: it says nothing about airtime. "
                "Nothing was kept; airtimes stay computed, and rather too long"
            )
        named = node.radio.measured if node.radio is not None else None
        _keep(settings, named, config, found.airtime)


def _measurable(radio_settings: RadioSettings | None) -> RadioSettings:
    """The settings without an older table. Raises `DriverConfigError` for nothing to measure."""
    if radio_settings is None:
        raise DriverConfigError("there is no [radio] in this file")
    if radio_settings.kind not in EBYTE_KINDS:
        raise DriverConfigError(
            f"a {radio_settings.kind} is set to a spreading factor: its airtime needs no measuring"
        )
    return msgspec.structs.replace(radio_settings, measured=None)


async def _calibrate(settings: RadioSettings, folder: Path, ledger: AirtimeLedger) -> Calibration:
    band = check_law(settings, folder)
    async with radio_at_work(settings, folder) as at_work:
        click.echo(f"{at_work.said}; {band}")
        if at_work.pins is None:
            raise DriverConfigError("only AUX tells: wire it, and name it in radio.pins (aux=...)")
        lawful = LawfulRadio(at_work.radio, band, ledger)
        found = await calibrate(
            lawful,
            at_work.pins,
            air_bps=settings.air_bps or AIR_BPS,
            longest_s=band.longest_frame_s,
            free_at_s=lawful.free_at_s,
            on_measured=_tell,
        )
        spent = lawful.spent
    allowed = "" if spent.allowed_s is None else f" of {spent.allowed_s:g}"
    click.echo(f"on the air within {spent.window_s:g} s: {spent.used_s:.1f}{allowed} s, counted")
    return found


def _tell(measured: Measured) -> None:
    times = " ".join(f"{time_s:.3f}" for time_s in measured.times_s)
    click.echo(f"{measured.frame_bytes:4} bytes  {times} s")


def _keep(
    settings: RadioSettings, named: Path | None, config: Path, airtime: MeasuredAirtime
) -> None:
    table = MeasuredTable(settings.kind, settings.air_bps or AIR_BPS, airtime.points)
    path = config.parent / (named or USUAL_TABLE)
    save_table(path, table, f"muster radio calibrate, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    click.echo(f"kept in {path}")
    if named is None:
        click.echo(f'write into [radio] of {config}: measured = "{USUAL_TABLE}"')
    measured = msgspec.structs.replace(settings, measured=path)
    band, emission = check_law(measured, Path()), emission_of(measured, Path())
    allowed, possible = longest_frame_bytes(emission, band), emission.max_frame_bytes
    click.echo(
        f"{band}: the law allows the longest frame, {possible} bytes"
        if allowed == possible
        else f"{band}: the law allows frames of up to {allowed} of {possible} bytes"
    )


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except (DriverError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error
