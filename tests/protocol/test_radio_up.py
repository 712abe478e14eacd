"""What a terminal says by radio: it comes back, and any bytes are read or refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.ids import MAX_SEQ
from protocol.radio_up import (
    BACKLOG_STEPS,
    MAX_HEARD,
    MAX_LEFT,
    MAX_PARTS,
    Fare,
    HeardNode,
    Part,
    Progress,
    SealedRows,
    Status,
    UpKind,
    join_parts,
    split_parts,
    split_progress,
    unpack_part,
    unpack_sealed,
    unpack_status,
)

words, octets = st.integers(0, 2**16 - 1), st.integers(0, 255)
statuses = st.builds(
    Status,
    waiting=words,
    oldest_s=words,
    fare=st.sampled_from([Fare(bits) for bits in range(16)]),
    battery_percent=st.none() | st.integers(0, 100),
    roster_version=st.integers(0, 2**53 - 1),
    news=words,
    airtime_percent=octets,
    heard=st.lists(
        st.builds(HeardNode, words, st.integers(-255, 0), octets), max_size=MAX_HEARD
    ).map(tuple),
)
sealed_rows = st.builds(
    SealedRows,
    st.binary(min_size=8, max_size=8),
    st.integers(1, MAX_SEQ - 3),
    st.lists(st.binary(max_size=200), min_size=1, max_size=4).map(tuple),
)


@given(st.integers(0, MAX_LEFT), st.integers(0, 1000), st.binary(max_size=3))
def test_progress_is_one_byte_and_a_backlog_is_never_overstated(
    left: int, backlog: int, behind: bytes
) -> None:
    packed = Progress(left, backlog).pack()
    assert len(packed) == 1
    progress, rest = split_progress(packed + behind)
    assert (progress.left, rest) == (left, behind)
    assert progress.backlog == max(step for step in BACKLOG_STEPS if step <= backlog)


def test_a_content_without_progress_is_malformed() -> None:
    with pytest.raises(Malformed):
        split_progress(b"")


@given(statuses)
def test_a_status_comes_back(status: Status) -> None:
    assert unpack_status(status.pack()) == status


@given(sealed_rows)
def test_sealed_records_come_back(rows: SealedRows) -> None:
    assert unpack_sealed(rows.pack()) == rows
    assert "rows=" not in repr(rows)


@given(st.binary(min_size=1, max_size=600), st.sampled_from(UpKind), st.integers(50, 200))
def test_pieces_make_the_whole_in_any_order(content: bytes, kind: UpKind, limit: int) -> None:
    if kind is UpKind.PART:
        return
    parts = list(split_parts(kind, content, 300, limit))
    assert all(len(part.pack()) <= limit for part in parts)
    assert [unpack_part(part.pack()) for part in parts] == parts
    assert {part.number for part in parts} == {300 % 256}
    assert join_parts(parts[::-1]) == (kind, content)


def test_what_no_number_of_frames_can_carry() -> None:
    with pytest.raises(ValueError, match="too long"):
        list(split_parts(UpKind.KEY, bytes(40 * MAX_PARTS), 0, 42))


@pytest.mark.parametrize("whole", [b"", b"\x05data", bytes([UpKind.PART]) + b"data"])
def test_pieces_of_what_nobody_writes(whole: bytes) -> None:
    with pytest.raises(Malformed):
        join_parts([Part(0, 0, 0, whole)])


@pytest.mark.parametrize("read", [unpack_status, unpack_sealed, unpack_part])
@given(data=st.binary(max_size=255))
def test_any_bytes_are_read_or_refused(
    read: Callable[[bytes], Status | SealedRows | Part], data: bytes
) -> None:
    try:
        made = read(data)
    except Malformed:
        return
    assert read(made.pack()) == made


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (unpack_sealed, bytes(8) + b"\x01"),
        (unpack_sealed, bytes(8) + b"\x00\x01x"),
        (unpack_sealed, bytes(8) + b"\x01\x05xx"),
        (unpack_sealed, bytes(8) + b"\x01\xff\xff\x03"),
        (unpack_part, b"\x00\x10data"),
        (unpack_part, b"\x00\x00"),
        (unpack_status, bytes(5) + b"\x65" + bytes(3)),
        (unpack_status, bytes(9) + b"\x01"),
        (unpack_status, bytes(9 + 4 * (MAX_HEARD + 1))),
    ],
    ids=["no rows", "number 0", "cut", "long row", "place", "empty piece", "battery", "heard",
         "too many heard"],
)  # fmt: skip
def test_what_no_terminal_writes(read: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)
