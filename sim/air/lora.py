"""LoRa frames in time: how long one is on the air, and when a receiver takes hold of it.

Sources: `hw/lora-phy.md` sections 1 and 2.
"""

import math
from dataclasses import dataclass

SPREADING_FACTORS = range(5, 13)
BANDWIDTHS_HZ = (125_000, 250_000, 500_000)
CODING_RATES = range(1, 5)  # 4/5 to 4/8
MAX_FRAME_BYTES = 255  # the header's length field is one byte
PRIVATE_SYNC_WORD = 0x1424  # SX126x notation of 0x12

_SHORT_SF = 6  # up to here the chip codes the header in another way
_SHORT_SF_PREAMBLE_SYMBOLS = 12  # and wants at least so many
_SLOW_SYMBOL_S = 0.016  # from here on low data rate optimisation is on
_PREAMBLE_TO_LOCK_SYMBOLS = 5  # how much of a preamble a receiver needs (LoRaSim)
_SYNC_QUARTERS = 17  # sync word and start of frame: 4.25 symbols
_SHORT_SF_SYNC_QUARTERS = 25  # 6.25 symbols
_HEADER_SYMBOLS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSettings:
    """How a radio sends, or what it listens for. Raises `ValueError` for what no SX126x can do.

    `coding_rate` n is 4/(4+n). `power_dbm` goes into a half-wave dipole, so it is e.r.p. as well;
    it and `preamble_symbols` mean nothing to a listener.
    """

    frequency_hz: int
    spreading_factor: int
    bandwidth_hz: int = 125_000
    coding_rate: int = 1
    preamble_symbols: int = 8
    power_dbm: float = 14.0
    sync_word: int = PRIVATE_SYNC_WORD
    explicit_header: bool = True
    crc: bool = True

    def __post_init__(self) -> None:
        if self.spreading_factor not in SPREADING_FACTORS:
            raise ValueError(f"no spreading factor {self.spreading_factor}")
        if self.bandwidth_hz not in BANDWIDTHS_HZ:
            raise ValueError(f"no bandwidth of {self.bandwidth_hz} Hz")
        if self.coding_rate not in CODING_RATES:
            raise ValueError(f"no coding rate 4/{4 + self.coding_rate}")
        if self.preamble_symbols < _PREAMBLE_TO_LOCK_SYMBOLS:
            raise ValueError(f"nobody finds a preamble of {self.preamble_symbols} symbols")


def symbol_s(settings: LoraSettings) -> float:
    """The length of one symbol."""
    return float(2**settings.spreading_factor / settings.bandwidth_hz)


