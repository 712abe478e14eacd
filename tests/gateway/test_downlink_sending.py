"""What goes down to terminals: the newest of everything to each, and nothing of what was before."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.downlink import Downlink
from protocol.downlink import Activation, unpack_downlink
from protocol.keys import credential_digest
from protocol.roster import Person, Roster, RosterPart
from protocol.topics import Down
from tests.badges import revocations
from tests.inline_threads import use_inline_threads
from tests.musters import ACTIVATION, QINGSHAN
from tests.parties import COUNTY_KEY, NOW_MS, Parties

NODES = ("t1", "t2", "t3")
TURNS = 100  # of the event loop: more than sending takes
Retained = dict[tuple[str, Down, int | None], bytes]


def crowd(version: int, count: int) -> Roster:
    people = [
        Person(
            n, credential_digest(COUNTY_KEY, str(n)), f"某{n}" * 8, "一排", "qingshan", "岗" * 40
        )
        for n in range(1, count + 1)
    ]
    return Roster(version, NOW_MS, [QINGSHAN], people)


SHORT, LONG = crowd(2, 3), crowd(1, 1000)


class Rig:
    """A broker that retains, and terminals that open what they find there."""

    def __init__(self) -> None:
        self.parties = Parties()
        self.terminals = {node: self.parties.terminal(node) for node in NODES}
        self.peers = [self.parties.peer(each) for each in self.terminals.values()]
        self.retained: Retained = {}
        self.after_publish: Callable[[], None] = lambda: None
        self.downlink = Downlink(self.parties.gateway, self.publish, ACTIVATION)

    def publish(self, node: str, channel: Down, message: bytes, part: int | None) -> None:
        self.retained[node, channel, part] = message
        if not message:
            del self.retained[node, channel, part]
        self.after_publish()

    async def turn(self) -> None:
        use_inline_threads()
        running = asyncio.create_task(self.downlink.run())
        for _ in range(TURNS):
            await asyncio.sleep(0)
        running.cancel()

    def found(self, node: str) -> tuple[Activation, list[RosterPart]]:
        identity, gateway = self.terminals[node], self.parties.gateway.signing_key.public_key()
        opening = identity.opening_key
        mine = sorted(
            (part, message)
            for (name, channel, part), message in self.retained.items()
            if name == node and channel is Down.ROSTER and part is not None
        )
        parts = [unpack_downlink(each, RosterPart, gateway, node, opening) for _, each in mine]
        message = self.retained[node, Down.ACTIVATION, None]
        return unpack_downlink(message, Activation, gateway, node, opening), parts


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_every_terminal_gets_the_activation_and_the_whole_roster(rig: Rig) -> None:
    rig.downlink.send(rig.peers, LONG)
    asyncio.run(rig.turn())
    assert len(LONG.split()) > 1
    for node in NODES:
        assert rig.found(node) == (ACTIVATION, LONG.split())


def test_a_shorter_roster_leaves_nothing_of_a_longer_one(rig: Rig) -> None:
    async def one_after_the_other() -> None:
        for roster in (LONG, SHORT):
            rig.downlink.send(rig.peers, roster)
            await rig.turn()

    asyncio.run(one_after_the_other())
    for node in NODES:
        assert rig.found(node) == (ACTIVATION, SHORT.split())


def test_what_is_asked_for_meanwhile_takes_the_place_of_what_is_being_sent(rig: Rig) -> None:
    def ask_once() -> None:
        rig.after_publish = lambda: None
        rig.downlink.send(rig.peers, SHORT)

    rig.after_publish = ask_once
    rig.downlink.send(rig.peers, LONG)
    asyncio.run(rig.turn())
    for node in NODES:
        assert rig.found(node) == (ACTIVATION, SHORT.split())


def test_revoked_badges_go_to_everybody_at_once_and_as_they_came(rig: Rig) -> None:
    message = revocations(1)
    rig.downlink.send_to_all(rig.peers, Down.REVOCATIONS, message)
    assert rig.retained == {(node, Down.REVOCATIONS, None): message for node in NODES}


def test_nothing_is_sent_before_it_is_asked_for(rig: Rig) -> None:
    asyncio.run(rig.turn())
    assert not rig.retained
