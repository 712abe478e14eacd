"""Lanes as processes on a real network that is cut and heals: what they agree on."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

import pytest

from sim.processes import REPOSITORY
from terminal.links.lan import REOPEN_LIMIT_S
from terminal.neighbours import BEAT_S, LAN_LOST_S
from tests.system import cables
from tests.system.cables import Cable, End
from tests.system.rig import live

pytestmark = pytest.mark.system

ASK_S: Final = 0.05
AT_ONCE_S: Final = 2.0
HEALED_S: Final = REOPEN_LIMIT_S + BEAT_S + AT_ONCE_S


class LaneProcess:
    """A lane somewhere on the network."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def ask(self, line: str) -> str:
        """The answer to one command."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{line}\n".encode())
        return (await stdout.readline()).decode().strip()

    async def until(self, question: str, answer: str, limit_s: float) -> None:
        """Ask until the answer is this one. Raises `TimeoutError`."""
        async with asyncio.timeout(limit_s):
            while True:
                if await self.ask(question) == answer:
                    return
                await asyncio.sleep(ASK_S)


@asynccontextmanager
async def lane(number: int, end: End) -> AsyncIterator[LaneProcess]:
    process = await asyncio.create_subprocess_exec(
        *end.prefix,
        *(sys.executable, "-m", "tests.system.lane_process"),
        *(str(number), end.interface, end.group, str(end.port)),
        stdin=PIPE,
        stdout=PIPE,
        cwd=REPOSITORY,
    )
    try:
        yield LaneProcess(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@pytest.mark.parametrize("laid", cables.possible(), ids=lambda laid: str(laid.__qualname__))
@live(90)
async def test_lanes_agree_before_a_cut_and_after_it(
    laid: Callable[[], AbstractAsyncContextManager[Cable]],
) -> None:
    async with AsyncExitStack() as stack:
        cable = await stack.enter_async_context(laid())
        here, there = cable.ends
        first = await stack.enter_async_context(lane(1, here))
        second = await stack.enter_async_context(lane(2, there))
        third = await stack.enter_async_context(lane(3, there))
        await first.until("lanes", "2 3", HEALED_S)
        await second.ask("scan 1")
        await first.until("elsewhere 1", "2", AT_ONCE_S)
        await third.until("elsewhere 1", "2", AT_ONCE_S)

        await cable.pull()
        await first.ask("scan 2")
        await second.ask("undo")
        await first.until("lanes", "-", LAN_LOST_S + AT_ONCE_S)
        assert await first.ask("elsewhere 1") == "2"
        assert await second.ask("elsewhere 2") == "-"

        await cable.plug_in()
        await first.until("elsewhere 1", "-", HEALED_S)
        await second.until("elsewhere 2", "1", HEALED_S)
        await third.until("elsewhere 2", "1", HEALED_S)
        await first.until("lanes", "2 3", HEALED_S)
