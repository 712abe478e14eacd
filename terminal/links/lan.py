"""The local network of one point: frames of neighbours by UDP multicast, one to a datagram.

Datagrams reach what is on the same cable, switch or access point, and are not routed any further.
Every terminal hears all others, those on its own machine too, and itself.
"""

import asyncio
import contextlib
import logging
import socket
import struct
from random import Random

from protocol.frames import MAX_FRAME_BYTES
from runtime.backoff import Backoff
from runtime.clock import Clock
from terminal.neighbours import Neighbours, Way
from terminal.settings import NeighbourSettings

log = logging.getLogger(__name__)

REOPEN_FIRST_S = 1.0
REOPEN_LIMIT_S = 5.0  # it costs next to nothing, and a cable is back when it is back
TTL = 1  # a router takes one off, and so lets nothing through
_ANY = "0.0.0.0"  # noqa: S104  # not an address to listen on: "no address" in a membership
_IP_MULTICAST_ALL = 49  # <linux/in.h>; Python has no name for it


class Lan:
    """Sends what `neighbours` have to say on one interface, and hands them what is heard there."""

    def __init__(
        self, settings: NeighbourSettings, interface: str, neighbours: Neighbours, clock: Clock
    ) -> None:
        self._interface, self._neighbours, self._clock = interface, neighbours, clock
        self._target = (settings.group, settings.port)
        self._wake = asyncio.Event()
        self._backoff = Backoff(REOPEN_FIRST_S, REOPEN_LIMIT_S, Random())
        self._reason = ""

    def news(self) -> None:
        """There may be something to tell at once."""
        self._wake.set()

    async def run(self) -> None:
        """Hear and tell until cancelled, whatever becomes of the interface."""
        while True:
            try:
                with open_multicast(self._interface, *self._target) as on:
                    self._neighbours.lan_is_back()
                    await self._use(on)
            except OSError as error:
                self._note(error.strerror or "failed")
            await asyncio.sleep(self._backoff.next_s())

    async def _use(self, on: socket.socket) -> None:
        """Raises `OSError` when the interface fails."""
        hearing = asyncio.create_task(self._hear(on))
        telling = asyncio.create_task(self._tell(on))
        try:
            await asyncio.wait({hearing, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (hearing, telling):
                task.cancel()
            ends = await asyncio.gather(hearing, telling, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _hear(self, on: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            frame = await loop.sock_recv(on, MAX_FRAME_BYTES + 1)  # a longer one is none
            if self._neighbours.take(frame, Way.LAN):
                self._wake.set()

    async def _tell(self, on: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            for frame in self._neighbours.frames_for_lan():
                await loop.sock_sendto(on, frame, self._target)
                self._note("")  # an interface that is down opens as well
                self._backoff.reset()
            wait_s = max(0.0, self._neighbours.next_beat_s - self._clock.monotonic_s())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    def _note(self, reason: str) -> None:
        """Log a change, and not every attempt."""
        if reason != self._reason:
            self._reason = reason
            level = logging.WARNING if reason else logging.INFO
            log.log(level, "neighbours on %s: %s", self._interface, reason or "works again")


def open_multicast(interface: str, group: str, port: int) -> socket.socket:
    """A socket that sends to a group on one interface and hears it there, and nothing else.

    Raises `OSError`, for an interface there is not as well.
    """
    number = socket.if_nametoindex(interface)
    none, to = socket.inet_aton(_ANY), socket.inet_aton(group)
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((group, port))  # not what is sent to this port by other addresses
        for option, value in (
            (_IP_MULTICAST_ALL, 0),  # nor what others on this machine have joined elsewhere
            (socket.IP_MULTICAST_TTL, TTL),
            (socket.IP_MULTICAST_LOOP, 1),
            (socket.IP_MULTICAST_IF, struct.pack("=4s4si", none, none, number)),
            (socket.IP_ADD_MEMBERSHIP, struct.pack("=4s4si", to, none, number)),
        ):
            opened.setsockopt(socket.IPPROTO_IP, option, value)
    except OSError:
        opened.close()
        raise
    return opened
