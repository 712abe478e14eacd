"""Virtual time: an event loop that never waits, for tests and stories of any length."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose clock starts at 0 and jumps to the next timer.

    In-memory lines only: it does not wait for files, sockets or threads, it only looks whether
    they are ready. Raises `RuntimeError` when every task waits and no timer is set.
    """

    def __init__(self) -> None:
        self._virtual_now_s = 0.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._virtual_now_s

    def _jump(self, by_s: float) -> None:
        self._virtual_now_s += by_s


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("every task waits and no timer is set: nothing can ever happen")
        self._jump(timeout)
        return []


class Run(Protocol):
    """Runs a coroutine to its end; the type of the tests' `run` fixture."""

    def __call__(self, main: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` under virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
