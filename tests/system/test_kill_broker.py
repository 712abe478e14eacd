"""A broker is killed and comes back empty. It was never more than a cache."""

import os
import random
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.system.rig import (
    NODE,
    WEAKENED,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    losses,
    random_moment,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

ROUNDS = 6
LONGEST_LIFE_S = 0.6  # a terminal reconnects after half a second
SCANS = 20


@live(90)
async def test_a_broker_killed_while_records_flow(tmp_path: Path) -> None:
    chance = random.Random(6)
    async with small_county(tmp_path) as (county, post):
        assert "persistence false" in (county.paths.broker / "mosquitto.conf").read_text()
        hand = Hand(county, post)
        async with hand.scanning():
            for _ in range(ROUNDS):
                await until_page(post, lambda page: page["link"] == "up")
                await random_moment(chance, LONGEST_LIFE_S)
                await county.broker.kill()
                await until_page(post, lambda page: page["link"] == "down")
                await county.broker.start()
        await assert_nothing_lost_or_doubled(county, post, hand)


async def lost_with_the_county_machine(
    folder: Path, programs: Mapping[str, Sequence[str]]
) -> list[str]:
    """Losses after a gateway hung, the broker took its messages, and both were killed."""
    async with small_county(folder, programs=programs) as (county, post):
        hand = Hand(county, post)
        os.kill(county.gateway.pid, signal.SIGSTOP)  # the broker cannot tell for half a minute
        await hand.scan(SCANS)
        if programs:
            await drained(post)  # or so it believes
        await county.gateway.kill()
        await county.broker.kill()
        await county.broker.start()
        await county.gateway.start()
        await drained(post)
        return losses(county, hand)


@live(60)
async def test_messages_the_broker_had_acknowledged_are_sent_again(tmp_path: Path) -> None:
    assert await lost_with_the_county_machine(tmp_path, {}) == []


@live(60)
async def test_the_harness_sees_a_terminal_that_takes_a_puback_for_a_receipt(
    tmp_path: Path,
) -> None:
    programs = {NODE: (*WEAKENED, "puback-settles")}
    assert await lost_with_the_county_machine(tmp_path, programs)
