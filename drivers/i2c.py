"""One chip on an I2C bus of this machine: registers read in a thread, errors by what to do."""

import errno
from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from drivers.errors import DeviceRefused, DeviceSilent, DriverConfigError, DriverError, PortGone
from runtime.threads import T, in_daemon_thread

ADDRESSES = range(0x03, 0x78)  # the I2C specification reserves the rest


class I2cBus(Protocol):
    """What is used of `smbus2.SMBus`; simulated chips offer the same."""

    def read_word_data(self, i2c_addr: int, register: int) -> int:
        """Two bytes, the first one the lower."""

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """So many bytes after a repeated start."""

    def close(self) -> None:
        """Free the bus."""


class I2cChip:
    """A chip at an address; `options` is what its URL says beyond that.

    Reading raises `PortGone` when no chip answers, `DeviceSilent` when the bus hangs or garbles,
    `DeviceRefused` when the kernel forbids it.
    """

    def __init__(
        self, bus: I2cBus, address: int, options: dict[str, str] | None = None, name: str = "i2c"
    ) -> None:
        self._bus, self.address, self.name = bus, address, name
        self.options = options or {}

    async def word(self, register: int) -> int:
        """A register of two bytes, the first one the higher (as most gauges send them)."""
        swapped = await self._in_thread(lambda: self._bus.read_word_data(self.address, register))
        return (swapped & 0xFF) << 8 | swapped >> 8

    async def data(self, register: int, count: int) -> bytes:
        """So many bytes from a register."""
        return bytes(
            await self._in_thread(
                lambda: self._bus.read_i2c_block_data(self.address, register, count)
            )
        )

    async def close(self) -> None:
        """Free the bus."""
        self._bus.close()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        try:
            return await in_daemon_thread(call)
        except OSError as error:
            raise bus_error(self.name, error) from error


def bus_error(name: str, error: OSError) -> DriverError:
    """What an error of the kernel's means for the one who wanted the chip."""
    match error.errno:
        case errno.EBUSY:
            return DeviceRefused(f"{name}: a driver of the kernel holds this chip; use that one")
        case errno.EACCES | errno.EPERM:
            return DeviceRefused(f"{name}: not permitted: this user is not in group i2c")
        case errno.ENOENT | errno.ENODEV | errno.ENXIO | errno.EREMOTEIO:
            return PortGone(f"{name}: no chip answers: {error.strerror}")
        case _:
            return DeviceSilent(f"{name}: {error.strerror}")


def parse_i2c(url: str) -> tuple[str, int, dict[str, str]]:
    """`i2c:///dev/i2c-1?address=0x36` -> bus, address, other options.

    Raises `DriverConfigError`.
    """
    parts = urlsplit(url)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    try:
        address = int(options.pop("address", ""), 0)
    except ValueError:
        address = -1
    if parts.scheme != "i2c" or parts.netloc or not parts.path.startswith("/dev/"):
        raise DriverConfigError(f"{url!r}: an I2C port is i2c:///dev/i2c-N?address=0xNN")
    if address not in ADDRESSES:
        raise DriverConfigError(f"{url!r}: address=0xNN is missing or not between 0x03 and 0x77")
    return parts.path, address, options


async def open_i2c(url: str) -> I2cChip:
    """The chip at `url` (`parse_i2c`). Nothing is sent yet.

    Raises `DriverConfigError`, `PortGone`, `DeviceSilent`, `DeviceRefused`.
    """
    from smbus2 import SMBus  # noqa: PLC0415  # only terminals with a chip need it

    path, address, options = parse_i2c(url)
    name = f"{path} 0x{address:02x}"
    try:
        bus: I2cBus = SMBus(path)
    except OSError as error:
        raise bus_error(name, error) from error
    return I2cChip(bus, address, options, name)
