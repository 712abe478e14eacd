"""Lanes on a real multicast group: the loopback interface of this machine."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from sim.ports import free_port
from terminal.links.lan import Lan, open_multicast
from terminal.settings import NeighbourSettings
from tests.lanes import LaneRig, LoopClock

GROUP = "239.255.77.84"
LIMIT_S = 10.0


class LanPoint:
    """Lanes, each with a network of its own making on one group."""

    def __init__(self, lanes: int) -> None:
        self.clock = LoopClock()
        self.settings = NeighbourSettings("lo", GROUP, free_port())
        self.lanes = [LaneRig(self.clock, number + 1) for number in range(lanes)]
        self.lans = [Lan(self.settings, "lo", lane.neighbours, self.clock) for lane in self.lanes]

    def scan(self, lane: int, number: int) -> None:
        self.lanes[lane].scan(number)
        self.lans[lane].news()

    @contextlib.asynccontextmanager
    async def plugged_in(self, *lanes: int) -> AsyncIterator[None]:
        """The lanes are on the network for as long as the block runs."""
        tasks = [asyncio.create_task(self.lans[lane].run()) for lane in lanes]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


def test_three_lanes_hear_each_other() -> None:
    async def main() -> None:
        point = LanPoint(3)
        async with point.plugged_in(0, 1, 2):
            await until(lambda: all(len(lane.neighbours.lanes()) == 2 for lane in point.lanes))
            point.scan(1, 1)
            await until(lambda: [point.lanes[n].elsewhere(1) for n in (0, 2)] == [2, 2])
            scan = point.lanes[2].scan(2)
            point.lans[2].news()
            await until(lambda: [point.lanes[n].elsewhere(2) for n in (0, 1)] == [3, 3])
            point.lanes[2].undo(scan)
            point.lans[2].news()
            await until(lambda: [point.lanes[n].elsewhere(2) for n in (0, 1)] == [None, None])

    asyncio.run(main())


def test_what_was_said_while_a_lane_was_off_the_network_is_heard_when_it_is_back() -> None:
    async def main() -> None:
        point = LanPoint(2)
        async with point.plugged_in(0):
            async with point.plugged_in(1):
                await until(lambda: point.lanes[0].neighbours.lanes() == (2,))
            point.scan(0, 1)
            point.scan(1, 2)
            await asyncio.sleep(0.1)
            assert [point.lanes[0].elsewhere(2), point.lanes[1].elsewhere(1)] == [None, None]
            async with point.plugged_in(1):
                await until(lambda: point.lanes[0].elsewhere(2) == 2)
                await until(lambda: point.lanes[1].elsewhere(1) == 1)

    asyncio.run(main())


def test_garbage_on_the_group_disturbs_nobody() -> None:
    async def main() -> None:
        point = LanPoint(2)
        async with point.plugged_in(0, 1):
            with open_multicast("lo", GROUP, point.settings.port) as stranger:
                for size in (0, 1, 14, 255, 256, 1400):
                    stranger.sendto(bytes(size), (GROUP, point.settings.port))
            point.scan(0, 1)
            await until(lambda: point.lanes[1].elsewhere(1) == 1)

    asyncio.run(main())


def test_only_what_is_sent_to_the_group_on_this_interface_arrives() -> None:
    port = free_port()
    with (
        open_multicast("lo", GROUP, port) as ours,
        open_multicast("lo", "239.255.77.85", port) as other,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        other.sendto(b"another group", ("239.255.77.85", port))
        stranger.sendto(b"this machine alone", ("127.0.0.1", port))
        ours.sendto(b"the group", (GROUP, port))
        ours.setblocking(True)
        ours.settimeout(LIMIT_S)
        assert ours.recv(100) == b"the group"
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(100)
        assert ours.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 1


def test_an_interface_there_is_not_is_an_error_and_leaves_no_socket() -> None:
    with pytest.raises(OSError, match=r"interface|No such device"):
        open_multicast("nowhere0", GROUP, 7784)
    with pytest.raises(OSError, match=r".") as caught:
        open_multicast("lo", "10.0.0.1", 7784)
    assert caught.value.errno in {errno.EADDRNOTAVAIL, errno.EINVAL}


class FlakySockets:
    """The interface comes and goes: what `open_multicast` meets, by turns."""

    def __init__(self, *failures: OSError | None) -> None:
        self._failures = list(failures)
        self.opened = 0

    def __call__(self, interface: str, group: str, port: int) -> socket.socket:
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure
        self.opened += 1
        return open_multicast(interface, group, port)


def test_an_interface_that_comes_later_is_used_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone = OSError(errno.ENODEV, "No such device")
    sockets = FlakySockets(gone, gone)
    monkeypatch.setattr("terminal.links.lan.open_multicast", sockets)
    monkeypatch.setattr("terminal.links.lan.REOPEN_FIRST_S", 0.01)

    async def main() -> None:
        point = LanPoint(2)
        async with point.plugged_in(0, 1):
            point.scan(0, 1)
            await until(lambda: point.lanes[1].elsewhere(1) == 1)

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    assert sockets.opened == 2
    said = [record.getMessage() for record in caplog.records if "neighbours" in record.message]
    assert said.count("neighbours on lo: No such device") == 2  # one for each lane
    assert said.count("neighbours on lo: works again") == 2


def test_an_interface_that_fails_while_in_use_is_opened_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sockets = FlakySockets()
    monkeypatch.setattr("terminal.links.lan.open_multicast", sockets)
    monkeypatch.setattr("terminal.links.lan.REOPEN_FIRST_S", 0.01)

    async def main() -> None:
        point = LanPoint(2)
        loop = asyncio.get_running_loop()
        unreachable = OSError(errno.ENETUNREACH, "Network is unreachable")
        send, failures = loop.sock_sendto, [unreachable] * 3

        async def failing(on: socket.socket, data: bytes, to: tuple[str, int]) -> int:
            if failures:
                raise failures.pop()
            return await send(on, data, to)

        loop.sock_sendto = failing  # type: ignore[method-assign, assignment]  # one network fails
        async with point.plugged_in(0, 1):
            point.scan(0, 1)
            await until(lambda: point.lanes[1].elsewhere(1) == 1)

    asyncio.run(main())
    assert sockets.opened == 5
    said = [record.getMessage() for record in caplog.records if "neighbours" in record.message]
    assert len(said) <= 2  # one for each lane, and not for each attempt
