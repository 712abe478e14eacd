"""Two pieces of network with a cable between them that can be pulled out.

`TwoGroups` works everywhere: two multicast groups of the loopback interface, and a bridge.
`TwoNamespaces` needs the right to make networks: two namespaces, joined by virtual interfaces.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import NamedTuple, Protocol, Self

from sim.ports import free_port
from terminal.links.lan import open_multicast

GROUPS = ("239.255.77.84", "239.255.77.85")
MAX_DATAGRAM_BYTES = 2048


class End(NamedTuple):
    """Where a lane is plugged in."""

    prefix: Sequence[str]
    """What a command is started with to be there."""
    interface: str
    group: str
    port: int


class Cable(Protocol):
    """Joins two ends until it is pulled."""

    ends: tuple[End, End]

    async def pull(self) -> None:
        """Nothing gets through any more."""

    async def plug_in(self) -> None:
        """As before."""


class TwoGroups:
    """A bridge between two groups, which are no more to the lanes than an address."""

    def __init__(self) -> None:
        self._port = free_port()
        first, second = (End((), "lo", group, self._port) for group in GROUPS)
        self.ends = first, second
        self._is_in = True
        self._passed: set[bytes] = set()

    @classmethod
    @asynccontextmanager
    async def laid(cls) -> AsyncIterator[Self]:
        """A cable that is plugged in."""
        cable = cls()
        tasks = [asyncio.create_task(cable._carry(*groups)) for groups in (GROUPS, GROUPS[::-1])]
        try:
            yield cable
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def pull(self) -> None:
        """See `Cable.pull`."""
        self._is_in = False

    async def plug_in(self) -> None:
        """See `Cable.plug_in`."""
        self._is_in = True

    async def _carry(self, source: str, target: str) -> None:
        loop = asyncio.get_running_loop()
        with (
            open_multicast("lo", source, self._port) as hears,
            open_multicast("lo", target, self._port) as says,
        ):
            while True:
                data = await loop.sock_recv(hears, MAX_DATAGRAM_BYTES)
                if self._is_in and data not in self._passed:  # else it would come back for ever
                    self._passed.add(data)
                    await loop.sock_sendto(says, data, (target, self._port))


class TwoNamespaces:
    """A pair of virtual interfaces; pulling the cable takes one of them down."""

    def __init__(self) -> None:
        port, pid = free_port(), os.getpid()
        self._names = f"muster-{pid}-1", f"muster-{pid}-2"
        first, second = (
            End(("ip", "netns", "exec", name), "lan0", GROUPS[0], port) for name in self._names
        )
        self.ends = first, second

    @classmethod
    @asynccontextmanager
    async def laid(cls) -> AsyncIterator[Self]:
        """A cable that is plugged in."""
        cable = cls()
        first, second = cable._names
        async with AsyncExitStack() as stack:
            for name in cable._names:
                _ip("netns", "add", name)
                stack.callback(_ip, "netns", "delete", name)
            peer = ("peer", "name", "lan0", "netns", second)
            _ip("link", "add", "lan0", "netns", first, "type", "veth", *peer)
            for number, name in enumerate(cable._names, start=1):
                _ip("-n", name, "address", "add", f"169.254.77.{number}/16", "dev", "lan0")
                _ip("-n", name, "link", "set", "lan0", "up")
            yield cable

    async def pull(self) -> None:
        """See `Cable.pull`."""
        _ip("-n", self._names[1], "link", "set", "lan0", "down")

    async def plug_in(self) -> None:
        """See `Cable.plug_in`."""
        _ip("-n", self._names[1], "link", "set", "lan0", "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def possible() -> list[Callable[[], AbstractAsyncContextManager[Cable]]]:
    """The kinds of cable this machine lets us lay."""
    may_make_networks = shutil.which("ip") is not None and (
        subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode
        == 0
    )
    return [TwoGroups.laid, TwoNamespaces.laid] if may_make_networks else [TwoGroups.laid]
