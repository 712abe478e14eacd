"""From the settings of a radio to its driver, pins and all: nobody else puts these together."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from drivers.errors import DriverConfigError
from drivers.port import Closable
from drivers.radios.base import Radio
from drivers.radios.e22_frames import E22, E220, Dialect
from drivers.radios.e22_packets import LENGTH_BYTES
from drivers.radios.e22_settings import ASSUMED_LORA, ModemSettings
from drivers.radios.e32_frames import E32
from drivers.radios.law import Band, Emission, band_of
from drivers.radios.measured_table import load_table
from drivers.radios.meshtastic_messages import MAX_FRAME_BYTES as MESH_FRAME_BYTES
from drivers.radios.meshtastic_settings import PRESET, MeshSettings
from drivers.radios.rak3172_lines import MAX_FRAME_BYTES
from drivers.radios.rak3172_settings import BANDWIDTH_HZ, SPREADING_FACTOR, RakSettings
from drivers.radios.site import EBYTE_KINDS, LORA_KINDS, MESH_KINDS, RadioSettings
from drivers.registry import RADIOS, choose, load

if TYPE_CHECKING:
    from drivers.radios.e22_pins import ModePins

AIR_BPS, MODULE_DBM = 2400, 22  # as these modems are delivered
HZ_PER_KHZ = 1000
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
    async with mode_pins(settings.pins) as pins:
        yield make_radio(settings, port, pins, folder=folder, on_ready=on_ready)


def make_radio(
    settings: RadioSettings,
    port: Closable,
    pins: "ModePins | None",
    *,
    folder: Path,
    on_ready: OnReady = lambda _: None,
) -> Radio:
    """As `open_radio`, on pins that are open already."""
    make = load(choose(RADIOS, settings.kind).make)
    radio: Radio
    if settings.kind in LORA_KINDS:
        radio = make(port, settings=lora_settings(settings), on_ready=on_ready)
    elif settings.kind in MESH_KINDS:
        radio = make(port, settings=mesh_settings(settings), on_ready=on_ready)
    else:
        modem = modem_settings(settings, folder)
        radio = make(port, settings=modem, pins=pins, on_ready=on_ready)
    return radio


def check_law(settings: RadioSettings, folder: Path) -> Band:
    """The rules this radio is under.

    Raises `DriverConfigError`, naming the rule it would break, or what its modem cannot do.
    """
    band = band_of(settings.region, emission_of(settings, folder))
    if settings.kind in EBYTE_KINDS:
        dialect, by_software = _DIALECTS[settings.kind], settings.pins is None
        if by_software and not dialect.can_switch_by_software:
            raise DriverConfigError(f"{dialect.name}: its mode is switched by pins only; name them")
        dialect.registers(modem_settings(settings, folder), by_software=by_software)
    return band


def emission_of(settings: RadioSettings, folder: Path) -> Emission:
    """What the modem would send. Raises `DriverConfigError` for what it cannot be set to."""
    if settings.kind in LORA_KINDS:
        return _lora(settings)
    return _mesh(settings) if settings.kind in MESH_KINDS else _ebyte(settings, folder)


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


def lora_settings(settings: RadioSettings) -> RakSettings:
    """What a RAK3172 is set to. Raises `DriverConfigError` for what it has not."""
    bandwidth_khz = settings.bandwidth_khz
    return RakSettings(
        frequency_hz=settings.frequency_hz,
        spreading_factor=settings.spreading_factor or SPREADING_FACTOR,
        bandwidth_hz=BANDWIDTH_HZ if bandwidth_khz is None else bandwidth_khz * HZ_PER_KHZ,
        power_dbm=settings.power_dbm,
    )


def mesh_settings(settings: RadioSettings) -> MeshSettings:
    """How a Meshtastic node must have been set. Raises `DriverConfigError` for what none can be."""
    return MeshSettings(
        region=settings.region,
        frequency_hz=settings.frequency_hz,
        power_dbm=settings.power_dbm,
        preset=settings.preset or PRESET,
    )


def _ebyte(settings: RadioSettings, folder: Path) -> Emission:
    modem = modem_settings(settings, folder)
    _, bandwidth_hz = ASSUMED_LORA[modem.air_bps]
    return Emission(
        frequency_hz=settings.frequency_hz,
        bandwidth_hz=bandwidth_hz,
        erp_dbm=settings.erp_dbm,
        can_listen=modem.listens_first,
        max_frame_bytes=_DIALECTS[settings.kind].packet_bytes - LENGTH_BYTES,
        airtime_s=modem.airtime_s,
    )


def _lora(settings: RadioSettings) -> Emission:
    modem = lora_settings(settings)
    return Emission(
        frequency_hz=settings.frequency_hz,
        bandwidth_hz=modem.bandwidth_hz,
        erp_dbm=settings.erp_dbm,
        can_listen=modem.listens_first,
        max_frame_bytes=MAX_FRAME_BYTES,
        airtime_s=modem.airtime_s,
    )


def _mesh(settings: RadioSettings) -> Emission:
    node = mesh_settings(settings)
    return Emission(
        frequency_hz=settings.frequency_hz,
        bandwidth_hz=node.modem.bandwidth_hz,
        erp_dbm=settings.erp_dbm,
        can_listen=True,
        max_frame_bytes=MESH_FRAME_BYTES,
        airtime_s=node.airtime_s,
    )


@asynccontextmanager
async def mode_pins(url: str | None) -> AsyncIterator["ModePins | None"]:
    """The pins `RadioSettings.pins` names, freed at the end."""
    if url is None:
        yield None
        return
    from drivers.panel.pins import open_pins  # noqa: PLC0415  # slow, and the law needs no pins
    from drivers.radios.e22_pins import GpioModePins  # noqa: PLC0415

    where, _, query = url.partition("?")
    numbers = {name: int(value) for name, (value,) in parse_qs(query).items()}
    header = await open_pins(where)
    try:
        yield GpioModePins(header, m0=numbers["m0"], m1=numbers["m1"], aux=numbers.get("aux"))
    finally:
        await header.close()
