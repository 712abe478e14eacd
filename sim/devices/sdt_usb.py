"""Simulated USB side of an ID card reader, at the seam where pyusb meets libusb.

Written from hw/sdt-reader.md 1 and from libusb's documentation of a bulk transfer, never from
drivers/. The module behind it is `sim.devices.idreader`, to which this is the line. Modelled:
descriptors, permission, another program's claim, both arrangements of pipes, packets of 64 bytes,
time-outs, a pulled plug, an answer whose rest comes late. Not modelled: stalls, several
configurations, set-up requests other than for the serial number; asked for, they raise.
"""

import asyncio
import errno
import threading
import time
from array import array
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import usb.core
import usb.util
from usb.backend import IBackend

VENDOR, PRODUCT = 0x0400, 0xC35A
PACKET_BYTES = 64
HEAD_BYTES = 7
HEAD_OUT, REST_OUT, HEAD_IN, REST_IN = 0x02, 0x06, 0x81, 0x85
ONE_OUT, ONE_IN = 0x01, 0x81  # assumed: nothing is published about the one-pipe models
_SERIAL_INDEX = 1
_LANGUAGES = bytes.fromhex("04 03 09 04")  # string descriptor 0: US English

# libusb's error codes, with what pyusb makes of them.
_ACCESS = (-3, errno.EACCES, "Access denied (insufficient permissions)")
_NO_DEVICE = (-4, errno.ENODEV, "No such device (it may have been disconnected)")
_BUSY = (-6, errno.EBUSY, "Resource busy")
_OVERFLOW = (-8, errno.EOVERFLOW, "Overflow")


class SimUsbReader:
    """A reader on the bus; a `DeviceLine` for the module inside it. Made in a running loop."""

    def __init__(
        self,
        *,
        is_split: bool = True,
        bus: int = 1,
        ports: tuple[int, ...] = (1,),
        serial: str = "",
    ) -> None:
        self.bus, self.ports, self.serial = bus, ports, serial
        self.is_permitted = True
        self.is_claimed = False
        self.late_rests = 0  # of so many answers the rest stays behind, until it is delivered
        self._is_split = is_split
        self._loop = asyncio.get_running_loop()
        self._commands: asyncio.Queue[bytes] = asyncio.Queue()
        self._head = b""
        self._late: list[bytes] = []
        self._packets: dict[int, deque[bytes]] = {pipe: deque() for pipe in self.pipes}
        self._changed = threading.Condition()
        self.is_plugged = True

    @property
    def pipes(self) -> tuple[int, ...]:
        """The addresses of the bulk endpoints."""
        return (HEAD_OUT, REST_OUT, HEAD_IN, REST_IN) if self._is_split else (ONE_OUT, ONE_IN)

    def unplug(self) -> None:
        """Pull the plug for good: every transfer fails from now on."""
        with self._changed:
            self.is_plugged = False
            self._changed.notify_all()

    def deliver_late_rests(self) -> None:
        """What stayed behind comes now, whether anybody still waits for it or not."""
        with self._changed:
            for rest in self._late:
                self._put(REST_IN, rest)
            self._late.clear()
            self._changed.notify_all()

    # --- the module's side ----------------------------------------------------------------

    async def read(self) -> bytes:
        """See `DeviceLine.read`."""
        return await self._commands.get()

    async def write(self, data: bytes) -> None:
        """See `DeviceLine.write`; one call is one answer."""
        with self._changed:
            if not self._is_split:
                self._put(ONE_IN, data)
            else:
                self._put(HEAD_IN, data[:HEAD_BYTES])
                if self.late_rests:
                    self.late_rests -= 1
                    self._late.append(data[HEAD_BYTES:])
                else:
                    self._put(REST_IN, data[HEAD_BYTES:])
            self._changed.notify_all()

    def _put(self, pipe: int, data: bytes) -> None:
        for start in range(0, len(data), PACKET_BYTES):
            self._packets[pipe].append(data[start : start + PACKET_BYTES])

    # --- the host's side, in any thread ---------------------------------------------------

    def take(self, pipe: int, data: bytes) -> None:
        """A bulk OUT transfer has arrived."""
        with self._changed:
            if not self.is_plugged:
                raise _error(_NO_DEVICE)
        if pipe == HEAD_OUT:
            self._head = data
            return
        head, self._head = self._head, b""
        self._loop.call_soon_threadsafe(self._commands.put_nowait, head + data)

    def give(self, pipe: int, room_bytes: int, wait_s: float) -> bytes:
        """A bulk IN transfer: ends with a short packet, a full buffer, or the time-out."""
        until_s = time.monotonic() + wait_s
        given = bytearray()
        packets = self._packets[pipe]
        with self._changed:
            while len(given) < room_bytes:
                if not self.is_plugged:
                    raise _error(_NO_DEVICE)
                if packets:
                    packet = packets.popleft()
                    if len(given) + len(packet) > room_bytes:
                        raise _error(_OVERFLOW)
                    given += packet
                    if len(packet) < PACKET_BYTES:
                        break
                elif not self._changed.wait(max(0.0, until_s - time.monotonic())):
                    break
        if not given:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        return bytes(given)


