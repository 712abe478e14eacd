"""What makes a process a well-behaved service: signals, systemd notification, watchdog."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

log = logging.getLogger(__name__)


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


def always_well() -> bool:
    """A process that needs no more than a loop that turns."""
    return True


async def feed_watchdog(is_well: Callable[[], bool] = always_well) -> None:
    """Feed systemd's watchdog whenever the event loop turns and `is_well`, until cancelled.

    `is_well` is asked in the event loop and must not block. What it finds wrong must last, and be
    cured by a restart: systemd ends a process that is not well for its whole limit.
    """
    interval_s = watchdog_interval_s()
    if interval_s is None:
        return
    while True:
        if is_well():
            notify("WATCHDOG=1")
        else:
            log.error("not well: the watchdog is not fed")
        await asyncio.sleep(interval_s)


async def until_stopped() -> None:
    """Return when the process is asked to end (SIGTERM or Ctrl-C)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


async def run_until_stopped(
    work: Iterable[Coroutine[Any, Any, None]], is_well: Callable[[], bool] = always_well
) -> None:
    """Run everything at once until the process is asked to stop or one of them fails.

    `is_well` is that of `feed_watchdog`.
    """
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each) for each in (*work, feed_watchdog(is_well))]
        notify("READY=1")
        await until_stopped()
        for task in running:
            task.cancel()


def leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    """The errors in a group of groups, as task groups in task groups raise them."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
