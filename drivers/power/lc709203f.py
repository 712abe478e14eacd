"""LC709203F gauge: every reading carries a checksum (hw/power.md 3.3)."""

from drivers.errors import DeviceSilent, DriverConfigError
from drivers.i2c import I2cChip
from drivers.power.gauge import Charge, OnReady, clamp_percent

CELL_VOLTAGE, INDICATOR = 0x09, 0x0F  # mV; 0.1 %
WORD_AND_CHECK_BYTES = 3
POLYNOMIAL = 0x07  # CRC-8-ATM
MILLIVOLTS = 1000
TENTHS = 10


class Lc709203fGauge:
    """See `Gauge`. It measures the cell only: neither mains nor charging."""

    def __init__(self, port: I2cChip, *, on_ready: OnReady) -> None:
        if port.options:
            raise DriverConfigError(f"{port.name}: no option but address means anything here")
        self._port, self._on_ready = port, on_ready

    async def read(self) -> Charge:
        """See `Gauge.read`."""
        volts = await self._word(CELL_VOLTAGE) / MILLIVOLTS
        percent = await self._word(INDICATOR) / TENTHS
        source = f"LC709203F at {self._port.name}"
        self._on_ready(source)
        return Charge(clamp_percent(percent), volts, None, None, source)

    async def _word(self, command: int) -> int:
        answer = await self._port.data(command, WORD_AND_CHECK_BYTES)
        if not is_whole(self._port.address, command, answer):
            raise DeviceSilent(f"{self._port.name}: the checksum of a reading is wrong")
        return int.from_bytes(answer[:2], "little")


def is_whole(address: int, command: int, answer: bytes) -> bool:
    """Does the checksum at the end of `answer` fit what went over the wire before it?"""
    wire = bytes([address << 1, command, address << 1 | 1]) + answer
    return len(answer) == WORD_AND_CHECK_BYTES and crc8(wire) == 0


def crc8(data: bytes) -> int:
    """CRC-8 with polynomial 0x07, starting from 0; over data and its own checksum it is 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
    return crc
