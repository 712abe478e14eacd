"""What systemd hears from us, over a real datagram socket."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime import service


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def test_systemd_is_told(systemd: socket.socket) -> None:
    service.notify("READY=1")
    assert systemd.recv(100) == b"READY=1"


def test_an_abstract_address_begins_with_an_at(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"muster-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        service.notify("STATUS=集结")
        assert listener.recv(100).decode() == "STATUS=集结"


def test_without_systemd_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    service.notify("READY=1")


def test_the_watchdog_is_fed_three_times_per_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert service.watchdog_interval_s() is None
    asyncio.run(service.feed_watchdog())  # returns: nobody wants to hear
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert service.watchdog_interval_s() == 10.0


def test_the_watchdog_hears_from_a_loop_that_turns(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "3000")

    async def scenario() -> None:
        feeding = asyncio.create_task(service.feed_watchdog())
        await asyncio.get_running_loop().sock_recv(systemd, 100)
        feeding.cancel()

    systemd.setblocking(False)
    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_the_watchdog_hears_nothing_from_a_process_that_is_not_well(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "3000")
    health = iter([False, False, True])
    heard_after = 0

    def is_well() -> bool:
        nonlocal heard_after
        heard_after += 1
        return next(health, True)

    async def scenario() -> None:
        feeding = asyncio.create_task(service.feed_watchdog(is_well))
        assert await asyncio.get_running_loop().sock_recv(systemd, 100) == b"WATCHDOG=1"
        feeding.cancel()

    systemd.setblocking(False)
    asyncio.run(asyncio.wait_for(scenario(), 5))
    assert heard_after >= 3
    assert caplog.text.count("not well") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait(number: signal.Signals) -> None:
    async def scenario() -> None:
        waiting = asyncio.create_task(service.until_stopped())
        await asyncio.sleep(0)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(waiting, 5)

    asyncio.run(scenario())


def test_the_errors_of_groups_in_groups() -> None:
    first, second = OSError("a"), ValueError("b")
    inner = ExceptionGroup("inner", [second])
    assert list(service.leaves(ExceptionGroup("outer", [first, inner]))) == [first, second]
