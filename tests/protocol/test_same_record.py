"""One record that came by two ways is one, and nothing else is taken for it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from protocol.codec import encode_record
from protocol.limits import DIGEST_BYTES, MAX_MS
from protocol.packed import Numbered, pack_batch, unpack_batch
from protocol.packed_entry import rounded_error_ms
from protocol.records import (
    UNKNOWN_ERROR_MS,
    CheckIn,
    Credential,
    CredentialKind,
    Record,
    Stamp,
    TimeSource,
    Undo,
    UnknownRecord,
)
from protocol.roster_order import NOBODY, RosterOrder
from protocol.same_record import HIGH_MS, LOW_MS, is_same_record
from protocol.verdict import Reason, Verdict
from tests.musters import person, roster
from tests.protocol.strategies import check_ins, counts, credentials

ORDER = RosterOrder(roster())
SEQ = 41
LIMIT_BYTES = 230
WALL_MS = 1_795_000_000_678

rostered_check_ins = st.builds(
    lambda number, base: structs.replace(
        base,
        person=number,
        credential=Credential(base.credential.kind, person(number).digest, "002X"),
    ),
    st.integers(1, 4),
    check_ins,
)
undos = st.builds(
    lambda base, seq, number, card: Undo(
        base.at, base.activation, base.point, base.lane, seq, number, card
    ),
    check_ins,
    st.integers(1, SEQ - 1),
    st.none() | counts,
    credentials,
)
records = st.one_of(rostered_check_ins, check_ins, undos)


def packed(
    *given_records: Record, order: RosterOrder = ORDER, first_seq: int = SEQ
) -> list[Record | UnknownRecord]:
    """The records as they arrive, as many as share a frame with the first."""
    numbered = [Numbered(first_seq + place, each) for place, each in enumerate(given_records)]
    batch = pack_batch(numbered, order, limit_bytes=LIMIT_BYTES)
    return [each.record for each in unpack_batch(batch.content, order)]


def by_radio(record: Record, *, after: Stamp | None = None) -> bytes:
    """What a packed batch makes of a record; `after`: behind another one of that time."""
    if after is None:
        return encoded(packed(record)[0])
    both = packed(structs.replace(record, at=after), record, first_seq=SEQ - 1)
    return encoded(both[-1])


def encoded(record: Record | UnknownRecord) -> bytes:
    return record.body if isinstance(record, UnknownRecord) else encode_record(record)


def are_same(one: bytes, other: bytes) -> bool:
    """Whether they are the same, whichever came first."""
    forwards = is_same_record(one, other)
    assert is_same_record(other, one) is forwards
    return forwards


@given(records)
def test_whole_and_by_radio_are_the_same_record(record: Record) -> None:
    assert are_same(encode_record(record), by_radio(record))


@given(records, st.integers(-HIGH_MS, HIGH_MS), st.integers(0, 10**6))
def test_two_packings_are_the_same_record(record: Record, off_ms: int, since_ms: int) -> None:
    """The clock of a batch is its first record's: another one may be half a second away."""
    at = record.at
    before = structs.replace(
        at,
        wall_ms=max(0, at.wall_ms - since_ms),
        mono_ms=min(max(0, at.mono_ms - since_ms + off_ms), MAX_MS),
    )
    later = by_radio(record, after=before)
    assert are_same(later, by_radio(record))
    assert are_same(later, encode_record(record))


@given(records)
def test_packed_by_nobody_it_is_the_record_itself(record: Record) -> None:
    (arrived,) = packed(record, order=NOBODY)
    assert are_same(by_radio(record), encoded(arrived))


def stamp(source: TimeSource = TimeSource.GNSS) -> Stamp:
    return Stamp(WALL_MS, 123_456, 7, source, 25)


def check_in(source: TimeSource = TimeSource.GNSS) -> CheckIn:
    return CheckIn(
        stamp(source),
        7,
        "qingshan",
        1,
        Verdict.ACCEPTED,
        Reason.EXPECTED_HERE,
        1,
        1,
        Credential(CredentialKind.RESIDENT_ID, person(1).digest, "002X"),
    )


def undo(source: TimeSource = TimeSource.GNSS) -> Undo:
    whole = check_in(source)
    return Undo(whole.at, 7, "qingshan", 1, SEQ - 1, whole.person, whole.credential)


