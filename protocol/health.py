"""Heartbeats: how a terminal fares, signed, sent often, never stored in the outbox."""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

from protocol.fields import Count, Epoch, NameText, SeqOrNone, ShortText
from protocol.records import Stamp
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import SigningKey, VerifyKey

HEARTBEAT_INTERVAL_S = 5.0  # over IP; twice without a word is late, four times silent


class DeviceHealth(IntEnum):
    """State of one attached device."""

    NOT_FITTED = 0
    READY = 1
    MISSING = 2
    SILENT = 3
    FAULT = 4


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
    reader: DeviceHealth
    gnss: DeviceHealth
    disk_free_bytes: Count
    latitude_e6: LatitudeE6 | None = None
    longitude_e6: LongitudeE6 | None = None
    """Position in millionths of a degree, WGS-84; `None` without a usable fix."""


def pack_heartbeat(heartbeat: Heartbeat, key: SigningKey) -> bytes:
    """Sign a heartbeat."""
    return encode_signed(Label.HEARTBEAT, heartbeat, key)


def unpack_heartbeat(message: bytes, key: VerifyKey) -> Heartbeat:
    """Verify a heartbeat; raises `ProtocolError`."""
    return decode_signed(Label.HEARTBEAT, message, key, Heartbeat)