class SimUsbBackend(IBackend):  # type: ignore[misc]  # pyusb has no types
    """A bus with readers on it, to hand to pyusb in place of libusb.

    `patience` is how much of a time-out is really waited; 0 under virtual time, where whoever
    calls lets time go by.
    """

    def __init__(self, *readers: SimUsbReader, patience: float = 1.0) -> None:
        self.readers = list(readers)
        self._patience = patience

    def enumerate_devices(self) -> Iterator[SimUsbReader]:
        """See `IBackend`."""
        return (reader for reader in self.readers if reader.is_plugged)

    def get_device_descriptor(self, dev: SimUsbReader) -> SimpleNamespace:
        """See `IBackend`."""
        return SimpleNamespace(
            bLength=18,
            bDescriptorType=usb.util.DESC_TYPE_DEVICE,
            bcdUSB=0x0110,
            bDeviceClass=0xFF,
            bDeviceSubClass=0,
            bDeviceProtocol=0,
            bMaxPacketSize0=8,
            idVendor=VENDOR,
            idProduct=PRODUCT,
            bcdDevice=0x0100,
            iManufacturer=0,
            iProduct=0,
            iSerialNumber=_SERIAL_INDEX if dev.serial else 0,
            bNumConfigurations=1,
            address=1 + self.readers.index(dev),
            bus=dev.bus,
            port_number=dev.ports[-1],
            port_numbers=dev.ports,
            speed=usb.util.SPEED_FULL,
        )

    def get_configuration_descriptor(self, _dev: SimUsbReader, config: int) -> SimpleNamespace:
        """See `IBackend`."""
        _only(config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=usb.util.DESC_TYPE_CONFIG,
            wTotalLength=9,
            bNumInterfaces=1,
            bConfigurationValue=1,
            iConfiguration=0,
            bmAttributes=0x80,
            bMaxPower=250,
            extra_descriptors=[],
        )

    def get_interface_descriptor(
        self, dev: SimUsbReader, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """See `IBackend`."""
        _only(intf, alt, config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=usb.util.DESC_TYPE_INTERFACE,
            bInterfaceNumber=0,
            bAlternateSetting=0,
            bNumEndpoints=len(dev.pipes),
            bInterfaceClass=0xFF,
            bInterfaceSubClass=0,
            bInterfaceProtocol=0,
            iInterface=0,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(
        self, dev: SimUsbReader, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """See `IBackend`."""
        _only(intf, alt, config)
        return SimpleNamespace(
            bLength=7,
            bDescriptorType=usb.util.DESC_TYPE_ENDPOINT,
            bEndpointAddress=dev.pipes[ep],
            bmAttributes=usb.util.ENDPOINT_TYPE_BULK,
            wMaxPacketSize=PACKET_BYTES,
            bInterval=0,
            bRefresh=0,
            bSynchAddress=0,
            extra_descriptors=[],
        )

    def open_device(self, dev: SimUsbReader) -> SimUsbReader:
        """See `IBackend`."""
        if not dev.is_plugged:
            raise _error(_NO_DEVICE)
        if not dev.is_permitted:
            raise _error(_ACCESS)
        return dev

    def close_device(self, _dev_handle: SimUsbReader) -> None:
        """See `IBackend`."""

    def get_configuration(self, _dev_handle: SimUsbReader) -> int:
        """See `IBackend`."""
        return 1

    def claim_interface(self, dev_handle: SimUsbReader, _intf: int) -> None:
        """See `IBackend`."""
        if dev_handle.is_claimed:
            raise _error(_BUSY)
        dev_handle.is_claimed = True

    def release_interface(self, dev_handle: SimUsbReader, _intf: int) -> None:
        """See `IBackend`."""
        dev_handle.is_claimed = False

    def bulk_write(
        self, dev_handle: SimUsbReader, ep: int, _intf: int, data: "array[int]", _timeout: int
    ) -> int:
        """See `IBackend`."""
        dev_handle.take(ep, data.tobytes())
        return len(data)

    def bulk_read(
        self, dev_handle: SimUsbReader, ep: int, _intf: int, buff: "array[int]", timeout: int
    ) -> int:
        """See `IBackend`; `timeout` in ms."""
        data = dev_handle.give(ep, len(buff), timeout / 1000 * self._patience)
        buff[: len(data)] = array("B", data)
        return len(data)

    def ctrl_transfer(
        self,
        dev_handle: SimUsbReader,
        bm_request_type: int,
        b_request: int,
        w_value: int,
        _w_index: int,
        data: "array[int]",
        _timeout: int,
    ) -> int:
        """See `IBackend`: only GET_DESCRIPTOR for strings."""
        kind, index = divmod(w_value, 256)
        asked = (bm_request_type, b_request, kind)
        if asked != (usb.util.CTRL_IN, 6, usb.util.DESC_TYPE_STRING) or index > _SERIAL_INDEX:
            raise NotImplementedError(f"set-up request {asked}, {index}")
        text = dev_handle.serial.encode("utf-16-le")
        answer = bytes([2 + len(text), usb.util.DESC_TYPE_STRING]) + text if index else _LANGUAGES
        data[: len(answer)] = array("B", answer)
        return len(answer)


def _only(*indices: int) -> None:
    """There is one of everything."""
    if any(indices):
        raise IndexError("no such descriptor")


def _error(kind: tuple[int, int, str]) -> Any:
    code, number, text = kind
    return usb.core.USBError(text, code, number)
