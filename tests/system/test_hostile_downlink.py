"""What a terminal must not believe, though it came from the county's own broker."""

import asyncio
from pathlib import Path

import pytest

from gateway.links.mqtt import ONLINE
from protocol import topics
from protocol.downlink import Activation, Mode, encode_content, pack_downlink
from protocol.keys import Peer, verify_enrolment
from protocol.receipts import Receipt, Refusal, RefusalReason, pack_receipt, pack_refusal
from protocol.roster import RosterPart
from protocol.suites import SigningKey, message_digest
from protocol.topics import Down, Up
from provisioning.layout import IDENTITY
from sim.county import County
from tests.mqtt_probe import Probe, node_context
from tests.system.rig import (
    GATEWAY,
    NODE,
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    identity_of,
    live,
    losses,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

COUNTY = "demo"
SCANS = 5
FAR_AHEAD = 1_000_000  # a sequence number, version and activation of no county's lifetime


def receipt_for_all(node: str, epoch: int, signing: SigningKey) -> bytes:
    receipt = Receipt(COUNTY, node, epoch, FAR_AHEAD, (), (), GATEWAY, 0)
    return pack_receipt(receipt, signing)


def forgeries(county: County, epoch: int) -> list[tuple[Down, bytes]]:
    """Everything that could make a terminal let go of its records or change its muster."""
    gateway = identity_of(county.paths.gateway)
    thief = SigningKey.generate()
    enrolment = county.paths.enrolment(NODE).read_bytes()
    terminal: Peer = verify_enrolment(gateway.authority, enrolment)
    roster = RosterPart(FAR_AHEAD, 0, 0, 1, (), ())
    activation = Activation(FAR_AHEAD, "假", "False", Mode.REAL, 0, 100, 1)
    garbage = bytes(64)
    return [
        (Down.RECEIPT, receipt_for_all(NODE, epoch, thief)),
        (Down.RECEIPT, receipt_for_all("other-1", epoch, gateway.signing_key)),
        (Down.RECEIPT, receipt_for_all(NODE, epoch ^ 1, gateway.signing_key)),
        (Down.ROSTER, pack_downlink(encode_content(roster), COUNTY, terminal, thief)),
        (
            Down.ROSTER,
            pack_downlink(encode_content(activation), COUNTY, terminal, gateway.signing_key),
        ),
        (Down.ACTIVATION, pack_downlink(encode_content(activation), COUNTY, terminal, thief)),
        (Down.REFUSAL, receipt_for_all(NODE, epoch, gateway.signing_key)),
        *((channel, garbage) for channel in Down),
    ]


async def take_everything(probe: Probe) -> None:
    """Stand in for the gateway: the terminal sends all it has, and hears nothing back."""
    records = topics.up(COUNTY, NODE, Up.RECORDS)
    probe.subscribe(records)
    assert probe.publish(topics.gateway_state(COUNTY, GATEWAY), ONLINE, retain=True) == 0
    await asyncio.to_thread(probe.wait_until, lambda topic, _: topic == records)


@live(60)
async def test_a_terminal_believes_no_forged_word_of_the_county(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await hand.scan()
        await drained(post)
        await county.gateway.stop()
        await hand.scan(SCANS)
        before = await until_page(post, lambda page: page["custody"]["waiting"] == SCANS)
        gateway = identity_of(county.paths.gateway)
        identity = county.paths.gateway / IDENTITY
        with Probe(county.broker_port, node_context(identity), GATEWAY) as probe:
            assert probe.connect()
            await take_everything(probe)
            for channel, message in forgeries(county, hand.acknowledged[0].seen.epoch):
                part = 0 if channel is Down.ROSTER else None
                assert probe.publish(topics.down(COUNTY, NODE, channel, part), message) == 0
            # A true word comes after all of them, and shows that they have been looked at.
            digest = message_digest(b"")
            refusal = Refusal(COUNTY, NODE, digest, RefusalReason.MALFORMED, GATEWAY, 0)
            true_word = pack_refusal(refusal, gateway.signing_key)
            assert probe.publish(topics.down(COUNTY, NODE, Down.REFUSAL), true_word) == 0
        after = await until_page(post, lambda page: "county_refuses" in page["troubles"])
        assert after["custody"]["waiting"] == SCANS
        for name in ("roster_version", "activation", "expected"):
            assert after[name] == before[name]
        await county.gateway.start()
        await assert_nothing_lost_or_doubled(county, post, hand)
        await until_page(post, lambda page: "county_refuses" not in page["troubles"])


@live(60)
async def test_the_harness_sees_a_terminal_that_believes(tmp_path: Path) -> None:
    """The same receipt under the county's own key: what keeps the others out is the signature."""
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await county.gateway.stop()
        await hand.scan(SCANS)
        key = identity_of(county.paths.gateway).signing_key
        identity = county.paths.gateway / IDENTITY
        with Probe(county.broker_port, node_context(identity), GATEWAY) as probe:
            assert probe.connect()
            await take_everything(probe)
            receipt = receipt_for_all(NODE, hand.acknowledged[0].seen.epoch, key)
            assert probe.publish(topics.down(COUNTY, NODE, Down.RECEIPT), receipt) == 0
        await drained(post)
        assert losses(county, hand)
