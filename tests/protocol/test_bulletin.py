"""Bulletins: what everybody must know, and changes of a roster that leave nobody out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from protocol.bulletin import (
    MAX_CHANGED,
    MAX_NOTICE_CHARS,
    Bulletin,
    Notice,
    Placed,
    change_between,
    changed,
    pack_bulletin,
    unpack_bulletin,
)
from protocol.downlink import Activation, Mode
from protocol.errors import BadSignature, Malformed, OtherRoster
from protocol.roster import Person, Point, Roster
from protocol.roster_order import RosterOrder
from protocol.suites import SigningKey

GATEWAY = SigningKey.generate()
ACTIVATION = Activation(3, "防汛", "Flood", Mode.DRILL, 1_790_000_000_000, 90, 60)
POINTS = [Point("qingshui", "清水镇", "Qingshui"), Point("baihe", "白河乡", "Baihe")]
BULLETIN = Bulletin("qinghe", 4, 1_790_000_500_000, ACTIVATION, 0, (), 3, None)


def person(number: int, unit: str = "unit", point: str = "qingshui") -> Person:
    return Person(number, number.to_bytes(16, "big"), f"name {number}", unit, point)


def roster(people: list[Person], version: int = 1) -> Roster:
    return Roster(version, 1_790_000_000_000 + version, POINTS, people)


people = st.lists(
    st.builds(person, st.integers(1, 40), st.sampled_from("ab"), st.sampled_from(["baihe", "x"])),
    unique_by=lambda each: each.number,
    max_size=30,
)


@given(people, people)
def test_a_change_makes_exactly_the_new_roster(old: list[Person], new: list[Person]) -> None:
    before, after = roster(old), roster(new, 2)
    change = change_between(before, after)
    assert change is not None
    made = changed(before, change)
    assert (made.people, made.version, made.issued_ms) == (after.people, 2, after.issued_ms)
    assert RosterOrder(made).fingerprint == RosterOrder(after).fingerprint


def test_what_stays_is_not_sent() -> None:
    old = [person(number) for number in range(500)]
    new = [*old[:100], *old[101:], person(900)]
    change = change_between(roster(old), roster(new, 2))
    assert change is not None
    assert change.gone == (100,)
    assert change.placed == (Placed(499, person(900)),)


def test_more_than_a_change_can_say() -> None:
    everybody = [person(number) for number in range(MAX_CHANGED + 1)]
    assert change_between(roster([]), roster(everybody, 2)) is None
    assert change_between(roster(everybody), roster([], 2)) is None
    elsewhere = Roster(2, 2, POINTS[:1], everybody)
    assert change_between(roster(everybody), elsewhere) is None


def test_a_change_is_of_one_roster_only() -> None:
    change = change_between(roster([person(1)]), roster([person(2)], 2))
    assert change is not None
    with pytest.raises(OtherRoster):
        changed(roster([person(1)], 3), change)
    beyond = structs.replace(change, placed=(Placed(1, person(2)),))
    with pytest.raises(Malformed):
        changed(roster([person(1)]), beyond)


def test_a_bulletin_is_one_countys_and_one_gateways() -> None:
    message = pack_bulletin(BULLETIN, GATEWAY)
    assert unpack_bulletin(message, "qinghe", GATEWAY.public_key()) == BULLETIN
    with pytest.raises(Malformed):
        unpack_bulletin(message, "baihe", GATEWAY.public_key())
    with pytest.raises(BadSignature):
        unpack_bulletin(message, "qinghe", SigningKey.generate().public_key())


@pytest.mark.parametrize("text", ["", "x" * (MAX_NOTICE_CHARS + 1)])
def test_a_notice_is_a_sentence(text: str) -> None:
    bulletin = structs.replace(BULLETIN, notices=(Notice(0, text),))
    with pytest.raises(Malformed):
        unpack_bulletin(pack_bulletin(bulletin, GATEWAY), "qinghe", GATEWAY.public_key())
