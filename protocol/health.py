"""Heartbeats: how a terminal fares, signed, sent often, never stored in the outbox."""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

from protocol.fields import Count, Epoch, NameText, SeqOrNone, ShortText
from protocol.records import Stamp
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import SigningKey, VerifyKey

MAX_DEVICES = 16  # twice what the ports of a terminal hold
HEARTBEAT_INTERVAL_S = 5.0  # over IP; twice without a word is late, four times silent


class DeviceHealth(IntEnum):
    """State of one attached device."""

    NOT_FITTED = 0
    READY = 1
    MISSING = 2
    SILENT = 3
    FAULT = 4


class DeviceRole(IntEnum):
    """What a device is there for."""

    READER = 1
    GNSS = 2
    PANEL = 3
    DISPLAY = 4
    GAUGE = 5
    RADIO = 6


class DeviceReport(Struct, frozen=True, array_like=True):
    """One attached device and how it does."""

    role: DeviceRole
    kind: ShortText
    """Its driver's name, such as `sdt`."""
    health: DeviceHealth


class PositionTrust(IntEnum):
    """How far the position is to be believed."""

    UNKNOWN = 0
    """No receiver, or no fix yet."""
    GOOD = 1
    STALE = 2
    SUSPECT = 3
    """What the receiver says contradicts physics, or itself: jammed, spoofed or replayed."""


Percent = Annotated[int, Meta(ge=0, le=100)]
Celsius = Annotated[int, Meta(ge=-128, le=255)]


class PowerReport(Struct, frozen=True, array_like=True):
    """What the terminal lives on. None: nobody can tell."""

    on_mains: bool | None
    charge_percent: Percent | None
    under_voltage: bool | None
    temperature_c: Celsius | None
    """Of the processor."""


LatitudeE6 = Annotated[int, Meta(ge=-90_000_000, le=90_000_000)]
LongitudeE6 = Annotated[int, Meta(ge=-180_000_000, le=180_000_000)]


class Heartbeat(Struct, frozen=True, array_like=True):
    """Health facts of one terminal at one moment. Nothing in it is about a person."""

    county: NameText
    node: NameText
    point: NameText
    at: Stamp
    uptime_s: Count
    version: ShortText
    epoch: Epoch
    captured: SeqOrNone
    """Records ever made in this epoch: the last sequence number."""
    waiting: Count
    """Records not yet receipted by the county."""
    oldest_waiting_s: Count
    refused: Count
    """Records the county could not open; kept in the terminal."""
    present: Count
    """Distinct people checked in at this terminal."""
    roster_version: Count
    devices: Annotated[tuple[DeviceReport, ...], Meta(max_length=MAX_DEVICES)]
    disk_free_bytes: Count
    latitude_e6: LatitudeE6 | None = None
    longitude_e6: LongitudeE6 | None = None
    """Position in millionths of a degree, WGS-84; `None` without a usable fix."""
    position_trust: PositionTrust = PositionTrust.UNKNOWN
    power: PowerReport | None = None
    enclosure_is_open: bool | None = None
    """By the tamper loop; `None` if there is none."""


def pack_heartbeat(heartbeat: Heartbeat, key: SigningKey) -> bytes:
    """Sign a heartbeat."""
    return encode_signed(Label.HEARTBEAT, heartbeat, key)


def unpack_heartbeat(message: bytes, key: VerifyKey) -> Heartbeat:
    """Verify a heartbeat; raises `ProtocolError`."""
    return decode_signed(Label.HEARTBEAT, message, key, Heartbeat)
