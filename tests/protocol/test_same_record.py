"""A record that was rounded on the radio is the record it was; anything else is another."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from protocol.codec import encode_record
from protocol.frames import MAX_FRAME_BYTES
from protocol.packed import Numbered, pack_batch, unpack_batch
from protocol.records import UNKNOWN_ERROR_MS, CheckIn, Stamp, TimeSource, Undo
from protocol.roster_order import RosterOrder
from protocol.same_record import is_same_record
from tests.musters import check_in, roster
from tests.parties import NOW_MS

ORDER = RosterOrder(roster())
STAMPS = st.builds(
    Stamp,
    st.integers(NOW_MS, NOW_MS + 10**7),
    st.integers(0, 10**9),
    st.integers(0, 2**32 - 1),
    st.sampled_from(TimeSource),
    st.one_of(st.integers(0, 10**6), st.just(UNKNOWN_ERROR_MS)),
)


def packed(*records: CheckIn | Undo) -> list[bytes]:
    """The bodies a gateway makes of them when they come by radio in one frame."""
    numbered = [Numbered(seq, record) for seq, record in enumerate(records, 10)]
    batch = pack_batch(numbered, ORDER, limit_bytes=MAX_FRAME_BYTES)
    assert batch.taken == len(records)
    arrived = [each.record for each in unpack_batch(batch.content, ORDER)]
    return [encode_record(each) for each in arrived if isinstance(each, CheckIn | Undo)]


def undo_of(record: CheckIn, seq: int) -> Undo:
    return Undo(
        record.at,
        record.activation,
        record.point,
        record.lane,
        seq,
        record.person,
        record.credential,
    )


@given(STAMPS, st.integers(0, 1000))
def test_whole_and_packed_are_one(at: Stamp, later_ms: int) -> None:
    """Also the second of a batch, whose clock is the first one's as long as it is close."""
    first = structs.replace(check_in(1), at=at)
    later = structs.replace(at, wall_ms=at.wall_ms + later_ms, mono_ms=at.mono_ms + later_ms + 400)
    second = structs.replace(check_in(2), at=later)
    both = (first, second)
    for record, rounded in zip(both, packed(*both), strict=True):
        whole = encode_record(record)
        assert is_same_record(whole, whole)
        assert is_same_record(whole, rounded)
        assert is_same_record(rounded, whole)
    alone, beside = packed(second)[0], packed(*both)[1]
    assert is_same_record(alone, beside), "packed twice, in different batches"


@given(STAMPS)
def test_an_undo_is_rounded_like_a_check_in(at: Stamp) -> None:
    undo = undo_of(structs.replace(check_in(3), at=at), 4)
    assert is_same_record(packed(undo)[0], encode_record(undo))


def test_a_stranger_keeps_what_was_read() -> None:
    stranger = check_in(None, digest=bytes(16))
    (rounded,) = packed(stranger)
    assert is_same_record(rounded, encode_record(stranger))
    other = structs.replace(stranger.credential, last4="")
    assert not is_same_record(rounded, encode_record(structs.replace(stranger, credential=other)))


WHOLE = check_in(1)
OLD_CLOCK = structs.replace(WHOLE, at=Stamp(NOW_MS + 300, 50_000, 7, TimeSource.RTC, 5000))

OTHERS: dict[str, Callable[[CheckIn], CheckIn]] = {
    "another person": lambda r: structs.replace(r, person=2),
    "another point": lambda r: structs.replace(r, point="shiqiao"),
    "another lane": lambda r: structs.replace(r, lane=2),
    "another activation": lambda r: structs.replace(r, activation=8),
    "another roster": lambda r: structs.replace(r, roster_version=2),
    "another card": lambda r: structs.replace(
        r, credential=structs.replace(r.credential, digest=bytes(16))
    ),
    "another last4": lambda r: structs.replace(
        r, credential=structs.replace(r.credential, last4="9999")
    ),
    "a second later": lambda r: _at(r, wall_ms=r.at.wall_ms + 1000),
    "another source": lambda r: _at(r, source=TimeSource.GNSS),
    "another error": lambda r: _at(r, error_ms=r.at.error_ms + 100_000),
}


def _at(record: CheckIn, **changes: object) -> CheckIn:
    return structs.replace(record, at=structs.replace(record.at, **changes))


@pytest.mark.parametrize("change", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize("record", [WHOLE, OLD_CLOCK], ids=["trusted clock", "old clock"])
def test_whatever_packing_leaves_alone_makes_another_record(
    record: CheckIn, change: Callable[[CheckIn], CheckIn]
) -> None:
    body, other = encode_record(record), encode_record(change(record))
    assert not is_same_record(body, other)
    if change is not OTHERS["another last4"]:  # which is left out of a packed one
        (rounded,) = packed(record)
        assert not is_same_record(rounded, other)
        assert not is_same_record(other, rounded)


@pytest.mark.parametrize(
    ("mono_ms", "is_same"), [(48_499, False), (48_500, True), (50_500, True), (50_501, False)]
)
def test_the_running_clock_may_be_off_by_what_packing_allows(
    mono_ms: int, *, is_same: bool
) -> None:
    rounded = Stamp(NOW_MS, mono_ms, 7, TimeSource.RTC, 8192)
    body = encode_record(structs.replace(OLD_CLOCK, at=rounded))
    assert is_same_record(encode_record(OLD_CLOCK), body) is is_same


def test_another_run_of_the_machine_is_another_record() -> None:
    rounded = Stamp(NOW_MS, 50_000, 8, TimeSource.RTC, 8192)
    body = encode_record(structs.replace(OLD_CLOCK, at=rounded))
    assert not is_same_record(encode_record(OLD_CLOCK), body)


def test_kinds_do_not_mix_and_what_cannot_be_read_is_compared_as_it_is() -> None:
    body = encode_record(WHOLE)
    assert not is_same_record(body, encode_record(undo_of(WHOLE, 1)))
    assert not is_same_record(body, b"\x92\x7f\x01")
    assert not is_same_record(b"\x92\x7f\x02", b"\x92\x7f\x01")
    assert is_same_record(b"\x92\x7f\x01", b"\x92\x7f\x01")
