"""Records to bytes and back, across releases and against hostile bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.codec import UNREADABLE_KIND, decode_record, encode_record, kind_of
from protocol.records import CheckIn, Record, UnknownRecord
from tests.protocol.strategies import check_ins
from tests.vectors.make_vectors import RECORDS

ACCEPTED = RECORDS["accepted"]
BODY = encode_record(ACCEPTED)
DEEP = b"\x91" * 5000
Change = dict[int, object]


def with_fields(changes: Change, record: Record = ACCEPTED) -> bytes:
    fields: list[Any] = msgspec.msgpack.decode(encode_record(record))
    for place, value in changes.items():
        fields[place] = value
    return msgspec.msgpack.encode(fields)


@given(check_ins)
def test_a_record_comes_back_as_it_was(record: CheckIn) -> None:
    body = encode_record(record)
    assert decode_record(body) == record
    assert kind_of(body) == 1


@given(check_ins, st.lists(st.integers() | st.text() | st.binary(), min_size=1, max_size=20))
def test_fields_appended_by_a_newer_program_are_ignored(record: CheckIn, more: list[Any]) -> None:
    more = [item for item in more if not isinstance(item, int) or -(2**63) <= item < 2**64]
    fields: list[Any] = msgspec.msgpack.decode(encode_record(record))
    assert decode_record(msgspec.msgpack.encode(fields + more)) == record


@pytest.mark.parametrize("length", range(1, 10))
def test_a_record_with_fields_missing_is_kept_as_unknown(length: int) -> None:
    fields: list[Any] = msgspec.msgpack.decode(BODY)
    body = msgspec.msgpack.encode(fields[:length])
    assert decode_record(body) == UnknownRecord(1, body)


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x91")
@example(b"\xdc\x00\x01")
@example(b"\x9a\x01" + DEEP)
@example(b"\x9b" + BODY[1:] + DEEP)
@example(BODY.replace(b"qingshui", b"\xff" * 8))
@example(b"\xdd\xff\xff\xff\xff\x01")
def test_decoding_is_total(body: bytes) -> None:
    record = decode_record(body)
    assert not isinstance(record, UnknownRecord) or record == UnknownRecord(kind_of(body), body)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_decoding_is_total_over_damaged_records(place: int, flip: int) -> None:
    body = BODY[:place] + bytes([BODY[place] ^ flip]) + BODY[place + 1 :]
    record = decode_record(body)
    assert not isinstance(record, UnknownRecord) or record.body == body


@pytest.mark.parametrize(
    ("fields", "kind"),
    [([99], 99), ([127, 1], 127), ([5] * 20, 5), ([128], 0), ([0], 0), ([-1], 0), (["x"], 0)],
)
def test_the_kind_is_the_first_field_if_it_fits_one_byte(fields: list[Any], kind: int) -> None:
    body = msgspec.msgpack.encode(fields)
    assert kind_of(body) == kind
    assert decode_record(body) == UnknownRecord(kind, body)


def test_a_kind_spelt_in_two_bytes_is_no_kind() -> None:
    body = BODY[:1] + b"\xcc\x01" + BODY[2:]
    assert decode_record(body) == UnknownRecord(UNREADABLE_KIND, body)


OUT_OF_BOUNDS: list[Change] = [
    {1: [-1, 0, 0, 0, 0]},  # wall_ms before 1970
    {1: [2**47, 0, 0, 0, 0]},  # after the year 6429
    {1: [0, -1, 0, 0, 0]},
    {1: [0, 0, 2**32, 0, 0]},
    {1: [0, 0, 0, 9, 0]},  # no such time source
    {1: [0, 0, 0, 0, 2**32]},
    {2: -1},
    {2: 2**53},
    {2: 2**64 - 1},  # SQLite could not hold it
    {3: "x" * 33},
    {4: 256},
    {5: 5},  # no such verdict
    {6: 99},  # no such reason
    {7: -1},
    {8: -1},
    {8: 2**53},
    {9: [1, b"x" * 17, ""]},
    {9: [1, b"", "12345"]},
]


@pytest.mark.parametrize("changes", OUT_OF_BOUNDS, ids=repr)
def test_what_is_out_of_bounds_is_kept_but_not_read(changes: Change) -> None:
    body = with_fields(changes)
    assert decode_record(body) == UnknownRecord(1, body)


def test_the_extremes_are_in_bounds() -> None:
    highest = 2**53 - 1
    extreme: Change = {
        1: [2**47 - 1, 2**47 - 1, 2**32 - 1, 3, 2**32 - 1], 2: highest, 3: "镇" * 32, 4: 255,
        7: highest, 8: highest,
    }  # fmt: skip
    assert isinstance(decode_record(with_fields(extreme)), CheckIn)


def test_no_repr_holds_what_is_on_a_card() -> None:
    unknown = UnknownRecord(9, b"4477")
    text = f"{ACCEPTED!r} {ACCEPTED.credential} {unknown!r}"
    assert "4477" not in text
    assert repr(ACCEPTED.credential.digest) not in text
    assert "RESIDENT_ID" in text
