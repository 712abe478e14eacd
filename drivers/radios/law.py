"""What the law of the air allows a modem of ours: how strong, how long, how often, after what.

Pure. Written from hw/lora-phy.md 5; who may use a band at all no table says, and in China the rules
of 470 to 510 MHz name metering only: whoever deploys clears that. Powers are e.r.p.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from drivers.errors import DriverConfigError
from drivers.radios.site import RegionName

HOUR_S = 3600.0
LEAST_FRAME_BYTES = 36
"""Below it there is no use in a radio: a schedule with one turn has as many (wire format 13)."""
_NARROW, _MIDDLE, _WIDE = 125_000, 250_000, 500_000


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `airtime_s` on the air in any `window_s`."""

    airtime_s: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of a region's spectrum and what holds there; None: no such rule.

    A signal must lie in it with its whole bandwidth, and that be one of `bandwidths_hz`.
    """

    region: RegionName
    low_hz: int
    high_hz: int
    erp_dbm: float
    bandwidths_hz: tuple[int, ...] = (_NARROW, _MIDDLE, _WIDE)
    longest_s: float | None = None
    budget: Budget | None = None
    must_listen: bool = False

    def __str__(self) -> str:
        return f"{self.region} {self.low_hz / 1e6:g}-{self.high_hz / 1e6:g} MHz"

    @property
    def longest_frame_s(self) -> float:
        """The most airtime one frame may take."""
        limits = (self.longest_s, self.budget.airtime_s if self.budget else None)
        return min((limit for limit in limits if limit is not None), default=math.inf)

    def holds(self, frequency_hz: int, bandwidth_hz: int) -> bool:
        """Whether a signal around this frequency falls under these rules."""
        return (
            bandwidth_hz in self.bandwidths_hz
            and self.low_hz <= frequency_hz - bandwidth_hz // 2
            and frequency_hz + bandwidth_hz // 2 <= self.high_hz
        )


@dataclass(frozen=True, slots=True)
class Emission:
    """What a modem would send, as far as the law asks.

    `airtime_s` is that of a frame by its bytes, of which there are at most `max_frame_bytes`.
    """

    frequency_hz: int
    bandwidth_hz: int
    erp_dbm: float
    can_listen: bool
    max_frame_bytes: int
    airtime_s: Callable[[int], float]


class Sender(Protocol):
    """What `longest_frame_bytes` asks of a radio."""

    @property
    def max_frame_bytes(self) -> int:
        """The longest frame that travels as one packet."""

    def airtime_s(self, frame_bytes: int) -> float:
        """How long one is on the air; rises with its bytes."""


def _china(bandwidth_hz: int, most_mw: float) -> Band:
    return Band(
        region="CN470",
        low_hz=470_000_000,
        high_hz=510_000_000,
        erp_dbm=round(10 * math.log10(most_mw), 1),
        bandwidths_hz=(bandwidth_hz,),
        longest_s=1.0,
        must_listen=True,
    )


def _europe(low_mhz: float, high_mhz: float, duty: float, erp_dbm: float = 14.0) -> Band:
    return Band(
        region="EU868",
        low_hz=round(low_mhz * 1e6),
        high_hz=round(high_mhz * 1e6),
        erp_dbm=erp_dbm,
        budget=Budget(duty * HOUR_S, HOUR_S),
    )


def _america(bandwidth_hz: int, erp_dbm: float, budget: Budget | None) -> Band:
    return Band(
        region="US915",
        low_hz=902_000_000,
        high_hz=928_000_000,
        erp_dbm=erp_dbm,
        bandwidths_hz=(bandwidth_hz,),
        budget=budget,
    )


BANDS: Mapping[RegionName, tuple[Band, ...]] = MappingProxyType(
    {
        # 50 mW up to 200 kHz; wider, up to 500 kHz, 10 mW in each 100 kHz
        "CN470": (_china(_NARROW, 50), _china(_MIDDLE, 25), _china(_WIDE, 50)),
        "EU868": (
            _europe(863, 865, duty=0.001),
            _europe(865, 868, duty=0.01),
            _europe(868, 868.6, duty=0.01),
            _europe(868.7, 869.2, duty=0.001),
            _europe(869.4, 869.65, duty=0.1, erp_dbm=27.0),
            _europe(869.7, 870, duty=0.01),
        ),
        "EU433": (
            Band(
                region="EU433",
                low_hz=433_050_000,
                high_hz=434_790_000,
                erp_dbm=10.0,
                budget=Budget(0.1 * HOUR_S, HOUR_S),
            ),
        ),
        # A modem of ours stays on one channel, so what a channel may carry is what it may send.
        "US915": (
            _america(_NARROW, 30.0, Budget(0.4, 20.0)),
            _america(_MIDDLE, 24.0, Budget(0.4, 10.0)),
            _america(_WIDE, 30.0, None),
        ),
    }
)


def band_of(region: RegionName, emission: Emission) -> Band:
    """The rules such an emission is under. Raises `DriverConfigError`, naming the one it breaks."""
    band = _band_at(region, emission)
    if emission.erp_dbm > band.erp_dbm:
        raise DriverConfigError(
            f"{band}: at most {band.erp_dbm:g} dBm e.r.p.; "
            f"the modem with its antenna makes {emission.erp_dbm:g}"
        )
    if band.must_listen and not emission.can_listen:
        raise DriverConfigError(f"{band}: a modem must listen before it sends; this kind cannot")
    longest_bytes = longest_frame_bytes(emission, band)
    if longest_bytes < LEAST_FRAME_BYTES:
        least_s = emission.airtime_s(LEAST_FRAME_BYTES)
        raise DriverConfigError(
            f"{band}: one frame at most {band.longest_frame_s:g} s on the air; {LEAST_FRAME_BYTES} "
            f"bytes take {least_s:.2f} s at this rate: choose a faster one"
        )
    return band


def longest_frame_bytes(radio: Sender, band: Band) -> int:
    """The largest frame whose airtime fits the law; 0 if none does."""
    sizes = range(1, radio.max_frame_bytes + 1)
    limit_s = band.longest_frame_s
    return max((size for size in sizes if radio.airtime_s(size) <= limit_s), default=0)


def _band_at(region: RegionName, emission: Emission) -> Band:
    bands = BANDS[region]
    for band in bands:
        if band.holds(emission.frequency_hz, emission.bandwidth_hz):
            return band
    places = ", ".join(dict.fromkeys(str(band).partition(" ")[2] for band in bands))
    raise DriverConfigError(
        f"{region}: {emission.frequency_hz / 1e6:g} MHz, {emission.bandwidth_hz // 1000} kHz wide, "
        f"lies in no band; there are: {places}"
    )
