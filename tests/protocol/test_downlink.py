"""Rosters and activations: sealed to one terminal, in parts, and never spelt out in a repr."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.downlink import (
    Activation,
    Downlink,
    Mode,
    encode_content,
    pack_downlink,
    unpack_downlink,
)
from protocol.errors import BadSignature, CannotOpen, Malformed
from protocol.keys import Enrolment, Peer, Role
from protocol.limits import MAX_MESSAGE_BYTES, MAX_POINTS, MAX_TEXT_CHARS
from protocol.roster import Person, Point, Roster, RosterPart, join_parts
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import OpeningKey, SigningKey

GATEWAY = SigningKey.generate()
OPENING, OTHER_OPENING = OpeningKey.generate(), OpeningKey.generate()
ACTIVATION = Activation(7, "防汛集结", "Flood muster", Mode.REAL, 1_795_000_000_000, 90, 60)
POINTS = (Point("qingshui", "清水镇", "Qingshui"), Point("heping", "和平镇", "Heping"))


def terminal(node: str, opening: OpeningKey) -> Peer:
    signing = SigningKey.generate().public_key().public_bytes_raw()
    sealing = opening.public_key().public_bytes_raw()
    return Peer(Enrolment("qinghe", node, Role.TERMINAL, signing, sealing, "qingshui", 0, 1))


HERE = terminal("qingshui-1", OPENING)


def people(count: int, name: str = "张伟") -> list[Person]:
    return [
        Person(number, number.to_bytes(16, "big"), name, "民兵一排", "qingshui")
        for number in range(count)
    ]


def roster(count: int, name: str = "张伟") -> Roster:
    return Roster(3, 1_795_000_000_000, POINTS, people(count, name))


def opened(message: bytes, shape: type[Activation] = Activation) -> Activation:
    return unpack_downlink(message, shape, GATEWAY.public_key(), "qingshui-1", OPENING)


def test_an_activation_reaches_its_terminal() -> None:
    assert opened(pack_downlink(encode_content(ACTIVATION), "qinghe", HERE, GATEWAY)) == ACTIVATION


def test_another_terminal_cannot_open_it() -> None:
    message = pack_downlink(encode_content(ACTIVATION), "qinghe", HERE, GATEWAY)
    with pytest.raises(CannotOpen, match="another node"):
        unpack_downlink(message, Activation, GATEWAY.public_key(), "qingshui-2", OTHER_OPENING)
    with pytest.raises(CannotOpen):
        unpack_downlink(message, Activation, GATEWAY.public_key(), "qingshui-1", OTHER_OPENING)


def test_another_gateways_word_does_not_count() -> None:
    with pytest.raises(BadSignature):
        opened(pack_downlink(encode_content(ACTIVATION), "qinghe", HERE, SigningKey.generate()))


def test_a_roster_is_never_read_as_an_activation() -> None:
    message = pack_downlink(encode_content(roster(1).split()[0]), "qinghe", HERE, GATEWAY)
    with pytest.raises(CannotOpen):
        opened(message)


@pytest.mark.parametrize("change", [{"county": "elsewhere"}, {"sealed": b"short"}], ids=repr)
def test_what_is_bound_cannot_be_changed(change: dict[str, object]) -> None:
    message = pack_downlink(encode_content(ACTIVATION), "qinghe", HERE, GATEWAY)
    inside = decode_signed(Label.DOWNLINK, message, GATEWAY.public_key(), Downlink)
    altered = msgspec.structs.replace(inside, **change)
    with pytest.raises(CannotOpen):
        opened(encode_signed(Label.DOWNLINK, altered, GATEWAY))


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"title_zh": "x" * (MAX_TEXT_CHARS + 1)},
        {"started_ms": 2**47},
        {"target_percent": 101},
        {"target_minutes": 0},
        {"mode": 4},
    ],
    ids=repr,
)
def test_content_no_terminal_would_take_is_never_sent(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        pack_downlink(
            encode_content(msgspec.structs.replace(ACTIVATION, **change)), "qinghe", HERE, GATEWAY
        )


@given(st.integers(0, 3000))
def test_a_roster_is_split_and_joined(count: int) -> None:
    whole = roster(count)
    parts = whole.split()
    joined = join_parts(parts[::-1])
    assert joined.people == whole.people
    assert joined.points == whole.points
    assert (joined.version, joined.issued_ms) == (whole.version, whole.issued_ms)
    assert [part.part for part in parts] == list(range(parts[0].parts))


def test_many_people_need_several_parts_and_nobody_one() -> None:
    assert len(roster(3000).split()) > 1
    assert [part.people for part in roster(0).split()] == [()]


def test_the_longest_names_still_fit_a_message() -> None:
    longest = "\N{CJK UNIFIED IDEOGRAPH-20000}" * MAX_TEXT_CHARS  # four bytes each in UTF-8
    points = [Point(f"{n:x<32}", longest, longest) for n in range(MAX_POINTS)]
    somebody = [
        Person(2**53 - 1, bytes(16), longest, longest, "p" * 32, longest) for _ in range(500)
    ]
    parts = Roster(2**53 - 1, 2**47 - 1, points, somebody).split()
    assert len(parts) > 1
    for part in parts:
        assert (
            len(pack_downlink(encode_content(part), "q" * 32, HERE, GATEWAY)) <= MAX_MESSAGE_BYTES
        )


@pytest.mark.parametrize("broken", ["none", "missing", "twice", "version", "issued", "points"])
def test_parts_that_do_not_belong_together_are_refused(broken: str) -> None:
    first, second, *rest = roster(3000).split()
    odd: dict[str, list[RosterPart]] = {
        "none": [],
        "missing": [first, *rest],
        "twice": [first, first, *rest],
        "version": [first, msgspec.structs.replace(second, version=4), *rest],
        "issued": [first, msgspec.structs.replace(second, issued_ms=4), *rest],
        "points": [first, msgspec.structs.replace(second, points=()), *rest],
    }
    with pytest.raises(Malformed):
        join_parts(odd[broken])


def test_a_roster_of_a_billion_parts_is_refused_at_once() -> None:
    part = RosterPart(3, 0, 0, 10**9, (), ())
    with pytest.raises(Malformed):
        pack_downlink(encode_content(part), "qinghe", HERE, GATEWAY)
    with pytest.raises(Malformed):
        join_parts([part])


def test_people_are_found_by_card_and_by_number() -> None:
    whole = roster(5)
    assert whole.find((3).to_bytes(16, "big")) == whole.people[3]
    assert whole.find(b"") is None
    assert whole.person(4) == whole.people[4]
    assert whole.person(5) is None
    assert (whole.expected_at("qingshui"), whole.expected_at("heping")) == (5, 0)


def test_people_are_found_by_their_tag_too_and_a_document_counts_first() -> None:
    tag, first = b"tag tag tag tag ", people(2)[0]
    second = msgspec.structs.replace(people(2)[1], other_digests=(tag, first.digest))
    whole = Roster(3, 0, POINTS, [first, second])
    assert whole.find(tag) == whole.find(second.digest) == second
    assert whole.find(first.digest) == first
    assert join_parts(whole.split()).find(tag) == second


def test_an_empty_other_credential_is_refused_too() -> None:
    nobody = msgspec.structs.replace(people(1)[0], other_digests=(b"",))
    with pytest.raises(Malformed):
        encode_content(RosterPart(3, 0, 0, 1, (), (nobody,)))


def test_an_unreadable_card_can_never_be_somebody() -> None:
    """A person without a digest would be found by every card that could not be read."""
    nobody = msgspec.structs.replace(people(1)[0], digest=b"")
    with pytest.raises(Malformed):
        pack_downlink(
            encode_content(RosterPart(3, 0, 0, 1, (), (nobody,))), "qinghe", HERE, GATEWAY
        )


def test_no_repr_holds_a_name() -> None:
    part = roster(2, "金丝雀").split()[0]
    assert repr(part.people[1]) == "Person(1)"
    assert "金丝雀" not in repr(part)
