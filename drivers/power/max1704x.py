"""MAX17040, 17043 and 17048 gauges (hw/power.md 3.1)."""

from drivers.errors import DriverConfigError
from drivers.i2c import I2cChip
from drivers.power.gauge import Charge, OnReady, clamp_percent

VCELL, SOC, CRATE = 0x02, 0x04, 0x16
VOLTS_PER_STEP = 78.125e-6  # of the 17048; the 17040's 1.25 mV is the same with four bits unused
PERCENT_PER_STEP = 1 / 256
PERCENT_PER_H_PER_STEP = 0.208
STANDING_PERCENT_PER_H = 1.0  # a Pi draws more than this from any pack it can run on
UNUSED_BITS = 0xF  # of VCELL, 17040 and 17043


class Max17040Gauge:
    """See `Gauge`. The 17040 and 17043 measure the cell only: neither mains nor charging."""

    chip = "MAX17040"

    def __init__(self, port: I2cChip, *, on_ready: OnReady) -> None:
        if port.options:
            raise DriverConfigError(f"{port.name}: no option but address means anything here")
        self._port, self._on_ready = port, on_ready

    async def read(self) -> Charge:
        """See `Gauge.read`."""
        volts = (await self._port.word(VCELL) & ~UNUSED_BITS) * VOLTS_PER_STEP
        percent = await self._port.word(SOC) * PERCENT_PER_STEP
        return self._told(Charge(clamp_percent(percent), volts, None, None, self._source))

    @property
    def _source(self) -> str:
        return f"{self.chip} at {self._port.name}"

    def _told(self, charge: Charge) -> Charge:
        self._on_ready(charge.source)
        return charge


class Max17048Gauge(Max17040Gauge):
    """See `Gauge`. The 17048 also knows how fast the charge changes, and by that the direction."""

    chip = "MAX17048"

    async def read(self) -> Charge:
        """See `Gauge.read`."""
        volts = await self._port.word(VCELL) * VOLTS_PER_STEP
        percent = await self._port.word(SOC) * PERCENT_PER_STEP
        rate_percent_per_h = signed_word(await self._port.word(CRATE)) * PERCENT_PER_H_PER_STEP
        is_charging = rate_percent_per_h >= STANDING_PERCENT_PER_H
        is_draining = rate_percent_per_h <= -STANDING_PERCENT_PER_H
        is_on_mains = is_charging if is_charging or is_draining else None
        charge = Charge(clamp_percent(percent), volts, is_charging, is_on_mains, self._source)
        return self._told(charge)


def signed_word(word: int) -> int:
    """Two's complement of 16 bits."""
    return word - 0x10000 if word & 0x8000 else word
