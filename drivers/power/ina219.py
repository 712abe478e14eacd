"""INA219: measures voltage and current; the charge is judged from them (hw/power.md 3.2)."""

from itertools import pairwise

from drivers.errors import DeviceSilent, DriverConfigError
from drivers.i2c import I2cChip
from drivers.power.gauge import FULL_PERCENT, Charge, OnReady
from drivers.power.max1704x import signed_word

SHUNT, BUS = 0x01, 0x02
VOLTS_PER_STEP = 4e-3
SHUNT_VOLTS_PER_STEP = 10e-6
OVERFLOW_BIT = 0x1
STANDING_SHUNT_V = 0.5e-3  # 5 mA through 0.1 ohm: noise, and a full battery that is kept full
MAX_CELLS = 6  # 25.2 V: beyond it the chip's 26 V end
# Volts of one Li-ion cell under a light load -> percent. Typical, not measured.
CURVE = (
    (3.00, 0.0),
    (3.30, 4.0),
    (3.50, 10.0),
    (3.60, 20.0),
    (3.70, 40.0),
    (3.80, 58.0),
    (3.90, 72.0),
    (4.00, 84.0),
    (4.10, 94.0),
    (4.18, FULL_PERCENT),
)


class Ina219Gauge:
    """See `Gauge`. `?cells=2` in the port's URL says how many cells are in series; default one."""

    def __init__(self, port: I2cChip, *, on_ready: OnReady) -> None:
        self._port, self._on_ready = port, on_ready
        cells = port.options.get("cells", "1")
        if port.options.keys() - {"cells"} or cells not in map(str, range(1, MAX_CELLS + 1)):
            raise DriverConfigError(f"{port.name}: only cells=1 to {MAX_CELLS} may follow address")
        self._cells = int(cells)

    async def read(self) -> Charge:
        """See `Gauge.read`."""
        bus = await self._port.word(BUS)
        if bus & OVERFLOW_BIT:
            raise DeviceSilent(f"{self._port.name}: the measurement is out of range")
        volts = (bus >> 3) * VOLTS_PER_STEP
        shunt_v = signed_word(await self._port.word(SHUNT)) * SHUNT_VOLTS_PER_STEP
        charge = Charge(
            percent=percent_of_cell(volts / self._cells),
            volts=volts,
            is_charging=shunt_v > STANDING_SHUNT_V,
            is_on_mains=shunt_v > -STANDING_SHUNT_V,
            source=f"INA219 at {self._port.name}",
        )
        self._on_ready(charge.source)
        return charge


def percent_of_cell(volts: float) -> float:
    """How full a cell of so many volts is, by `CURVE`."""
    for (low_v, low), (high_v, high) in pairwise(CURVE):
        if volts <= high_v:
            return max(0.0, low + (volts - low_v) / (high_v - low_v) * (high - low))
    return FULL_PERCENT
