"""What a gateway must not believe: each bad message gets its reason, and is in nobody's way."""

import contextlib
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from protocol import topics
from protocol.errors import ProtocolError
from protocol.keys import Role
from protocol.limits import MAX_MESSAGE_BYTES
from protocol.receipts import Receipt, RefusalReason, unpack_receipt, unpack_refusal
from protocol.suites import message_digest
from protocol.topics import Up
from provisioning.layout import IDENTITY
from provisioning.node_identity import create_node, save_node
from provisioning.vault import load_authority
from sim.county import County
from tests.mqtt_probe import NOT_AUTHORISED, Probe, node_context
from tests.system.forger import UNKNOWN_KIND_BODY, Forger
from tests.system.rig import NODE, POINT, Hand, drained, identity_of, live, small_county

pytestmark = pytest.mark.system

COUNTY = "demo"
STRANGER = "stranger-1"
SCANS = 3

BAD: dict[RefusalReason, Callable[[Forger], bytes]] = {
    RefusalReason.MALFORMED: lambda _: secrets.token_bytes(100),
    RefusalReason.UNSUPPORTED: Forger.of_another_version,
    RefusalReason.BAD_SIGNATURE: Forger.badly_signed,
    RefusalReason.CANNOT_OPEN: Forger.sealed_to_a_stranger,
    RefusalReason.CONFLICT: lambda forger: forger.rewritten(1),
}


def quarantine(county: County) -> dict[bytes, tuple[str, int]]:
    """Node and reason by digest."""
    with contextlib.closing(sqlite3.connect(f"file:{county.ledger}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT digest, node, reason FROM quarantine")
        return {digest: (node, reason) for digest, node, reason in rows}


class Conversation:
    """Somebody with a terminal's keys talks to a real gateway."""

    def __init__(self, county: County, probe: Probe, forger: Forger) -> None:
        self.forger = forger
        self._county, self._probe, self._node = county, probe, forger.identity.node
        self._records = topics.up(COUNTY, self._node, Up.RECORDS)
        probe.subscribe(topics.all_down(COUNTY, self._node))
        self._gateway = identity_of(county.paths.gateway).signing_key.public_key()

    def refused(self, message: bytes) -> RefusalReason:
        """Send something; the reason the gateway signs, which is in quarantine as well."""
        assert self._probe.publish(self._records, message) == 0
        digest, found = message_digest(message), []

        def is_refusal(_topic: str, payload: bytes) -> bool:
            with contextlib.suppress(ProtocolError):
                refusal = unpack_refusal(payload, self._gateway)
                if refusal.message_digest == digest:
                    found.append(refusal.reason)
            return bool(found)

        self._probe.wait_until(is_refusal)
        assert quarantine(self._county)[digest] == (self._node, found[0])
        return found[0]

    def receipted(self, message: bytes, seq: int) -> Receipt:
        """Send something; the receipt that covers `seq`."""
        self._probe.received.clear()
        assert self._probe.publish(self._records, message) == 0
        found: list[Receipt] = []

        def is_receipt(_topic: str, payload: bytes) -> bool:
            with contextlib.suppress(ProtocolError):
                receipt = unpack_receipt(payload, self._gateway)
                if receipt.epoch == self.forger.origin.epoch and seq in receipt.stored():
                    found.append(receipt)
            return bool(found)

        self._probe.wait_until(is_receipt)
        return found[0]


@live(60)
async def test_a_gateway_names_what_is_wrong_and_goes_on(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await hand.scan()
        await drained(post)
        await post.process.stop()  # stolen: its keys and its certificate are somebody else's
        with Probe(county.broker_port, node_context(post.folder / IDENTITY), NODE) as probe:
            assert probe.connect()
            forger = Forger(identity_of(post.folder))
            talk = Conversation(county, probe, forger)
            talk.receipted(first := forger.honest(), 1)
            for reason, make in BAD.items():
                assert talk.refused(make(forger)) is reason
                talk.receipted(forger.honest(), forger.last_seq)
            assert talk.refused(bytes(MAX_MESSAGE_BYTES + 1)) is RefusalReason.MALFORMED
            other = Forger(replace(forger.identity, node=STRANGER))
            assert talk.refused(other.honest()) is RefusalReason.WRONG_SENDER
            elsewhere = topics.up(COUNTY, STRANGER, Up.RECORDS)
            assert probe.publish(elsewhere, forger.honest()) == NOT_AUTHORISED
            # A replay is told again what is held; a kind of the future is held as it is.
            talk.receipted(first, 1)
            talk.receipted(forger.honest(UNKNOWN_KIND_BODY), forger.last_seq)
        board = await county.board()
        while not board["unknown_kinds"]:
            board = await county.board()
        assert (board["unknown_kinds"], board["duplicates"] >= 1) == (1, True)
        assert board["quarantined"] == len(quarantine(county)) == len(BAD) + 2
        newest = board["quarantine"][0]
        assert (newest["node"], newest["reason"]) == (NODE, RefusalReason.WRONG_SENDER)
        said = county.gateway.log.read_text("utf-8").splitlines()
        assert sum("put into quarantine" in line for line in said) == board["quarantined"]
        await post.process.start()
        await post.witness.until_back()
        await post.witness.until_ready()
        await hand.scan(SCANS)
        await drained(post)


@live(60)
async def test_a_node_nobody_enrolled_is_quarantined_until_it_is(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        node = create_node(
            load_authority(county.paths.authority),
            county=COUNTY,
            node=STRANGER,
            role=Role.TERMINAL,
            point=POINT,
            peers=(county.paths.gateway_enrolment.read_bytes(),),
            radio_address=9,
            now=datetime.now(UTC),
        )
        folder = tmp_path / STRANGER
        (folder / IDENTITY).mkdir(parents=True)
        save_node(folder / IDENTITY, node)
        with Probe(county.broker_port, node_context(folder / IDENTITY), STRANGER) as probe:
            assert probe.connect()
            forger = Forger(identity_of(folder))
            talk = Conversation(county, probe, forger)
            message = forger.honest()
            assert talk.refused(message) is RefusalReason.UNKNOWN_NODE
            hand = Hand(county, post)
            await hand.scan(SCANS)
            await drained(post)
            county.paths.enrolment(STRANGER).write_bytes(node.enrolment)
            talk.receipted(message, 1)  # sent again, as a terminal does
