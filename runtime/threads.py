"""Blocking calls that must not keep a process from ending."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(
    call: Callable[[], T], expected: tuple[type[Exception], ...] = (OSError, ValueError)
) -> T:
    """Like `asyncio.to_thread`, but a process that ends does not wait for the call.

    Cancelling abandons the call, which goes on behind the scenes. Raises what the call raises, if
    it is one of `expected`; anything else is a bug, and comes as a `RuntimeError`.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def work() -> None:
        try:
            outcome.set_result(call())
        except expected as error:
            outcome.set_exception(error)
        finally:
            if not outcome.done():
                outcome.set_exception(RuntimeError("the call ended in a way nobody foresaw"))

    threading.Thread(target=work, daemon=True).start()
    return await asyncio.wrap_future(outcome)
