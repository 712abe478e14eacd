"""How a Meshtastic node must be set to serve a site, and what that means. hw/meshtastic.md 5, 6."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from drivers.errors import DriverConfigError
from drivers.radios.airtime import lora_airtime_s
from drivers.radios.meshtastic_messages import MAX_FRAME_BYTES, LoraConfig
from drivers.radios.site import PresetName, RegionName

PRESET: Final[PresetName] = "MEDIUM_FAST"
"""Unless said otherwise: the slowest that sends its longest packet within a second."""
FREQUENCY_TOLERANCE_HZ = 10_000  # what `frequency_offset` may correct of a crystal
_PREAMBLE_SYMBOLS = 16
_HEADER_BYTES = 16
_DATA_BYTES = 8  # around a frame: port, key and length, bitfield; one fewer for a short frame
_SIGNATURE_BYTES = 66
_LAST_SIGNED_BYTES = 165  # of a frame: a longer one leaves no room for a signature
_HZ_PER_MHZ = 1e6
_CODING_RATES = range(5, 9)  # the denominators a node may have in place of its preset's


@dataclass(frozen=True, slots=True)
class Preset:
    """A modem preset; `coding_rate` n is 4/(4+n)."""

    number: int
    spreading_factor: int
    bandwidth_hz: int
    coding_rate: int = 1


@dataclass(frozen=True, slots=True)
class Region:
    """What the firmware calls a region, and the stretch its slots divide."""

    number: int
    name: str
    low_hz: int
    high_hz: int


PRESETS: Mapping[PresetName, Preset] = MappingProxyType(
    {
        "LONG_FAST": Preset(0, 11, 250_000),
        "MEDIUM_SLOW": Preset(3, 10, 250_000),
        "MEDIUM_FAST": Preset(4, 9, 250_000),
        "SHORT_SLOW": Preset(5, 8, 250_000),
        "SHORT_FAST": Preset(6, 7, 250_000),
        "LONG_MODERATE": Preset(7, 11, 125_000, coding_rate=4),
        "SHORT_TURBO": Preset(8, 7, 500_000),
        "LONG_TURBO": Preset(9, 11, 500_000, coding_rate=4),
        "MEDIUM_TURBO": Preset(16, 9, 500_000),
    }
)
REGIONS: Mapping[RegionName, Region] = MappingProxyType(
    {
        "CN470": Region(4, "CN", 470_000_000, 510_000_000),
        "EU868": Region(3, "EU_868", 869_400_000, 869_650_000),
        "EU433": Region(2, "EU_433", 433_000_000, 434_000_000),
        "US915": Region(1, "US", 902_000_000, 928_000_000),
    }
)


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """One site's radio. Raises `DriverConfigError` for what no node can be set to."""

    region: RegionName
    frequency_hz: int
    power_dbm: int
    preset: PresetName = PRESET

    def __post_init__(self) -> None:
        if self.power_dbm <= 0:
            raise DriverConfigError(f"{self.power_dbm} dBm: a Meshtastic node has 1 and more")

    @property
    def modem(self) -> Preset:
        """What the preset's name stands for."""
        return PRESETS[self.preset]

    def airtime_s(self, frame_bytes: int) -> float:
        """How long a frame is on the air, in a packet that is signed if it can be.

        A frame too long to be signed may be shorter on the air than the last one that is not; it
        is counted as that one, so that airtime never falls with length.
        """
        signed = min(frame_bytes, _LAST_SIGNED_BYTES) + _SIGNATURE_BYTES
        size = _HEADER_BYTES + _DATA_BYTES + max(frame_bytes, signed)
        return self._airtime_s(size)

    @property
    def slot_s(self) -> float:
        """What the firmware waits a random number of before it sends."""
        symbol_s = float(2**self.modem.spreading_factor) / self.modem.bandwidth_hz
        return 2.5 * symbol_s + 0.0076  # hw/meshtastic.md 6

    def objection(self, lora: LoraConfig) -> str | None:
        """What of the node's settings is not as it must be, for the operator; None: nothing."""
        region = REGIONS[self.region]
        modem = self.modem
        coding_rate = lora.coding_rate if lora.coding_rate in _CODING_RATES else 0
        mhz, want_mhz = self._frequency_mhz(lora), self.frequency_hz / _HZ_PER_MHZ
        if lora.region != region.number:
            return f"its region is {_region(lora.region)}; it must be {region.name}"
        if not lora.uses_preset or lora.preset != modem.number:
            return f"its modem preset is not {self.preset}"
        if coding_rate > modem.coding_rate + 4:
            return f"its coding rate is 4/{coding_rate}: leave it to the preset"
        if mhz is None:
            return "its frequency slot follows its channel's name: set a slot or a frequency"
        if not abs(mhz - want_mhz) * _HZ_PER_MHZ <= FREQUENCY_TOLERANCE_HZ:
            return f"it is at {mhz:.3f} MHz; it must be at {want_mhz:.3f}"
        if lora.power_dbm != self.power_dbm:
            return f"its power is {lora.power_dbm} dBm; it must be {self.power_dbm}"
        if not lora.may_send:
            return "its transmitter is off"
        if lora.ignores_duty_cycle:
            return "it is told to ignore the duty cycle"
        return None

    def _airtime_s(self, size_bytes: int) -> float:
        return lora_airtime_s(
            size_bytes,
            self.modem.spreading_factor,
            self.modem.bandwidth_hz,
            coding_rate=self.modem.coding_rate,
            preamble_symbols=_PREAMBLE_SYMBOLS,
        )

    def _frequency_mhz(self, lora: LoraConfig) -> float | None:
        """Where such a node is, if not by its channel's name."""
        region, bandwidth_hz = REGIONS[self.region], self.modem.bandwidth_hz
        if lora.override_mhz:
            return lora.override_mhz + lora.offset_mhz
        is_only_one = round((region.high_hz - region.low_hz) / bandwidth_hz) == 1
        slot = lora.slot or is_only_one
        if not slot:
            return None
        middle_hz = region.low_hz + bandwidth_hz * (slot - 0.5)
        return middle_hz / _HZ_PER_MHZ + lora.offset_mhz


def check_length(frame_bytes: int) -> None:
    """Raise `ValueError` for a frame that fits no packet."""
    if not 1 <= frame_bytes <= MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {frame_bytes} bytes: 1 to {MAX_FRAME_BYTES}")


def _region(number: int) -> str:
    names = {0: "not set", **{region.number: region.name for region in REGIONS.values()}}
    return names.get(number, f"number {number}")
