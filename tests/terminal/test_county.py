"""What a terminal believes of what a link delivers: the gateway's word, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from protocol.bulletin import Bulletin, Notice, change_between, pack_bulletin
from protocol.downlink import Activation, encode_content, pack_downlink
from protocol.errors import BadSignature
from protocol.keys import Identity
from protocol.radio_news import split_message
from protocol.receipts import Refusal, RefusalReason, pack_receipt, pack_refusal
from protocol.roster import Roster, RosterPart
from runtime.backoff import Backoff
from runtime.clock import SystemClock, TimeFloor
from terminal.bulletins import BulletinBook
from terminal.county import County
from terminal.outbox import Outbox
from terminal.revocations import RevocationBook
from terminal.roster import RosterBook
from terminal.station import Station
from terminal.uplink import Uplink
from terminal.view import LinkState
from tests.badges import badge, credentials, revocations
from tests.musters import ACTIVATION, roster
from tests.outboxes import Bench, receipt
from tests.parties import COUNTY, GATEWAY, NOW_MS, Parties

BYTES_OF_NOBODY = [b"", b"\x00", b"\x93\x01\xc4\x00\xc4\x00", b"garbage"]


class SpyUplink(Uplink):
    """Notes what it was told instead of sending."""

    def __init__(self, outbox: Outbox, identity: Identity) -> None:
        super().__init__(outbox, identity.signing_key, Backoff(1, 2, Random(1)), lambda: 0.0)
        self.told: list[object] = []

    def link_up(self, window: int) -> None:
        self.told.append(("up", window))

    def link_down(self) -> None:
        self.told.append("down")

    def gateway_state(self, *, is_online: bool) -> None:
        self.told.append(("gateway", is_online))

    def receipt(self, receipt: object) -> None:
        self.told.append(receipt)


class Rig:
    """A county as a terminal hears it."""

    def __init__(self, folder: Path) -> None:
        self.bench = bench = Bench(folder / "outbox.db")
        self.parties: Parties = bench.parties
        self.outbox = bench.open()
        self.uplink = SpyUplink(self.outbox, bench.terminal)
        self.station = Station("qingshan", 1, credentials())
        self.clock = SystemClock(TimeFloor(folder / "floor"))
        self.changes = 0
        self.county = County(
            bench.terminal,
            RosterBook(folder, bench.terminal),
            BulletinBook(folder, bench.terminal),
            RevocationBook(folder, bench.terminal),
            self.station,
            self.uplink,
            self.clock,
            self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def receipt(self, by: Identity | None = None, gateway_ms: int = NOW_MS) -> bytes:

        word = structs.replace(receipt(self.outbox.origin, [(1, 1)]), gateway_ms=gateway_ms)
        return pack_receipt(word, (by or self.parties.gateway).signing_key)

    def refusal(self, node: str = "t1", by: Identity | None = None) -> bytes:
        word = Refusal(COUNTY, node, bytes(32), RefusalReason.CONFLICT, GATEWAY, NOW_MS)
        return pack_refusal(word, (by or self.parties.gateway).signing_key)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    made.outbox.close()
    return made


def test_a_receipt_is_passed_on_and_ends_a_refusal(rig: Rig) -> None:
    rig.county.refusal(rig.refusal())
    assert rig.county.refuses
    rig.county.receipt(rig.receipt())
    assert not rig.county.refuses
    assert rig.uplink.told == [receipt(rig.outbox.origin, [(1, 1)])]


def test_a_receipt_raises_the_floor_of_time(rig: Rig) -> None:
    floor_ms = rig.clock.floor_ms
    rig.county.receipt(rig.receipt(gateway_ms=floor_ms + 10**8))
    assert rig.clock.floor_ms == floor_ms + 10**8


def test_a_forged_receipt_settles_nothing_and_moves_no_clock(rig: Rig) -> None:
    floor_ms = rig.clock.floor_ms
    for forger in (rig.bench.terminal, Parties().gateway):
        rig.county.receipt(rig.receipt(forger, gateway_ms=floor_ms + 10**8))
    assert rig.uplink.told == []
    assert rig.clock.floor_ms == floor_ms


def test_a_receipt_for_another_node_is_left_alone(rig: Rig) -> None:
    origin = rig.outbox.origin
    other = receipt(type(origin)(origin.county, "t2", origin.epoch), [(1, 1)])
    rig.county.receipt(pack_receipt(other, rig.parties.gateway.signing_key))
    assert rig.uplink.told == []


def test_a_forged_refusal_or_one_for_another_alarms_nobody(rig: Rig) -> None:
    rig.county.refusal(rig.refusal(by=Parties().gateway))
    rig.county.refusal(rig.refusal(node="t2"))
    assert not rig.county.refuses
    assert rig.changes == 0


@pytest.mark.parametrize("message", BYTES_OF_NOBODY)
def test_bytes_of_nobody_change_nothing(rig: Rig, message: bytes) -> None:
    listener = rig.county
    hears: list[Callable[[bytes], None]] = [
        listener.receipt,
        listener.refusal,
        listener.roster_part,
        listener.activation,
        listener.revocations,
    ]
    for hear in hears:
        hear(message)
    assert (rig.uplink.told, rig.changes, rig.station.roster) == ([], 0, None)


def test_a_roster_and_an_activation_reach_the_station(rig: Rig) -> None:
    peer, key = rig.parties.peer(rig.bench.terminal), rig.parties.gateway.signing_key
    (part,) = roster(5).split()
    rig.county.roster_part(pack_downlink(encode_content(part), COUNTY, peer, key))
    assert rig.station.roster is not None
    assert rig.station.roster.version == 5
    rig.county.activation(pack_downlink(encode_content(ACTIVATION), COUNTY, peer, key))
    assert rig.station.activation == ACTIVATION
    assert rig.changes == 2
    rig.county.activation(pack_downlink(encode_content(ACTIVATION), COUNTY, peer, key))
    assert rig.changes == 2


def test_revoked_badges_reach_the_station(rig: Rig) -> None:
    rig.county.revocations(revocations(1, [badge(1).badge_id]))
    assert rig.station.credentials.revoked == {badge(1).badge_id}
    assert rig.changes == 1
    for nothing_new in (revocations(1), revocations(0)):
        rig.county.revocations(nothing_new)
    assert rig.station.credentials.revoked == {badge(1).badge_id}
    assert rig.changes == 1


def test_a_forged_list_of_revoked_badges_frees_and_revokes_nobody(rig: Rig) -> None:
    rig.county.revocations(revocations(1, [badge(1).badge_id]))
    for forged in (
        revocations(2, [badge(2).badge_id], key=rig.parties.gateway.signing_key),
        revocations(2, county="elsewhere"),
    ):
        rig.county.revocations(forged)
    assert rig.station.credentials.revoked == {badge(1).badge_id}


def test_a_forged_roster_is_ignored(rig: Rig) -> None:
    peer = rig.parties.peer(rig.bench.terminal)
    (part,) = roster(5).split()
    rig.county.roster_part(
        pack_downlink(encode_content(part), COUNTY, peer, Parties().gateway.signing_key)
    )
    assert rig.station.roster is None


def test_the_link_is_shown_as_it_is(rig: Rig) -> None:
    county = rig.county
    seen = [county.link]
    county.link_up(20)
    seen.append(county.link)
    county.gateway_state(is_online=False)
    county.link_down(refused=False)
    seen.append(county.link)
    county.link_down(refused=True)
    seen.append(county.link)
    assert seen == [LinkState.DOWN, LinkState.UP, LinkState.DOWN, LinkState.REFUSED]
    assert rig.uplink.told == [("up", 20), ("gateway", False), "down", "down"]


def test_a_terminal_that_is_turned_away_goes_on_trying(rig: Rig) -> None:
    """An access list put right must be enough: nobody comes to restart the terminal."""
    county = rig.county
    county.link_up(20)
    county.turned_away()
    seen = [county.link]
    assert rig.uplink.told == [("up", 20)]  # its window stays open
    county.receipt(rig.receipt())
    seen.append(county.link)
    assert seen == [LinkState.REFUSED, LinkState.UP]


def test_an_identity_without_a_gateway_is_named(rig: Rig, tmp_path: Path) -> None:
    identity = rig.bench.terminal
    lonely = type(identity)(**{**vars(identity), "peers": ()})
    with pytest.raises(BadSignature, match="names no gateway"):
        County(
            lonely,
            RosterBook(tmp_path, lonely),
            BulletinBook(tmp_path, lonely),
            RevocationBook(tmp_path, lonely),
            rig.station,
            rig.uplink,
            rig.clock,
            lambda: None,
        )


def test_a_carried_receipt_counts_and_says_nothing_about_the_link(rig: Rig) -> None:
    rig.county.link_down(refused=True)
    rig.county.refuses = True
    rig.county.carried_receipt(rig.receipt())
    assert rig.uplink.told[-1] == receipt(rig.outbox.origin, [(1, 1)])
    assert not rig.county.refuses
    assert rig.county.link is LinkState.REFUSED


def test_a_carried_receipt_of_somebody_else_is_not_believed(rig: Rig) -> None:
    rig.county.carried_receipt(rig.receipt(by=rig.parties.terminal("t2")))
    assert rig.uplink.told == []


LATER = structs.replace(ACTIVATION, number=99, started_ms=ACTIVATION.started_ms + 1000)
NOTICES = (Notice(NOW_MS, "改到操场"), Notice(NOW_MS - 9000, "带雨具"))
BULLETIN = Bulletin(COUNTY, 4, NOW_MS, LATER, 0, NOTICES, 1, None)


def bulletin(rig: Rig, by: Identity | None = None, **changes: object) -> bytes:
    word = structs.replace(BULLETIN, **changes)
    return pack_bulletin(word, (by or rig.parties.gateway).signing_key)


def sealed_to_us(rig: Rig, content: Activation | RosterPart) -> bytes:
    peer = rig.parties.peer(rig.bench.terminal)
    return pack_downlink(encode_content(content), COUNTY, peer, rig.parties.gateway.signing_key)


def test_a_bulletin_brings_activation_and_notice(rig: Rig) -> None:
    assert (rig.county.news_number, rig.county.notice) == (0, None)
    rig.county.bulletin(bulletin(rig))
    assert rig.station.activation == LATER
    assert rig.county.notice == NOTICES[0]
    assert (rig.county.news_number, rig.county.ended_ms, rig.changes) == (4, None, 1)


def test_a_bulletin_of_an_earlier_muster_does_not_take_the_station_back(rig: Rig) -> None:
    rig.county.activation(sealed_to_us(rig, LATER))
    rig.county.bulletin(bulletin(rig, activation=ACTIVATION, ended_ms=NOW_MS))
    assert rig.station.activation == LATER
    assert rig.county.ended_ms is None  # that was the muster before


def test_a_bulletin_ends_the_muster_it_is_about(rig: Rig) -> None:
    rig.county.activation(sealed_to_us(rig, LATER))
    rig.county.bulletin(bulletin(rig, ended_ms=NOW_MS + 5))
    assert rig.county.ended_ms == NOW_MS + 5


def test_by_radio_the_pieces_are_enough(rig: Rig) -> None:
    for piece in split_message(bulletin(rig), 4, 80):
        rig.county.news(piece.pack())
    rig.county.news(b"\xff")
    assert rig.county.notice == NOTICES[0]


def test_a_bulletin_that_is_not_the_gateways_word_changes_nothing(rig: Rig) -> None:
    rig.county.bulletin(bulletin(rig, by=rig.parties.terminal("t2")))
    rig.county.bulletin(b"garbage")
    assert (rig.station.activation, rig.county.notice, rig.changes) == (None, None, 0)


@pytest.mark.parametrize("roster_comes_first", [True, False])
def test_its_change_makes_the_new_roster(rig: Rig, roster_comes_first: bool) -> None:
    before = roster(1)
    after = Roster(2, before.issued_ms + 5, before.points.values(), before.people[1:])
    change = change_between(before, after)
    messages = [
        (rig.county.roster_part, sealed_to_us(rig, next(iter(before.split())))),
        (rig.county.bulletin, bulletin(rig, change=change, roster_version=2)),
    ]
    for take, message in messages if roster_comes_first else reversed(messages):
        take(message)
    assert rig.station.roster is not None
    assert rig.station.roster.version == 2
    assert rig.station.roster.people == after.people


def test_the_gateways_time_by_radio_raises_the_floor(rig: Rig) -> None:
    later_ms = rig.clock.floor_ms + 10**9
    rig.county.gateway_time(later_ms)
    assert rig.clock.floor_ms == later_ms


def test_a_gateway_is_reached_by_network_only_while_both_are_there(rig: Rig) -> None:
    county = rig.county
    seen = [county.is_reached]
    county.link_up(20)
    seen.append(county.is_reached)
    county.gateway_state(is_online=False)
    seen.append(county.is_reached)
    county.gateway_state(is_online=True)
    county.turned_away()
    seen.append(county.is_reached)
    assert seen == [False, True, False, False]
