"""Runs a simulator in the foreground until it ends or somebody stops it."""

import asyncio
import signal
from collections.abc import Coroutine


def run_until_stopped(main: Coroutine[None, None, None]) -> bool:
    """Run `main`, or cancel it when the shell sends a signal; True if it came to its end.

    Either way `main` gets to tidy up, so that no device name is left behind.
    """
    return asyncio.run(_until_stopped(main))


async def _until_stopped(main: Coroutine[None, None, None]) -> bool:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True