def airtime_s(settings: LoraSettings, frame_bytes: int) -> float:
    """How long a frame of so many bytes is on the air.

    Raises `ValueError` for a size that does not fit the header's length field.
    """
    if not 0 <= frame_bytes <= MAX_FRAME_BYTES:
        raise ValueError(f"no frame has {frame_bytes} bytes")
    sf = settings.spreading_factor
    bits = 8 * frame_bytes - 4 * sf
    bits += 16 if settings.crc else 0
    bits += 20 if settings.explicit_header else 0
    bits += 8 if sf > _SHORT_SF else 0
    slow = sf > _SHORT_SF and symbol_s(settings) >= _SLOW_SYMBOL_S
    bits_per_block = 4 * (sf - 2 if slow else sf)
    blocks = -(-max(bits, 0) // bits_per_block)
    payload_symbols = _HEADER_SYMBOLS + blocks * (4 + settings.coding_rate)
    return preamble_s(settings) + payload_symbols * symbol_s(settings)


def preamble_s(settings: LoraSettings) -> float:
    """The length of the preamble with its sync word; behind it a receiver is held by the frame."""
    short = settings.spreading_factor <= _SHORT_SF
    quarters = _SHORT_SF_SYNC_QUARTERS if short else _SYNC_QUARTERS
    return (4 * _preamble_symbols(settings) + quarters) * symbol_s(settings) / 4


def needed_from_s(settings: LoraSettings) -> float:
    """From when on, after its start, a receiver needs the frame undisturbed."""
    return (_preamble_symbols(settings) - _PREAMBLE_TO_LOCK_SYMBOLS) * symbol_s(settings)


def bits_per_s(settings: LoraSettings) -> float:
    """The rate of the payload, without preamble and header."""
    rate = settings.spreading_factor * 4 / (4 + settings.coding_rate)
    return rate / symbol_s(settings)


def longest_frame_bytes(settings: LoraSettings, limit_s: float) -> int | None:
    """The largest frame that is off the air within `limit_s`; None: not even an empty one."""
    sizes = range(MAX_FRAME_BYTES, -1, -1)
    return next((size for size in sizes if airtime_s(settings, size) <= limit_s), None)


def same_chirps(one: LoraSettings, other: LoraSettings) -> bool:
    """Whether the two disturb each other: the same chirps on about the same frequency."""
    return (
        one.spreading_factor == other.spreading_factor
        and one.bandwidth_hz == other.bandwidth_hz
        and abs(one.frequency_hz - other.frequency_hz) <= _COLLIDING_HZ[one.bandwidth_hz]
    )


def understands(listener: LoraSettings, sender: LoraSettings) -> bool:
    """Whether a radio with these settings takes such a frame for one of its own."""
    if not same_chirps(listener, sender) or listener.sync_word != sender.sync_word:
        return False
    if listener.explicit_header != sender.explicit_header:
        return False
    return listener.explicit_header or listener.coding_rate == sender.coding_rate


def shares_spectrum(one: LoraSettings, other: LoraSettings) -> bool:
    """Whether the one's power is measured in the other's channel."""
    apart_hz = abs(one.frequency_hz - other.frequency_hz)
    return apart_hz < (one.bandwidth_hz + other.bandwidth_hz) / 2


def noise_floor_dbm(bandwidth_hz: int) -> float:
    """Thermal noise in the channel plus what the receiver adds."""
    return _THERMAL_DBM_PER_HZ + 10 * math.log10(bandwidth_hz) + _NOISE_FIGURE_DB


def total_dbm(*powers_dbm: float) -> float:
    """The sum of powers."""
    return 10 * math.log10(sum(10 ** (power_dbm / 10) for power_dbm in powers_dbm))


def sensitivity_dbm(settings: LoraSettings) -> float:
    """The weakest signal that is still received."""
    return _SENSITIVITY_DBM[settings.spreading_factor][settings.bandwidth_hz]


def _preamble_symbols(settings: LoraSettings) -> int:
    if settings.spreading_factor <= _SHORT_SF:
        return max(settings.preamble_symbols, _SHORT_SF_PREAMBLE_SYMBOLS)
    return settings.preamble_symbols


_COLLIDING_HZ = {125_000: 30_000, 250_000: 60_000, 500_000: 120_000}  # LoRaSim
_THERMAL_DBM_PER_HZ = -174.0
_NOISE_FIGURE_DB = 6.0  # SX126x and SX127x, the figure Semtech calculates with


def _by_bandwidth(*dbm: float) -> dict[int, float]:
    return dict(zip(BANDWIDTHS_HZ, dbm, strict=True))


_SENSITIVITY_DBM = {
    5: _by_bandwidth(-118.5, -115.5, -108.5),  # assumed: 2.5 dB worse than SF6
    6: _by_bandwidth(-121, -118, -111),
    7: _by_bandwidth(-124, -122, -116),
    8: _by_bandwidth(-127, -125, -119),
    9: _by_bandwidth(-130, -128, -122),
    10: _by_bandwidth(-133, -130, -125),
    11: _by_bandwidth(-135, -132, -128),
    12: _by_bandwidth(-137, -135, -129),
}  # SX1272/73 data sheet, table 10
