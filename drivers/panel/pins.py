"""The header of a board: real pins, simulated ones at the end of a socket, or mock ones."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from gpiozero import Factory
from gpiozero.exc import GPIOZeroError

from drivers.errors import DeviceRefused, DeviceSilent, DriverConfigError, PortGone
from runtime.threads import in_daemon_thread

_HWVER = struct.pack("<IIII", 17, 0, 0, 0)  # hw/pigpio-socket.md 2
CONNECT_LIMIT_S = 3.0  # a daemon on this machine or the next answers within milliseconds


class Header:
    """Open pins. Whatever their library raises becomes `PortGone`, for the caller and for ever."""

    def __init__(
        self, factory: Factory, trouble: tuple[type[Exception], ...], hang_up: Callable[[], None]
    ) -> None:
        self.factory = factory
        self._trouble, self._hang_up = trouble, hang_up
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Around every use of the pins. Raises `PortGone` once they do not answer any more."""
        if self._lost.done():
            raise PortGone(self._lost.result())
        try:
            yield
        except self._trouble as error:
            reason = f"the pins are gone: {error}"
            self._lost.set_result(reason)
            raise PortGone(reason) from error

    async def lost(self) -> None:
        """Wait for the pins to go; raises `PortGone`."""
        raise PortGone(await asyncio.shield(self._lost))

    def release(self, close: Callable[[], None]) -> None:
        """Close a device on these pins, which may be gone by now."""
        if self._lost.done():
            self._hang_up()
        with contextlib.suppress(PortGone, *self._trouble):
            close()

    async def close(self) -> None:
        """Free every pin."""
        self.release(self.factory.close)


async def open_pins(where: str) -> Header:
    """The pins `where` names (`drivers.panel.PINS`); never those of another kind.

    Raises `DriverConfigError` when the program lacks the library for them, `PortGone` or
    `DeviceSilent` when a daemon does not answer, `DeviceRefused` when the kernel has no pins.
    """
    if where == "mock":
        return _open_mock()
    if where == "lgpio":
        return _open_lgpio()
    parts = urlsplit(where)
    if parts.scheme != "pigpio" or not parts.hostname or not parts.port:
        raise DriverConfigError(f"no pins {where!r}; say lgpio, mock or pigpio://HOST:PORT")
    return await _open_pigpio(parts.hostname, parts.port)


def _open_mock() -> Header:
    from gpiozero.pins.mock import MockFactory, MockPWMPin  # noqa: PLC0415  # testers only

    return Header(MockFactory(pin_class=MockPWMPin), (GPIOZeroError,), lambda: None)


def _open_lgpio() -> Header:
    try:
        import lgpio  # noqa: PLC0415  # exists on a Pi only
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415
    except ImportError as error:
        raise DriverConfigError("lgpio is not installed: apt install python3-lgpio") from error
    trouble = (OSError, GPIOZeroError, lgpio.error)
    try:
        factory = LGPIOFactory()
    except trouble as error:
        raise DeviceRefused(f"the kernel offers no pins: {error}") from error
    return Header(factory, trouble, lambda: None)


async def _open_pigpio(host: str, port: int) -> Header:
    try:
        import pigpio  # noqa: PLC0415  # an extra: simulated panels, and pins across a network
        from gpiozero.pins.pigpio import PiGPIOFactory  # noqa: PLC0415
    except ImportError as error:
        raise DriverConfigError("pins at pigpio://... need the package pigpio") from error

    def connect() -> Any:
        _ask_for_revision(host, port)
        return PiGPIOFactory(host, port)

    try:
        factory = await in_daemon_thread(connect, (OSError, struct.error))
    except TimeoutError as error:
        raise DeviceSilent(f"pins at {host}:{port} do not answer") from error
    except (OSError, struct.error) as error:
        raise PortGone(f"no pins at {host}:{port}: {error}") from error

    def hang_up() -> None:
        connection = factory.connection
        if connection is None:
            return
        # The first call ends the listening thread, which would spin on a dead socket for ever,
        # and may fail on that socket; the second finds no thread and closes.
        with contextlib.suppress(OSError):
            connection.stop()
        connection.stop()

    return Header(factory, (OSError, struct.error, GPIOZeroError, pigpio.error), hang_up)


def _ask_for_revision(host: str, port: int) -> None:
    """See whether a pigpiod answers, before its library waits for one without end.

    Raises `TimeoutError` when nothing answers, another `OSError` when nobody is there.
    """
    with socket.create_connection((host, port), CONNECT_LIMIT_S) as line:
        line.sendall(_HWVER)
        with line.makefile("rb") as answers:
            if len(answers.read(len(_HWVER))) < len(_HWVER):
                raise OSError("connection closed")
