"""What makes a process a well-behaved service: signals, systemd notification, watchdog."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Coroutine, Iterable
from typing import Any


def notify(message: str) -> None:
    """Tell systemd (`READY=1`, `STATUS=...`, `WATCHDOG=1`); nothing happens without systemd."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram, contextlib.suppress(OSError):
        datagram.sendto(message.encode(), address)


def watchdog_interval_s() -> float | None:
    """How often systemd wants to hear from us: a third of its limit; `None` when it does not."""
    limit_us = os.environ.get("WATCHDOG_USEC")
    return int(limit_us) / 3_000_000 if limit_us else None


async def feed_watchdog() -> None:
    """Feed systemd's watchdog for as long as the event loop turns. Runs until cancelled."""
    interval_s = watchdog_interval_s()
    if interval_s is None:
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval_s)


async def until_stopped() -> None:
    """Return when the process is asked to end (SIGTERM or Ctrl-C)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


async def run_until_stopped(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run everything at once until the process is asked to stop or one of them fails."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each) for each in (*work, feed_watchdog())]
        notify("READY=1")
        await until_stopped()
        for task in running:
            task.cancel()
