"""Simulated uninterruptible supply: a battery that drains by its own clock, and what shows it.

Written from hw/power.md. The battery is seen through the folder a kernel driver makes, or through
the registers of a gauge chip on an I2C bus. Modelled: level, direction, voltage by level, mains, a
chip that does not answer or answers nonsense. Not modelled: temperature, age, the error of a gauge,
and how slowly the MAX17048 notices a change of direction.
"""

import errno
import os
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Protocol

DRAIN_PERCENT_PER_MIN = 0.5  # a Pi with its radio on four 18650 cells: some three hours
CHARGE_PERCENT_PER_MIN = 1.0
FULL_PERCENT = 100.0
SHUNT_OHM = 0.1
PACK_MA_PER_PERCENT_PER_MIN = 60 * 8000 / 100  # of 8 Ah
# Percent of one Li-ion cell -> volts, light load: hw/power.md 3.2.
_VOLTS = (
    (0, 3.00),
    (4, 3.30),
    (10, 3.50),
    (20, 3.60),
    (40, 3.70),
    (58, 3.80),
    (72, 3.90),
    (84, 4.00),
    (94, 4.10),
    (100, 4.18),
)


class SimBattery:
    """The battery and its charger. `now_s` is its clock, of any epoch."""

    def __init__(self, now_s: Callable[[], float], *, percent: float = FULL_PERCENT) -> None:
        self._now_s, self._at_s = now_s, now_s()
        self._percent = percent
        self._is_on_mains = True
        self._drain_percent_per_min = DRAIN_PERCENT_PER_MIN

    @property
    def percent(self) -> float:
        """The level now, 0 to 100."""
        now_s = self._now_s()
        passed_min, self._at_s = (now_s - self._at_s) / 60, now_s
        level = self._percent + passed_min * self._rate()
        self._percent = min(FULL_PERCENT, max(0.0, level))
        return self._percent

    @percent.setter
    def percent(self, percent: float) -> None:
        self._at_s = self._now_s()
        self._percent = percent

    @property
    def is_on_mains(self) -> bool:
        """Whether the mains supply is there."""
        return self._is_on_mains

    @is_on_mains.setter
    def is_on_mains(self, is_on_mains: bool) -> None:
        _ = self.percent  # what happened until now happened by the old rate
        self._is_on_mains = is_on_mains

    def drain(self, percent_per_min: float) -> None:
        """From now on it loses so much without mains."""
        _ = self.percent
        self._drain_percent_per_min = percent_per_min

    @property
    def rate_percent_per_min(self) -> float:
        """How the level changes: above zero it charges; zero when full, or empty."""
        percent, rate = self.percent, self._rate()
        is_at_end = (percent >= FULL_PERCENT and rate > 0) or (percent <= 0 and rate < 0)
        return 0.0 if is_at_end else rate

    @property
    def volts(self) -> float:
        """Of one cell."""
        percent = self.percent
        for (low, low_v), (high, high_v) in pairwise(_VOLTS):
            if percent <= high:
                return low_v + (percent - low) / (high - low) * (high_v - low_v)
        return _VOLTS[-1][1]

    def _rate(self) -> float:
        return CHARGE_PERCENT_PER_MIN if self._is_on_mains else -self._drain_percent_per_min


class SimChip(Protocol):
    """A chip on an I2C bus, as a host sees it."""

    def read(self, register: int, count: int) -> bytes:
        """So many bytes from a register on."""


class SimMax1704x:
    """MAX17040, 17043 (`has_rate` False) or 17048: hw/power.md 3.1."""

    def __init__(self, battery: SimBattery, *, has_rate: bool) -> None:
        self._battery, self._has_rate = battery, has_rate

    def read(self, register: int, count: int) -> bytes:
        """See `SimChip`."""
        cell = round(self._battery.volts / 78.125e-6)
        words = {
            0x02: cell if self._has_rate else cell & 0xFFF0,
            0x04: round(self._battery.percent * 256),
            0x08: 0x0012 if self._has_rate else 0x0003,
        }
        if self._has_rate:
            rate = round(self._battery.rate_percent_per_min * 60 / 0.208)
            words[0x16] = max(-0x8000, min(0x7FFF, rate)) & 0xFFFF
        return words.get(register, 0).to_bytes(2, "big")[:count].ljust(count, b"\xff")


