"""What every mask owes a recording, and which kinds of device have one.

A mask stands between a cable and a file: what a card holds, and what names a person or a device,
becomes a specimen before it is written. It keeps the number of bytes, so that the times and the
pieces of a recording stay true, and it fails closed: bytes it does not understand are made blank.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from drivers.errors import DriverConfigError
from drivers.registry import load


class Mask(Protocol):
    """One direction of one cable. Pure; for one recording, so that two cards stay two.

    Implementations must: return as many bytes as they were fed, in order, at the latest from
    `end`; hold back a bounded number; never raise, whatever they are fed.
    """

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they come; return those that are decided, masked."""

    def end(self) -> bytes:
        """The line fell quiet: what was begun will not go on. Returns all that was held back."""


@dataclass(frozen=True, slots=True)
class Masks:
    """Both directions of one cable."""

    host: Mask
    device: Mask


class Unchanged:
    """A `Mask` for what holds nothing about anybody."""

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        return data

    def end(self) -> bytes:
        """See `Mask.end`."""
        return b""


class Numbers:
    """Gives the same content the same number, from 1."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}

    def of(self, content: bytes) -> int:
        """The number of this content; only a hash of it is kept."""
        return self._seen.setdefault(hashlib.sha256(content).digest(), len(self._seen) + 1)


def unmasked() -> Masks:
    """Both directions as they are: a satellite receiver tells where it is, not who is there."""
    return Masks(Unchanged(), Unchanged())


def sealed() -> Masks:
    """Both directions as they are: what a radio modem carries is sealed, and on the air already.

    Its settings are in the recording; the modem's key among them keeps nothing secret.
    """
    return Masks(Unchanged(), Unchanged())


MASKS: Mapping[str, str] = MappingProxyType(
    {
        "e22": "drivers.masks.base:sealed",
        "e220": "drivers.masks.base:sealed",
        "e32": "drivers.masks.base:sealed",
        "meshtastic": "drivers.masks.base:sealed",
        "rak3172": "drivers.masks.base:sealed",
        "gpsd": "drivers.masks.base:unmasked",
        "mrz": "drivers.masks.mrz:mrz_masks",
        "mrz_wedge": "drivers.masks.keys:mrz_key_masks",
        "nmea": "drivers.masks.base:unmasked",
        "pn532": "drivers.masks.pn532:pn532_masks",
        "scanner": "drivers.masks.text:text_masks",
        "sdt": "drivers.masks.sdt:sdt_masks",
        "wedge": "drivers.masks.keys:key_masks",
    }
)
"""Kind of driver -> `module:function` that makes its `Masks`."""


def masks_of(kind: str) -> Masks:
    """New masks for one recording of this kind of device.

    Raises `DriverConfigError` for a kind that has none: what cannot be masked is not recorded.
    """
    if kind not in MASKS:
        raise DriverConfigError(f"{kind!r} cannot be recorded: nothing masks what its cards hold")
    make: Callable[[], Masks] = load(MASKS[kind])
    return make()
