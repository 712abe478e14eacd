"""USB models of the SDT reader as a byte pipe (hw/sdt-reader.md 1).

Most of them have four bulk pipes, two each way: one for the head of a frame and one for the rest.
Others have one each way, for whole frames. Which it is, the descriptors tell.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import usb.core
import usb.util
from usb.backend import IBackend

from drivers.errors import DeviceSilent, DriverError, OtherDevice, PortGone
from drivers.readers.sdt_frames import PREAMBLE
from drivers.usb import UsbAddress, find_device, parse_usb_url, why
from runtime.threads import in_daemon_thread

PIPE_TIMEOUT_MS = 200  # hw/sdt-reader.md 1: what other drivers wait; we ask again
PACKET_BYTES = 64  # full speed; a read of whole packets cannot overflow
HEAD_BYTES = 7  # preamble and length
LONGEST_REST_BYTES = 2400
DRAIN_READS = 40  # one longest reply, packet by packet

HEAD_OUT, REST_OUT, HEAD_IN, REST_IN = 0x02, 0x06, 0x81, 0x85

T = TypeVar("T")


class InThread(Protocol):
    """Runs a blocking call elsewhere, as `in_daemon_thread` does."""

    def __call__(
        self, call: Callable[[], T], expected: tuple[type[Exception], ...] = ..., /
    ) -> Awaitable[T]:
        """What the call returns or raises."""


class Pipes(Protocol):
    """The pipes of one kind of reader. Blocks; one call at a time; raises `OSError`."""

    def send(self, frame: bytes) -> None:
        """Send one whole frame."""

    def receive(self) -> bytes:
        """What comes in, as one stream; nothing if nothing comes for a while."""


async def open_usb(
    url: str, *, backend: IBackend | None = None, in_thread: InThread = in_daemon_thread
) -> "UsbPort":
    """Open a reader by its `usb://` URL (`drivers.usb`). Not for another kind of device.

    Raises what `find_device` raises, `PortBusy` while another program holds it, `OtherDevice` when
    its pipes are not a reader's.
    """
    address = parse_usb_url(url)

    def open_it() -> tuple[usb.core.Device, Pipes]:
        device = find_device(address, backend)
        try:
            return device, _pipes(device, address)
        except usb.core.USBError as error:
            usb.util.dispose_resources(device)
            raise why(error, address) from error

    device, pipes = await in_thread(open_it, (DriverError,))
    return UsbPort(device, pipes, address, in_thread)


class UsbPort:
    """A `BytePort` on a reader's pipes. A write must be a whole frame."""

    def __init__(
        self, device: usb.core.Device, pipes: Pipes, address: UsbAddress, in_thread: InThread
    ) -> None:
        self._device, self._pipes, self._address = device, pipes, address
        self._in_thread = in_thread
        self._received = b""
        self._fetching: asyncio.Task[None] | None = None
        self._gone: str | None = None
        self._is_disposed = False

    async def read(self) -> bytes:
        """See `BytePort.read`."""
        while not self._received:
            self._check_not_gone()
            if self._fetching is None:
                self._fetching = asyncio.create_task(self._fetch())
            await asyncio.shield(self._fetching)  # cancelling must not lose what it brings
        data, self._received = self._received, b""
        return data

    async def write(self, data: bytes) -> None:
        """See `BytePort.write`; raises `DeviceSilent` when the reader takes nothing."""
        await self._until_idle()
        self._check_not_gone()
        try:
            await self._in_thread(lambda: self._pipes.send(data))
        except usb.core.USBTimeoutError as error:
            raise DeviceSilent(f"{self._address} takes no command") from error
        except OSError as error:
            self._gone = str(why(error, self._address))
            raise why(error, self._address) from error

    async def close(self) -> None:
        """See `BytePort.close`; waits for a read underway, a fraction of a second."""
        self._gone = self._gone or f"{self._address} is closed"
        await self._until_idle()  # freeing the device under a transfer would crash libusb
        if not self._is_disposed:
            self._is_disposed = True
            await self._in_thread(lambda: usb.util.dispose_resources(self._device))

    async def _fetch(self) -> None:
        try:
            self._received += await self._in_thread(self._pipes.receive)
        except OSError as error:
            self._gone = self._gone or str(why(error, self._address))
        finally:
            self._fetching = None

    async def _until_idle(self) -> None:
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    def _check_not_gone(self) -> None:
        if self._gone is not None:
            raise PortGone(self._gone)


