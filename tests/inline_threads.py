"""Threads that are none, for blocking calls under virtual time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

import pytest

T = TypeVar("T")
CALL_S: Final = 0.02
"""Virtual time a call takes: one that finds nothing is called again, and time must go by."""


class InlineExecutor(ThreadPoolExecutor):
    """Runs everything at once, on the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `Executor.submit`."""
        future: Future[Any] = Future()
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  # as an executor does
            future.set_exception(error)
        else:
            future.set_result(result)
        return future


def use_inline_threads() -> None:
    """Make the running loop's `to_thread` inline."""
    asyncio.get_running_loop().set_default_executor(InlineExecutor(max_workers=1))


async def in_inline_thread(
    call: Callable[[], T],
    expected: tuple[type[Exception], ...] = (),  # noqa: ARG001  # shape of `in_daemon_thread`
) -> T:
    """Stands in for `runtime.threads.in_daemon_thread`; the call itself must not wait."""
    await asyncio.sleep(CALL_S)
    return call()


def use_no_threads(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Have these modules do inline what they would do in a daemon thread."""
    for module in modules:
        monkeypatch.setattr(f"{module}.in_daemon_thread", in_inline_thread)
