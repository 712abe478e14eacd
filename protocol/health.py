"""Heartbeats: how a terminal fares, signed, sent often, never stored in the outbox."""

from enum import IntEnum

from msgspec import Struct

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


class Heartbeat(Struct, frozen=True, array_like=True):
    """Health facts of one terminal at one moment. Nothing in it is about a person."""

    county: str
    node: str
    point: str
    at: Stamp
    uptime_s: int
    version: str
    epoch: int
    captured: int
    """Records ever made in this epoch: the last sequence number."""
    waiting: int
    """Records not yet receipted by the county."""
    oldest_waiting_s: int
    refused: int
    """Records the county could not open; kept in the terminal."""
    present: int
    """Distinct people checked in at this terminal."""
    roster_version: int
    reader: DeviceHealth
    gnss: DeviceHealth
    disk_free_bytes: int
    latitude_e6: int | None = None
    longitude_e6: int | None = None
    """Position in millionths of a degree, WGS-84; `None` without a usable fix."""


def pack_heartbeat(heartbeat: Heartbeat, key: SigningKey) -> bytes:
    """Sign a heartbeat."""
    return encode_signed(Label.HEARTBEAT, heartbeat, key)


def unpack_heartbeat(message: bytes, key: VerifyKey) -> Heartbeat:
    """Verify a heartbeat; raises `ProtocolError`."""
    return decode_signed(Label.HEARTBEAT, message, key, Heartbeat)