OTHER_CARD = Credential(CredentialKind.RESIDENT_ID, person(2).digest, "002X")
CHANGES: dict[str, dict[str, object]] = {
    "person": {"person": 2},
    "nobody": {"person": None},
    "digest": {"credential": OTHER_CARD},
    "no digest": {"credential": Credential(CredentialKind.RESIDENT_ID, b"", "002X")},
    "kind": {"credential": Credential(CredentialKind.TAG, person(1).digest, "002X")},
    "another's last four": {
        "credential": Credential(CredentialKind.RESIDENT_ID, person(1).digest, "0021")
    },
    "activation": {"activation": 8},
    "point": {"point": "shiqiao"},
    "lane": {"lane": 2},
    "second": {"at": structs.replace(stamp(), wall_ms=WALL_MS + 1000)},
    "boot": {"at": structs.replace(stamp(), boot=8)},
    "source": {"at": stamp(TimeSource.NTP)},
    "error": {"at": structs.replace(stamp(), error_ms=5000)},
}
CHECK_IN_CHANGES: dict[str, dict[str, object]] = {
    "verdict": {"verdict": Verdict.LOOK},
    "reason": {"reason": Reason.SEEN_BEFORE},
    "roster version": {"roster_version": 2},
}
UNDO_CHANGES: dict[str, dict[str, object]] = {"seq": {"seq": SEQ - 2}}
LEFT_OUT = frozenset({"boot", "another's last four"})
"""Packed by GNSS time a record has none of these, so they cannot tell it from another."""


def changes_of(record: Record) -> dict[str, Record]:
    own = CHECK_IN_CHANGES if isinstance(record, CheckIn) else UNDO_CHANGES
    return {what: structs.replace(record, **fields) for what, fields in {**CHANGES, **own}.items()}


@pytest.mark.parametrize("record", [check_in(), undo()], ids=["check-in", "undo"])
def test_one_changed_field_makes_it_another(record: Record) -> None:
    for what, other in changes_of(record).items():
        assert not are_same(encode_record(record), encode_record(other)), what
        if what not in LEFT_OUT:
            assert not are_same(encode_record(record), by_radio(other)), what
            assert not are_same(by_radio(record), by_radio(other)), what


def test_a_check_in_is_no_undo() -> None:
    assert not are_same(encode_record(check_in()), encode_record(undo()))


@pytest.mark.parametrize("source", [TimeSource.UNSET, TimeSource.RTC])
def test_without_a_trusted_clock_boot_and_running_time_tell_records_apart(
    source: TimeSource,
) -> None:
    whole = check_in(source)
    for moved in ({"boot": 8}, {"mono_ms": 123_456 + LOW_MS + HIGH_MS + 1}, {"mono_ms": 0}):
        other = structs.replace(whole, at=structs.replace(whole.at, **moved))
        assert not are_same(encode_record(whole), by_radio(other)), moved
        assert not are_same(by_radio(whole), by_radio(other)), moved


def test_what_the_last_four_say_of_a_stranger_counts() -> None:
    """Of people on the roster they are left out; a stranger has nothing else to be found by."""
    digest = bytes(DIGEST_BYTES)
    one, other, none = (
        structs.replace(
            check_in(), person=None, credential=Credential(CredentialKind.TAG, digest, last4)
        )
        for last4 in ("1234", "1235", "")
    )
    assert are_same(encode_record(one), by_radio(one))
    for another in (other, none):
        assert not are_same(encode_record(one), by_radio(another))


near_stamps = st.builds(
    Stamp,
    st.sampled_from([WALL_MS, WALL_MS - 678, WALL_MS - 677]),
    st.sampled_from([0, 5, 2000, 2001]),
    st.sampled_from([0, 3]),
    st.sampled_from(TimeSource),
    st.sampled_from([25, 999, 1024, 2048]),
)


@given(near_stamps, near_stamps)
def test_stamps_are_the_same_in_both_orders(one: Stamp, other: Stamp) -> None:
    first, second = (structs.replace(check_in(), at=at) for at in (one, other))
    assert are_same(encode_record(first), encode_record(first))
    are_same(encode_record(first), encode_record(second))


def test_a_whole_record_at_a_full_second_is_not_a_rounding_of_another() -> None:
    """A packed time has no running clock: one that has was never packed."""
    rounded = Stamp(WALL_MS - 678, 0, 0, TimeSource.GNSS, rounded_error_ms(25))
    whole = structs.replace(rounded, mono_ms=5, boot=3)
    first, second = (structs.replace(check_in(), at=at) for at in (rounded, whole))
    assert not are_same(encode_record(first), encode_record(second))


def test_two_whole_records_at_a_full_second_are_no_roundings() -> None:
    at = Stamp(WALL_MS - 678, 10_000, 3, TimeSource.RTC, 5000)
    first, second = (
        structs.replace(check_in(), at=each) for each in (at, structs.replace(at, mono_ms=10_500))
    )
    assert not are_same(encode_record(first), encode_record(second))


def test_an_unknown_error_stays_unknown() -> None:
    whole = structs.replace(check_in(), at=structs.replace(stamp(), error_ms=UNKNOWN_ERROR_MS))
    assert are_same(encode_record(whole), by_radio(whole))


hostile = st.one_of(
    st.binary(max_size=64),
    st.lists(st.none() | st.integers(-(2**63), 2**64 - 1) | st.binary() | st.text()).map(
        msgspec.msgpack.encode
    ),
    st.builds(lambda record, cut: encode_record(record)[:cut], records, st.integers(0, 60)),
    st.just(encode_record(check_in())),
)


@given(hostile, hostile)
def test_whatever_the_bodies_are_there_is_an_answer(one: bytes, other: bytes) -> None:
    assert are_same(one, one)
    are_same(one, other)
