"""The terminal's panel on a simulated one, across a real socket: `pins = "pigpio://..."`."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from drivers.panel.board import Button
from protocol.health import DeviceHealth
from protocol.verdict import SIGNS, Verdict
from terminal.panel import Panel
from terminal.settings import PanelSettings
from tests.panel_rigs import RunningRig, running_rig

LIMIT_S = 10


@pytest.fixture
def rig() -> Iterator[RunningRig]:
    with running_rig(is_tonal=True, sample_us=1) as running:
        yield running


@dataclass
class Told:
    """What the panel told."""

    buttons: list[Button] = field(default_factory=list)
    tampers: list[bool] = field(default_factory=list)
    health: list[DeviceHealth] = field(default_factory=list)


@asynccontextmanager
async def panel_on(rig: RunningRig) -> AsyncIterator[tuple[Panel, Told]]:
    told = Told()
    panel = Panel(
        PanelSettings("pi-4b", rig.rig.daemon.url),
        on_button=told.buttons.append,
        on_tamper=told.tampers.append,
        changed=lambda: told.health.append(panel.health),
    )
    running = asyncio.create_task(panel.run())
    try:
        yield panel, told
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not is_so():  # noqa: ASYNC110  # another thread, or a browser, makes it so
            await asyncio.sleep(0.01)


def listeners() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "callback_thread" in thread.name]


def test_a_tester_sees_hears_presses_and_opens(rig: RunningRig) -> None:
    async def main() -> None:
        async with panel_on(rig) as (panel, told):
            await until(lambda: told.health == [DeviceHealth.READY])
            for verdict in Verdict:
                panel.show(verdict)
                assert rig.do(lambda: rig.rig.panel.view.lit) == {SIGNS[verdict].light}
                before = len(rig.do(lambda: rig.rig.panel.view.sounds))
                await asyncio.sleep(sum(b.length_s + b.pause_s for b in SIGNS[verdict].tone) + 0.1)
                heard = rig.do(lambda: rig.rig.panel.view.sounds)[before:]
                assert len(heard) in {0, len(SIGNS[verdict].tone)}  # 0: the list was full
                assert all(sound.length_ms for sound in heard)
            panel.show(None)
            assert rig.do(lambda: rig.rig.panel.view.lit) == set()
            rig.do(lambda: rig.rig.panel.push("confirm", 0.2))
            rig.do(lambda: rig.rig.panel.push("pause", 0.3))  # too short: it must be held
            rig.do(lambda: rig.rig.panel.push("undo", 1.4))
            await until(lambda: len(told.buttons) == 2)
            assert told.buttons == [Button.CONFIRM, Button.UNDO]
            rig.do(lambda: rig.rig.panel.open(is_open=True))
            await until(lambda: told.tampers == [False, True])
            assert panel.enclosure_is_open is True
        await until(lambda: rig.rig.daemon.clients == 0)
        assert rig.do(lambda: rig.rig.panel.view.lit) == set()
        await until(lambda: not listeners())

    asyncio.run(main())


def test_a_header_that_goes_and_comes_is_used_again(rig: RunningRig) -> None:
    async def main() -> None:
        async with panel_on(rig) as (panel, told):
            await until(lambda: told.health == [DeviceHealth.READY])
            rig.wait(rig.rig.daemon.unplug)
            panel.show(Verdict.STOP)  # nobody is there to see it; that must not end the terminal
            await until(lambda: told.health[-1] is DeviceHealth.MISSING)
            await until(lambda: not listeners())  # the library's thread would spin for ever
            assert panel.enclosure_is_open is None
            rig.do(lambda: rig.rig.panel.open(is_open=True))
            rig.wait(rig.rig.daemon.plug)
            await until(lambda: told.health[-1] is DeviceHealth.READY)
            assert told.tampers == [False, True]  # opened while it was away
            assert rig.do(lambda: rig.rig.panel.view.lit) == {"stop"}

    asyncio.run(main())


def test_a_header_that_is_not_there_is_waited_for(rig: RunningRig) -> None:
    async def main() -> None:
        rig.wait(rig.rig.daemon.unplug)
        async with panel_on(rig) as (_panel, told):
            await until(lambda: told.health[-1:] == [DeviceHealth.MISSING])
            rig.wait(rig.rig.daemon.plug)
            await until(lambda: told.health[-1] is DeviceHealth.READY)

    asyncio.run(main())


def test_somebody_who_never_answers_is_silence_and_no_hanging() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            health: list[DeviceHealth] = []
            panel = Panel(
                PanelSettings("pi-4b", f"pigpio://127.0.0.1:{port}"),
                changed=lambda: health.append(panel.health),
            )
            running = asyncio.create_task(panel.run())
            await until(lambda: health == [DeviceHealth.SILENT])
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
