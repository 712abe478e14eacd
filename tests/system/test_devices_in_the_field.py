"""Readers that are missing, pulled out, on a bad line or dumb, and cards nobody has seen before.

The page says what is wrong, and the terminal goes on without a restart when it is right again.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from protocol.health import DeviceHealth
from protocol.verdict import Reason, Verdict
from sim.county import Post
from sim.devices.card import TEXT_BLOCK_BYTES, Card
from sim.faults import Fault, bit_flip, clean, line_noise, torn
from tests.system.rig import (
    Hand,
    assert_nothing_lost_or_doubled,
    live,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

SCANS = 4
READS = 4  # of a card that stays
TEXT_AT = 5 + 2 + 3 + 4  # in a read reply: preamble, length, status, lengths of the parts
TYPE_AT = TEXT_AT + 248  # hw/sdt-reader.md 6
NO_KNOWN_TYPE = ord("Q")


class Line:
    """A reader's line that a test can spoil and mend."""

    def __init__(self) -> None:
        self.fault: Fault = clean

    def __call__(self, data: bytes, random: Random) -> Iterator[bytes]:
        yield from self.fault(data, random)


def silent(_data: bytes, _random: Random) -> Iterator[bytes]:
    yield from ()


def of_the_future(data: bytes, _random: Random) -> Iterator[bytes]:
    """Every card read is of a type that does not exist yet."""
    if len(data) < TEXT_AT + TEXT_BLOCK_BYTES:
        yield data
        return
    changed = bytearray(data)
    changed[-1] ^= changed[TYPE_AT] ^ NO_KNOWN_TYPE  # the checksum is an exclusive or
    changed[TYPE_AT] = NO_KNOWN_TYPE
    yield bytes(changed)


async def until_reader(post: Post, health: DeviceHealth) -> None:
    await until_page(post, lambda page: page["reader"] == health)


async def verdict_on(post: Post, card: Card) -> dict[str, Any]:
    """What the screen says about a card."""
    before = post.witness.latest
    post.reader.present(card)
    await post.witness.next_verdict(before)
    post.reader.remove()
    shown: dict[str, Any] = post.witness.page["verdict"]
    return shown


@live(60)
async def test_a_reader_that_is_missing_pulled_out_and_plugged_in(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await post.process.stop()
        await post.reader_cable.unplug()
        await post.process.start()
        await post.witness.until_back()
        await until_reader(post, DeviceHealth.MISSING)
        await post.reader_cable.plug()
        await until_reader(post, DeviceHealth.READY)
        async with hand.scanning():
            for _ in range(2):
                await until_page(post, lambda page: page["reader"] == DeviceHealth.READY)
                await post.reader_cable.unplug()  # in the middle of whatever it says
                await until_reader(post, DeviceHealth.MISSING)
                await post.reader_cable.plug()
                await until_reader(post, DeviceHealth.READY)
        await hand.scan(SCANS)
        await assert_nothing_lost_or_doubled(county, post, hand)


@live(60)
async def test_a_line_that_is_noisy_torn_flipping_or_dead(tmp_path: Path) -> None:
    line = Line()
    async with small_county(tmp_path, reader_fault=line) as (county, post):
        hand = Hand(county, post)
        for fault in (line_noise, torn, bit_flip):
            line.fault = fault
            await hand.scan(SCANS)
        line.fault = silent
        await until_reader(post, DeviceHealth.SILENT)
        line.fault = clean
        await until_reader(post, DeviceHealth.READY)
        await hand.scan(SCANS)
        await assert_nothing_lost_or_doubled(county, post, hand)
        assert len(hand.acknowledged) == post.witness.page["custody"]["captured"]


@live(60)
async def test_cards_with_a_bad_number_of_a_new_type_or_left_on_the_reader(
    tmp_path: Path,
) -> None:
    line = Line()
    async with small_county(tmp_path, reader_fault=line) as (county, post):
        hand = Hand(county, post)
        real = hand.next_card()
        wrong_digit = "0" if real.number[-1] != "0" else "1"
        shown = await verdict_on(post, Card(number=real.number[:-1] + wrong_digit, name=real.name))
        assert (shown["verdict"], shown["reason"]) == (Verdict.LOOK, Reason.BAD_CHECK_DIGIT)
        line.fault = of_the_future
        shown = await verdict_on(post, hand.next_card())
        assert (shown["verdict"], shown["reason"]) == (Verdict.LOOK, Reason.UNKNOWN_LAYOUT)
        line.fault = clean
        await hand.scan()
        staying = hand.next_card()
        post.reader.present(staying)
        async with asyncio.timeout(10):
            for _ in range(READS):
                await post.reader.was_read(staying)
        captured = (await until_page(post, lambda page: page["verdict"]))["custody"]["captured"]
        await post.reader.was_read(staying)
        assert post.witness.page["custody"]["captured"] == captured == 4
        await hand.scan(SCANS)
        await assert_nothing_lost_or_doubled(county, post, hand)
