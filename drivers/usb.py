"""USB devices without a kernel driver, found by URL and reached through pyusb.

    usb://0400:c35a                 the only one of its kind that is plugged in
    usb://0400:c35a?path=1-1.2      the one in this socket: bus, and ports on the way to it
    usb://0400:c35a?serial=A1B2     the one with this serial number

The functions here block.
"""

import errno
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import usb.core
import usb.util
from usb.backend import IBackend

from drivers.errors import DriverConfigError, PortBusy, PortGone, PortNotSetUp

_IDS = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})", re.IGNORECASE | re.ASCII)
_DENIED = frozenset({errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class UsbAddress:
    """Which device a URL means; None: any."""

    vendor: int
    product: int
    path: str | None = None
    serial: str | None = None

    def __str__(self) -> str:
        return f"USB device {self.vendor:04x}:{self.product:04x}"


def parse_usb_url(url: str) -> UsbAddress:
    """Raises `DriverConfigError`."""
    parts = urlsplit(url)
    ids = _IDS.fullmatch(parts.netloc)
    options = parse_qs(parts.query, keep_blank_values=True)
    path, serial = options.pop("path", []), options.pop("serial", [])
    if parts.scheme != "usb" or ids is None or parts.path or options or len(path + serial) > 1:
        raise DriverConfigError(
            f"port {url!r}: expected usb://VENDOR:PRODUCT in hex, then ?path= or ?serial= at most"
        )
    return UsbAddress(
        int(ids[1], 16), int(ids[2], 16), next(iter(path), None), next(iter(serial), None)
    )


def find_device(address: UsbAddress, backend: IBackend | None = None) -> usb.core.Device:
    """The device at this address; `backend` None is the system's libusb.

    Raises `PortGone` while it is not plugged in; `PortNotSetUp` without libusb, without permission
    or when several fit.
    """
    try:
        of_its_kind = usb.core.find(
            find_all=True, backend=backend, idVendor=address.vendor, idProduct=address.product
        )
        found = [device for device in of_its_kind if _is_at(device, address)]
    except usb.core.NoBackendError as error:
        raise PortNotSetUp("libusb is missing: apt-get install libusb-1.0-0") from error
    except usb.core.USBError as error:
        raise why(error, address) from error
    if len(found) > 1:
        paths = ", ".join(sorted(map(path_of, found)))
        raise PortNotSetUp(f"several of {address}: say which by ?path= in its URL; of {paths}")
    if not found:
        raise PortGone(f"no {address} is plugged in")
    return found[0]


def why(error: OSError, address: UsbAddress) -> PortGone:
    """What an error of pyusb means for whoever opens or uses the device."""
    if error.errno in _DENIED:
        return PortNotSetUp(
            f"no permission for {address}: put firmware/udev/60-muster.rules in place,"
            " and this user into the group dialout"
        )
    if error.errno == errno.EBUSY:
        return PortBusy(f"another program holds {address}")
    return PortGone(f"{address} is gone: {error.strerror}")


def path_of(device: usb.core.Device) -> str:
    """Where a device is plugged in, as the kernel writes it: `1-1.2`."""
    return f"{device.bus}-{'.'.join(map(str, device.port_numbers or ()))}"


def _is_at(device: usb.core.Device, address: UsbAddress) -> bool:
    if address.path is not None:
        return path_of(device) == address.path
    return address.serial is None or _serial_number(device, address) == address.serial


def _serial_number(device: usb.core.Device, address: UsbAddress) -> str | None:
    try:
        number: str | None = device.serial_number
    except ValueError as error:  # pyusb's word for: it would not let me ask
        raise why(PermissionError(errno.EACCES, str(error)), address) from error
    finally:
        usb.util.dispose_resources(device)
    return number
