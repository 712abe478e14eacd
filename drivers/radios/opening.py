"""From the settings of a radio to its driver, pins and all: nobody else puts these together."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs

from drivers.errors import DriverConfigError
from drivers.panel.pins import open_pins
from drivers.port import Closable
from drivers.radios.base import Radio
from drivers.radios.e22_frames import E22, E220, Dialect
from drivers.radios.e22_packets import LENGTH_BYTES
from drivers.radios.e22_pins import GpioModePins, ModePins
from drivers.radios.e22_settings import ASSUMED_LORA, ModemSettings
from drivers.radios.e32_frames import E32
from drivers.radios.law import Band, Emission, band_of
from drivers.radios.measured_table import load_table
from drivers.radios.site import EBYTE_KINDS, RadioSettings
from drivers.registry import RADIOS, choose, load

AIR_BPS, MODULE_DBM = 2400, 22  # as these modems are delivered
_CANNOT_LISTEN = "e32"
_DIALECTS: Mapping[str, Dialect] = MappingProxyType({"e22": E22, "e220": E220, "e32": E32})

OnReady = Callable[[str], None]


@asynccontextmanager
async def open_radio(
    settings: RadioSettings, port: Closable, *, folder: Path, on_ready: OnReady = lambda _: None
) -> AsyncIterator[Radio]:
    """The driver on an open port (that `open` of its registry entry opened), with its pins.

    `folder` is where the settings' file lies. A modem that can listen before it talks does. Raises
    `DriverConfigError` for what the modem cannot be set to, and what `open_pins` raises.
    """
    make = load(choose(RADIOS, settings.kind).make)
    async with _mode_pins(settings.pins) as pins:
        yield make(port, settings=modem_settings(settings, folder), pins=pins, on_ready=on_ready)


def check_law(settings: RadioSettings, folder: Path) -> Band:
    """The rules this radio is under. Raises `DriverConfigError`, naming the one it would break."""
    modem = modem_settings(settings, folder)
    _, bandwidth_hz = ASSUMED_LORA[modem.air_bps]
    return band_of(
        settings.region,
        Emission(
            frequency_hz=settings.frequency_hz,
            bandwidth_hz=bandwidth_hz,
            erp_dbm=settings.erp_dbm,
            can_listen=modem.listens_first,
            max_frame_bytes=_DIALECTS[settings.kind].packet_bytes - LENGTH_BYTES,
            airtime_s=modem.airtime_s,
        ),
    )


def modem_settings(settings: RadioSettings, folder: Path) -> ModemSettings:
    """What an EByte modem is set to. Raises `DriverConfigError` for a table that is none."""
    if settings.kind not in EBYTE_KINDS:
        raise DriverConfigError(f"{settings.kind!r} is no EByte modem")
    air_bps = settings.air_bps or AIR_BPS
    measured = None
    if settings.measured is not None:
        measured = load_table(folder / settings.measured, settings.kind, air_bps).airtime
    return ModemSettings(
        frequency_hz=settings.frequency_hz,
        air_bps=air_bps,
        power_dbm=settings.power_dbm,
        module_dbm=settings.module_dbm or MODULE_DBM,
        listens_first=settings.kind != _CANNOT_LISTEN,
        aux_covers_air=measured is not None,
        measured=measured,
    )


@asynccontextmanager
async def _mode_pins(url: str | None) -> AsyncIterator[ModePins | None]:
    """The pins `RadioSettings.pins` names, freed at the end."""
    if url is None:
        yield None
        return
    where, _, query = url.partition("?")
    numbers = {name: int(value) for name, (value,) in parse_qs(query).items()}
    header = await open_pins(where)
    try:
        yield GpioModePins(header, m0=numbers["m0"], m1=numbers["m1"], aux=numbers.get("aux"))
    finally:
        await header.close()
