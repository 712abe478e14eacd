"""What the owner of a simulated Meshtastic node has set, and what follows on the air. Pure.

Written from hw/meshtastic.md 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sim.air.lora import LoraSettings
from sim.devices.meshtastic_wire import Float, build

SYNC_WORD = 0x24B4
PREAMBLE_SYMBOLS = 16
DEFAULT_CHANNEL = "county"


@dataclass(frozen=True, slots=True)
class Preset:
    """The number the firmware gives it, and what it stands for; 4/(4+n) is its coding rate."""

    number: int
    spreading_factor: int
    bandwidth_hz: int
    coding_rate: int


@dataclass(frozen=True, slots=True)
class Region:
    """The number the firmware gives it, where it is, and its limits; `duty` of an hour."""

    number: int
    low_mhz: float
    high_mhz: float
    most_dbm: int
    duty: float = 1.0


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "LONG_FAST": Preset(0, 11, 250_000, 1),
        "MEDIUM_SLOW": Preset(3, 10, 250_000, 1),
        "MEDIUM_FAST": Preset(4, 9, 250_000, 1),
        "SHORT_SLOW": Preset(5, 8, 250_000, 1),
        "SHORT_FAST": Preset(6, 7, 250_000, 1),
        "LONG_MODERATE": Preset(7, 11, 125_000, 4),
        "SHORT_TURBO": Preset(8, 7, 500_000, 1),
        "LONG_TURBO": Preset(9, 11, 500_000, 4),
        "MEDIUM_TURBO": Preset(16, 9, 500_000, 1),
    }
)
REGIONS: Mapping[str, Region | None] = MappingProxyType(
    {
        "UNSET": None,
        "US": Region(1, 902, 928, 30),
        "EU_433": Region(2, 433, 434, 10, duty=0.1),
        "EU_868": Region(3, 869.4, 869.65, 27, duty=0.1),
        "CN": Region(4, 470, 510, 19),
    }
)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """As delivered, unless said otherwise. Slot 0 follows the channel's name, power 0 is the most.

    `channel` is the primary channel's name; its key is not modelled.
    """

    region: str = "UNSET"
    preset: str = "LONG_FAST"
    slot: int = 0
    power_dbm: int = 0
    channel: str = DEFAULT_CHANNEL
    override_mhz: float = 0.0
    coding_rate: int = 0
    may_send: bool = True
    ignores_duty_cycle: bool = False

    @property
    def rules(self) -> Region | None:
        """Of the region; None: it is not set, and nothing is sent or received."""
        return REGIONS[self.region]

    @property
    def channel_hash(self) -> int:
        """The byte in the header by which a channel is known."""
        folded = 0
        for byte in self.channel.encode():
            folded ^= byte
        return folded

    @property
    def lora(self) -> LoraSettings | None:
        """What it listens for and sends with."""
        region, preset = self.rules, PRESETS[self.preset]
        if region is None:
            return None
        return LoraSettings(
            frequency_hz=round(self._mhz(region, preset) * 1e6),
            spreading_factor=preset.spreading_factor,
            bandwidth_hz=preset.bandwidth_hz,
            coding_rate=max(preset.coding_rate, self.coding_rate - 4),
            preamble_symbols=PREAMBLE_SYMBOLS,
            power_dbm=self._power_dbm(region),
            sync_word=SYNC_WORD,
        )

    def message(self) -> bytes:
        """Its `LoRaConfig`."""
        region = self.rules
        return build(
            {
                1: 1,
                2: PRESETS[self.preset].number,
                5: self.coding_rate,
                7: region.number if region else 0,
                8: 3,
                9: int(self.may_send),
                10: self._power_dbm(region) if region else self.power_dbm,
                11: self.slot,
                12: int(self.ignores_duty_cycle),
                14: Float(self.override_mhz),
            }
        )

    def _mhz(self, region: Region, preset: Preset) -> float:
        if self.override_mhz:
            return self.override_mhz
        width_mhz = preset.bandwidth_hz / 1e6
        slots = round((region.high_mhz - region.low_mhz) / width_mhz)
        slot = (self.slot or _hash(self.channel) % slots + 1) - 1
        return region.low_mhz + width_mhz * (slot + 0.5)

    def _power_dbm(self, region: Region) -> int:
        return self.power_dbm if 0 < self.power_dbm <= region.most_dbm else region.most_dbm


def _hash(name: str) -> int:
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFF_FFFF
    return value