class SimIna219:
    """INA219 between charger and a pack of `cells` in series: hw/power.md 3.2."""

    def __init__(self, battery: SimBattery, *, cells: int = 1) -> None:
        self._battery, self._cells = battery, cells

    def read(self, register: int, count: int) -> bytes:
        """See `SimChip`."""
        volts = self._battery.volts * self._cells
        shunt_v = self._battery.rate_percent_per_min * PACK_MA_PER_PERCENT_PER_MIN / 1000
        shunt = round(shunt_v * SHUNT_OHM / 10e-6)
        conversion_ready = 0x2
        words = {
            0x00: 0x399F,  # power-on: 32 V, 320 mV, 12 bits, continuous
            0x01: max(-32_000, min(32_000, shunt)) & 0xFFFF,
            0x02: round(volts / 4e-3) << 3 | conversion_ready,
        }
        return words.get(register, 0).to_bytes(2, "big")[:count].ljust(count, b"\xff")


class SimLc709203f:
    """LC709203F: hw/power.md 3.3. Its low byte goes first, and a checksum follows."""

    address = 0x0B

    def __init__(self, battery: SimBattery) -> None:
        self._battery = battery

    def read(self, register: int, count: int) -> bytes:
        """See `SimChip`."""
        percent = self._battery.percent
        words = {
            0x09: round(self._battery.volts * 1000),
            0x0D: round(percent),
            0x0F: round(percent * 10),
        }
        data = words.get(register, 0).to_bytes(2, "little")
        wire = bytes([self.address << 1, register, self.address << 1 | 1]) + data
        return (data + bytes([_crc8_atm(wire)]))[:count].ljust(count, b"\xff")


class SimBus:
    """An I2C bus with chips by address; the methods are those of `smbus2.SMBus`.

    `is_stuck`: the clock line is held down. `garble`: bits flip on the way from the chips.
    """

    def __init__(self, chips: Mapping[int, SimChip]) -> None:
        self._chips = dict(chips)
        self.is_stuck = False
        self.garble = 0x00
        self.claimed: set[int] = set()
        """Addresses that a driver of the kernel keeps for itself."""
        self.is_closed = False

    def remove(self, address: int) -> None:
        """Pull the chip off the bus."""
        del self._chips[address]

    def read_word_data(self, i2c_addr: int, register: int) -> int:
        """Two bytes; the first one comes out as the lower."""
        return int.from_bytes(self._read(i2c_addr, register, 2), "little")

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """So many bytes."""
        return list(self._read(i2c_addr, register, length))

    def close(self) -> None:
        """Free the bus."""
        self.is_closed = True

    def _read(self, address: int, register: int, count: int) -> bytes:
        if self.is_closed:
            raise _os_error(errno.EBADF)
        if address in self.claimed:
            raise _os_error(errno.EBUSY)
        if self.is_stuck:
            raise _os_error(errno.ETIMEDOUT)
        chip = self._chips.get(address)
        if chip is None:
            raise _os_error(errno.EREMOTEIO)
        return bytes(byte ^ self.garble for byte in chip.read(register, count))


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _crc8_atm(data: bytes) -> int:
    """x^8 + x^2 + x + 1, most significant bit first, from zero."""
    register = 0
    for bit in (byte >> place & 1 for byte in data for place in range(7, -1, -1)):
        top = register >> 7
        register = register << 1 & 0xFF
        if top ^ bit:
            register ^= 0x07
    return register
