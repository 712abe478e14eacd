"""A small display on I2C: SSD1306 or SH1106 with 128 x 64 dots, through luma."""

import errno
from collections.abc import Callable
from typing import Any, Literal, Protocol

from PIL import Image

from drivers.errors import DriverConfigError
from drivers.i2c import bus_error, parse_i2c
from drivers.panel.face import HEIGHT_PX, WIDTH_PX
from runtime.threads import T, in_daemon_thread

Chip = Literal["ssd1306", "sh1106"]
BRIGHT = 255  # of 255: outdoors
_COMMAND = 0x00  # control byte of both chips: what follows are commands
_NOTHING = 0xE3  # command of both chips: no operation


class OledBus(Protocol):
    """What is used of `smbus2.SMBus`; simulated displays offer the same."""

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        """A control byte and what follows it."""

    def close(self) -> None:
        """Free the bus."""


class _Wire:
    """The bus as luma gets it: remembers the error that luma hides, and is deaf once closed."""

    def __init__(self, bus: OledBus) -> None:
        self._bus: OledBus | None = bus
        self.failed: OSError | None = None

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        if self._bus is None:  # luma tidies up once more when the process ends
            return
        try:
            self._bus.write_i2c_block_data(i2c_addr, register, data)
        except OSError as error:
            self.failed = error
            raise

    def close(self) -> None:
        if self._bus is not None:
            self._bus.close()
        self._bus = None


class Oled:
    """An open display. Its methods raise `PortGone`, `DeviceSilent` or `DeviceRefused`."""

    def __init__(self, device: Any, wire: _Wire, name: str) -> None:
        self._device, self._wire, self.name = device, wire, name

    async def show(self, image: Image.Image) -> None:
        """Send a picture of one bit per dot; returns when it is there, after 30 to 100 ms."""
        await _in_thread(self.name, self._wire, lambda: self._device.display(image))

    async def close(self) -> None:
        """Dark, if it can still be told so; the bus is free."""

        def end() -> None:
            if self._wire.failed is None:
                self._device.cleanup()

        try:
            await _in_thread(self.name, self._wire, end)
        finally:
            self._wire.close()


def _open_bus(path: str) -> OledBus:
    from smbus2 import SMBus  # noqa: PLC0415  # only terminals with a chip need it

    bus: OledBus = SMBus(path)
    return bus


async def open_oled(
    url: str, chip: Chip, *, open_bus: Callable[[str], OledBus] = _open_bus
) -> Oled:
    """The display at an I2C URL (`drivers.i2c.parse_i2c`), blank.

    Raises `DriverConfigError`, `PortGone`, `DeviceSilent`, `DeviceRefused`.
    """
    try:
        from luma.core.interface.serial import i2c  # noqa: PLC0415  # an extra
        from luma.oled import device as devices  # noqa: PLC0415
    except ImportError as error:
        raise DriverConfigError("a display needs the extra `display` of this package") from error
    path, address, options = parse_i2c(url)
    if options:
        raise DriverConfigError(f"{url!r}: only address means anything to a display")
    name = f"{chip} at {path} 0x{address:02x}"
    try:
        wire = _Wire(open_bus(path))
    except OSError as error:
        raise bus_error(name, error) from error

    def start() -> Any:
        # luma keeps every device it ever made until the process ends: make none that is not there.
        wire.write_i2c_block_data(address, _COMMAND, [_NOTHING])
        make = {"ssd1306": devices.ssd1306, "sh1106": devices.sh1106}[chip]
        device = make(i2c(bus=wire, address=address), width=WIDTH_PX, height=HEIGHT_PX)
        device.contrast(BRIGHT)
        return device

    try:
        return Oled(await _in_thread(name, wire, start), wire, name)
    except BaseException:
        wire.close()
        raise


async def _in_thread(name: str, wire: _Wire, call: Callable[[], T]) -> T:
    from luma.core.error import Error  # noqa: PLC0415  # what luma makes of an OSError

    try:
        return await in_daemon_thread(call, (OSError, Error))
    except OSError as error:
        raise bus_error(name, error) from error
    except Error as error:
        raise bus_error(name, wire.failed or OSError(errno.EIO, str(error))) from error
