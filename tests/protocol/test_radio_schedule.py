"""Schedules: receipts and grants come back, and only the gateway's own receipts count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.radio_keys import RECEIPT_TAG_BYTES, node_radio_key, receipt_key
from protocol.radio_schedule import (
    MAX_GAPS,
    MAX_GRANT,
    MAX_SLOT_S,
    MAX_TURNS,
    SLOT_STEPS_PER_S,
    Flags,
    HeardTurn,
    ScheduleHead,
    Turn,
    pack_schedule,
    turn_for,
    unpack_schedule,
)
from protocol.sequences import SeqSet

ROOM = 237
EPOCH = 0xDEADBEEF
HEAD = ScheduleHead(1_790_000_000, 1.25)
seq_sets = st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 300)), max_size=30).map(
    lambda spans: SeqSet((first, first + more) for first, more in spans)
)
turns = st.builds(
    turn_for,
    st.integers(0, 2**16 - 1),
    seq_sets,
    grant=st.integers(0, MAX_GRANT),
    flags=st.sampled_from([Flags(bits) for bits in range(8)]),
)


def key_of(address: int) -> bytes:
    return receipt_key(node_radio_key(bytes(32), "qinghe", f"node-{address}"), EPOCH)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**15 - 1),
    st.lists(turns, max_size=6),
)
def test_a_schedule_comes_back(time_s: int, slot: int, said: list[Turn]) -> None:
    head = ScheduleHead(time_s, slot / SLOT_STEPS_PER_S)
    content, taken = pack_schedule(head, said, key_of, limit_bytes=10_000)
    assert taken == len(said)
    got_head, got = unpack_schedule(content)
    assert got_head == head
    assert [each.turn for each in got] == said
    for each in got:
        assert each.is_genuine(key_of(each.turn.address)) is each.turn.has_receipt


@given(seq_sets)
def test_a_receipt_never_says_more_than_is_held(held: SeqSet) -> None:
    turn = turn_for(1, held)
    assert len(turn.gaps) <= MAX_GAPS
    assert list(turn.stored().common(held)) == list(turn.stored())
    if len(held.gaps()) <= MAX_GAPS:
        assert list(turn.stored()) == list(held)


@given(st.lists(turns, min_size=1, max_size=30), st.integers(25, ROOM))
def test_what_does_not_fit_is_said_of_fewer_records_or_left_for_later(
    said: list[Turn], room: int
) -> None:
    content, taken = pack_schedule(HEAD, said, key_of, limit_bytes=room)
    assert len(content) <= room
    assert 1 <= taken <= MAX_TURNS
    _, got = unpack_schedule(content)
    for heard, turn in zip(got, said, strict=False):
        assert (heard.turn.address, heard.turn.grant) == (turn.address, turn.grant)
        assert list(heard.turn.stored().common(turn.stored())) == list(heard.turn.stored())
        assert heard.is_genuine(key_of(turn.address)) is heard.turn.has_receipt


def test_the_smallest_frames_of_any_law_hold_a_turn() -> None:
    """SF11 in China leaves 36 bytes, 18 of them around the content."""
    turn = turn_for(0x1234, SeqSet([(1, 100_000)]), grant=9)
    content, taken = pack_schedule(HEAD, [turn], key_of, limit_bytes=17)
    assert (taken, unpack_schedule(content)[1][0].turn) == (1, turn)
    with pytest.raises(ValueError, match="longer frames"):
        pack_schedule(HEAD, [turn], key_of, limit_bytes=16)


@pytest.mark.parametrize(
    "said",
    [
        "0001 01",  # a flag that has to be believed, without a receipt
        "0001 08 00 00 01020304",  # a receipt that says nothing
    ],
)
def test_a_turn_has_a_receipt_if_there_is_something_to_believe(said: str) -> None:
    with pytest.raises(Malformed):
        unpack_schedule(ScheduleHead(0, 1).pack() + bytes.fromhex(said))


def test_a_time_that_is_not_known_is_not_said() -> None:
    with pytest.raises(Malformed):
        unpack_schedule(bytes.fromhex("8001 00000000"))


def test_who_is_not_known_is_granted_frames_in_three_bytes() -> None:
    content, _ = pack_schedule(ScheduleHead(0, 0.646), [Turn(9, 15)], key_of, limit_bytes=ROOM)
    assert content == bytes.fromhex("0286 0009 f0")


def test_a_turn_is_genuine_for_its_own_terminal_outbox_and_schedule_only() -> None:
    content, _ = pack_schedule(HEAD, [Turn(1, upto=9), Turn(2, upto=9)], key_of, limit_bytes=ROOM)
    first, second = unpack_schedule(content)[1]
    assert first.is_genuine(key_of(1))
    assert not first.is_genuine(key_of(2))
    assert not first.is_genuine(
        receipt_key(node_radio_key(bytes(32), "qinghe", "node-1"), EPOCH + 1)
    )
    assert not HeardTurn(first.turn, second.said, first.tag).is_genuine(key_of(1))
    later, _ = pack_schedule(
        ScheduleHead(HEAD.time_s + 1, 1), [Turn(1, upto=9)], key_of, limit_bytes=ROOM
    )
    assert not HeardTurn(first.turn, unpack_schedule(later)[1][0].said, first.tag).is_genuine(
        key_of(1)
    )


@given(st.integers(0, 8 * 40 - 1))
def test_one_bit_wrong_and_no_receipt_counts(bit: int) -> None:
    turn = turn_for(1, SeqSet([(1, 5), (9, 20)]), grant=3)
    content, _ = pack_schedule(HEAD, [turn], key_of, limit_bytes=ROOM)
    changed = bytearray(content)
    changed[bit // 8 % len(content)] ^= 1 << bit % 8
    try:
        _, got = unpack_schedule(bytes(changed))
    except Malformed:
        return
    assert not any(each.is_genuine(key_of(1)) for each in got)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        head, got = unpack_schedule(data)
    except Malformed:
        return
    packed = head.pack() + b"".join(each.turn.pack() + each.tag for each in got)
    assert len(packed) == len(data)
    for each in got:
        assert len(each.tag) == RECEIPT_TAG_BYTES * each.turn.has_receipt
        assert list(each.turn.gaps) == sorted(each.turn.gaps)


@pytest.mark.parametrize("slot_s", [0.0, 1 / 16, 0.5101, MAX_SLOT_S])
def test_a_slot_is_never_said_too_short(slot_s: float) -> None:
    packed, _ = pack_schedule(ScheduleHead(0, slot_s), [], key_of, limit_bytes=ROOM)
    said_s = unpack_schedule(packed)[0].slot_s
    assert slot_s <= said_s < slot_s + 1 / SLOT_STEPS_PER_S