def _pipes(device: usb.core.Device, address: UsbAddress) -> Pipes:
    """Claim the reader's pipes; raises `USBError`, `OtherDevice`."""
    found: set[int] = set()
    for interface in device.get_active_configuration():
        bulk = {
            endpoint.bEndpointAddress
            for endpoint in interface
            if usb.util.endpoint_type(endpoint.bmAttributes) == usb.util.ENDPOINT_TYPE_BULK
        }
        if bulk:
            usb.util.claim_interface(device, interface.bInterfaceNumber)
        found |= bulk
    if found >= {HEAD_OUT, REST_OUT, HEAD_IN, REST_IN}:
        return SplitPipes(device)
    ins = {pipe for pipe in found if usb.util.endpoint_direction(pipe) == usb.util.ENDPOINT_IN}
    if len(ins) == 1 and len(found - ins) == 1:
        return OnePipe(device, out=(found - ins).pop(), into=ins.pop())
    usb.util.dispose_resources(device)
    raise OtherDevice(f"{address} has not the pipes of an ID card reader")


class SplitPipes:
    """Head and rest of a frame on pipes of their own."""

    def __init__(self, device: usb.core.Device) -> None:
        self._device = device
        self._is_in_step = True

    def send(self, frame: bytes) -> None:
        """See `Pipes.send`."""
        if not self._is_in_step:
            self._drain()
        self._device.write(HEAD_OUT, frame[:HEAD_BYTES], PIPE_TIMEOUT_MS)
        self._device.write(REST_OUT, frame[HEAD_BYTES:], PIPE_TIMEOUT_MS)

    def receive(self) -> bytes:
        """See `Pipes.receive`; joins what belongs together, and tells when it does not."""
        head = _read(self._device, HEAD_IN, PACKET_BYTES)
        if not head:
            return b""
        wanted_bytes = _rest_bytes(head)
        rest = b""
        while len(rest) < wanted_bytes:
            more = _read(self._device, REST_IN, _whole_packets(wanted_bytes - len(rest)))
            if not more:
                break
            rest += more
        self._is_in_step = len(rest) == wanted_bytes
        return head + rest

    def _drain(self) -> None:
        """Throw away a rest whose head was given up, else every later frame gets the one before."""
        for pipe in (HEAD_IN, REST_IN):
            for _ in range(DRAIN_READS):
                if not _read(self._device, pipe, PACKET_BYTES):
                    break
        self._is_in_step = True


class OnePipe:
    """Whole frames on one pipe each way."""

    def __init__(self, device: usb.core.Device, *, out: int, into: int) -> None:
        self._device, self._out, self._in = device, out, into

    def send(self, frame: bytes) -> None:
        """See `Pipes.send`."""
        self._device.write(self._out, frame, PIPE_TIMEOUT_MS)

    def receive(self) -> bytes:
        """See `Pipes.receive`."""
        longest_bytes = _whole_packets(HEAD_BYTES + LONGEST_REST_BYTES)
        return _read(self._device, self._in, longest_bytes)


def _rest_bytes(head: bytes) -> int:
    """How much is to follow on the other pipe; for a damaged head: whatever there is."""
    length = int.from_bytes(head[len(PREAMBLE) :], "big")
    is_whole = len(head) == HEAD_BYTES and head.startswith(PREAMBLE)
    return length if is_whole and length <= LONGEST_REST_BYTES else LONGEST_REST_BYTES


def _whole_packets(size_bytes: int) -> int:
    return -(-size_bytes // PACKET_BYTES) * PACKET_BYTES


def _read(device: usb.core.Device, pipe: int, size_bytes: int) -> bytes:
    """What comes within the time-out; raises `USBError` for anything worse than silence."""
    try:
        return bytes(device.read(pipe, size_bytes, PIPE_TIMEOUT_MS))
    except usb.core.USBTimeoutError:
        return b""
