"""How long a frame is on the air. Pure: a formula, or a measured table in its place."""

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil

PREAMBLE_SYMBOLS = 8
CODING_RATE = 1  # 4/5, unless said otherwise
_SYNC_SYMBOLS = 4.25
_SHORT_SYNC_SYMBOLS = 6.25
_LONG_SYMBOL_S = 0.016  # from here on the low data rate optimisation is on
_SHORT_FACTORS = 6  # spreading factors 5 and 6 have a longer preamble and another first block
_SHORT_PREAMBLE_SYMBOLS = 12


def lora_airtime_s(
    payload_bytes: int,
    spreading_factor: int,
    bandwidth_hz: int,
    *,
    coding_rate: int = CODING_RATE,
    preamble_symbols: int = PREAMBLE_SYMBOLS,
) -> float:
    """Time on air of a LoRa packet with header and CRC (SX126x data sheet 6.1.4).

    `coding_rate` n is 4/(4+n).
    """
    symbol_s = 2.0**spreading_factor / bandwidth_hz
    is_short = spreading_factor <= _SHORT_FACTORS
    preamble = max(preamble_symbols, _SHORT_PREAMBLE_SYMBOLS if is_short else 0)
    sync = _SHORT_SYNC_SYMBOLS if is_short else _SYNC_SYMBOLS
    bits = 8 * payload_bytes - 4 * spreading_factor + 16 + (20 if is_short else 28)
    bits_per_block = 4 * (spreading_factor - 2 * (symbol_s >= _LONG_SYMBOL_S))
    blocks = max(ceil(bits / bits_per_block), 0)
    return (preamble + sync + 8 + blocks * (coding_rate + 4)) * symbol_s


@dataclass(frozen=True, slots=True)
class MeasuredAirtime:
    """Airtime as measured: (frame bytes, seconds), both rising, two points at least.

    Raises `ValueError` for points that are not so.
    """

    points: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        steps = list(zip(self.points, self.points[1:], strict=False))
        if not steps or any(a[0] >= b[0] or a[1] > b[1] for a, b in steps):
            raise ValueError("airtime: two or more points, sizes and times rising")

    def airtime_s(self, frame_bytes: int) -> float:
        """On the line between two points; outside them on the line through the outer two.

        Never less than the first point's time: a packet has a preamble.
        """
        sizes = [size for size, _ in self.points]
        after = min(max(bisect_left(sizes, frame_bytes), 1), len(sizes) - 1)
        (size, time_s), (next_size, next_s) = self.points[after - 1 : after + 1]
        slope = (next_s - time_s) / (next_size - size)
        return max(time_s + slope * (frame_bytes - size), self.points[0][1])
