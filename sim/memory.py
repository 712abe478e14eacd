"""A cable in memory: a `BytePort` for the driver at one end, a `DeviceLine` at the other."""

import asyncio

from drivers.errors import PortGone


class MemoryCable:
    """Joins `host` (a `drivers.port.BytePort`) and `device` (a `DeviceLine`), without any delay."""

    def __init__(self) -> None:
        self.host = _HostEnd()
        self.device = _DeviceEnd(self.host)

    def unplug(self) -> None:
        """Pull the plug for good: the host's end raises `PortGone` once it has read the rest."""
        self.host.gone = True
        self.host.wake.set()


class _HostEnd:
    def __init__(self) -> None:
        self.received = bytearray()
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.wake = asyncio.Event()
        self.gone = False

    async def read(self) -> bytes:
        while not self.received:
            if self.gone:
                raise PortGone("the cable was unplugged")
            self.wake.clear()
            await self.wake.wait()
        data = bytes(self.received)
        self.received.clear()
        return data

    async def write(self, data: bytes) -> None:
        if self.gone:
            raise PortGone("the cable was unplugged")
        self.sent.put_nowait(data)

    async def close(self) -> None:
        self.gone = True
        self.wake.set()


class _DeviceEnd:
    def __init__(self, host: _HostEnd) -> None:
        self._host = host

    async def read(self) -> bytes:
        return await self._host.sent.get()

    async def write(self, data: bytes) -> None:
        if not self._host.gone:
            self._host.received += data
            self._host.wake.set()
