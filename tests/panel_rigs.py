"""A simulated panel in a thread of its own: the pins' library blocks, as it does on a Pi."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from msgspec.structs import replace

from drivers.panel.board import load_board
from sim.panel_rig import PanelRig

T = TypeVar("T")
LIMIT_S = 10


class RunningRig:
    """The rig, and a way to call it from another thread."""

    def __init__(self, board: str, *, is_tonal: bool, sample_us: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._options = (board, is_tonal, sample_us)
        self.rig: PanelRig

    def do(self, act: Callable[[], T]) -> T:
        """Call in the rig's loop; the result."""

        async def call() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(LIMIT_S)

    def wait(self, act: Callable[[], Awaitable[T]]) -> T:
        """Await in the rig's loop; the result."""

        async def call() -> T:
            return await act()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(LIMIT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _make(self) -> PanelRig:
        name, is_tonal, sample_us = self._options
        board = load_board(name)
        if is_tonal:
            board = replace(board, buzzer=replace(board.buzzer, kind="tonal"))
        rig = PanelRig(name, board, sample_us=sample_us)
        await rig.daemon.plug()
        return rig


@contextmanager
def running_rig(
    board: str = "pi-4b", *, is_tonal: bool = False, sample_us: int = 5
) -> Iterator[RunningRig]:
    """A panel that is plugged in."""
    running = RunningRig(board, is_tonal=is_tonal, sample_us=sample_us)
    thread = threading.Thread(target=running._run, daemon=True)
    thread.start()
    running.rig = running.wait(running._make)
    try:
        yield running
    finally:
        running.wait(running.rig.daemon.unplug)
        running._loop.call_soon_threadsafe(running._loop.stop)
        thread.join(LIMIT_S)
        running._loop.close()
