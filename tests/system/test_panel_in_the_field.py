"""A running terminal on a simulated panel: lights, buttons and the loop around the enclosure."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.panel.board import load_board
from protocol.health import DeviceHealth, DeviceRole
from provisioning.layout import TERMINAL_TOML
from sim.county import County, Post
from sim.devices.panel import HOLD_S, TAP_S
from sim.panel_rig import PanelRig
from tests.system.rig import Hand, drained, live, revive, small_county, until_page

pytestmark = pytest.mark.system

BOARD = "pi-4b"  # the profile of the county's terminals
LOOK_S = 0.05
FINGER_S = 0.3  # between letting go of a button and pressing it again


async def move_to(post: Post, pins: str) -> None:
    """Have the terminal use other pins from its next start on, and start it."""
    await post.process.stop()
    config = post.folder / TERMINAL_TOML
    text = config.read_text()
    assert 'pins = "mock"' in text
    config.write_text(text.replace('pins = "mock"', f'pins = "{pins}"'))
    await revive(post)


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    while not await holds():  # noqa: ASYNC110  # of other processes nobody tells us
        await asyncio.sleep(LOOK_S)


async def hold(rig: PanelRig, button: str) -> None:
    """Hold a button for as long as it takes, let go, and take the finger away."""
    rig.panel.push(button, HOLD_S)
    await asyncio.sleep(HOLD_S + FINGER_S)


async def node_of(county: County) -> dict[str, Any]:
    node: dict[str, Any] = (await county.board())["nodes"][0]
    return node


def troubled(page: dict[str, Any], trouble: str) -> bool:
    return trouble in page["troubles"]


@live(90)
async def test_lights_buttons_and_the_loop_of_a_running_terminal(tmp_path: Path) -> None:
    rig = PanelRig(BOARD, load_board(BOARD))

    async def lit() -> set[str]:
        return set(rig.panel.view.lit)

    async def present() -> int:
        count: int = (await county.board())["present"]
        return count

    async with small_county(tmp_path) as (county, post), rig.daemon:
        hand = Hand(county, post)
        await move_to(post, rig.daemon.url)

        await hand.scan()
        assert await lit() == {"accepted"}
        rig.panel.push("confirm", TAP_S)
        await until_page(post, lambda page: page["verdict"] is None)
        assert await lit() == set()
        await drained(post)
        await until(present)

        await hold(rig, "undo")
        await until_page(post, lambda page: troubled(page, "undone"))
        await drained(post)

        async def nobody_is_present() -> bool:
            return await present() == 0

        await until(nobody_is_present)

        await hold(rig, "pause")
        await until_page(post, lambda page: troubled(page, "lane_paused"))
        captured = post.witness.page["custody"]["captured"]
        card = hand.next_card()
        post.reader.present(card)
        await post.reader.was_read(card)
        post.reader.remove()
        await hold(rig, "pause")
        await until_page(post, lambda page: not troubled(page, "lane_paused"))
        assert post.witness.page["custody"]["captured"] == captured

        rig.panel.open(is_open=True)
        await until_page(post, lambda page: troubled(page, "enclosure_open"))

        async def county_knows() -> bool:
            return (await node_of(county))["enclosure_is_open"] is True

        await until(county_knows)
        await rig.daemon.unplug()

        async def panel_is_missing() -> bool:
            missing = {"role": DeviceRole.PANEL, "kind": BOARD, "health": DeviceHealth.MISSING}
            return missing in (await node_of(county))["devices"]

        await until(panel_is_missing)
        await rig.daemon.plug()
        await hand.scan()  # it goes on all the while
        await drained(post)
