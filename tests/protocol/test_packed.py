"""Packed batches: what is promised exactly comes back exactly, and hostile bytes cost little."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.adaptive import number, uniform
from protocol.codec import decode_record, encode_record
from protocol.errors import Malformed, OtherRoster, ProtocolError, Unsupported
from protocol.frames import MAX_FRAME_BYTES, OVERHEAD_BYTES
from protocol.packed import (
    MAX_RECORDS_PER_BATCH,
    Numbered,
    fingerprint_of,
    pack_batch,
    unpack_batch,
)
from protocol.rangecoder import Encoder
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
from protocol.roster import Person, Point, Roster
from protocol.roster_order import FINGERPRINT_BYTES, RosterOrder
from protocol.verdict import Reason, Verdict
from tests.protocol.strategies import check_ins

EPOCH = 0x89ABCDEF
LIMIT_BYTES = MAX_FRAME_BYTES - OVERHEAD_BYTES
WALL_MS = 1_795_000_000_000
UNTRUSTED = frozenset({TimeSource.UNSET, TimeSource.RTC})
POINTS = ("qingshui", "baihe")


def digest(number: int) -> bytes:
    return number.to_bytes(16, "big")


def roster(people: int = 120, version: int = 3) -> Roster:
    return Roster(
        version,
        WALL_MS,
        [Point(name, "", "") for name in POINTS],
        [
            Person(
                1000 + number, digest(number), "", f"unit {number // 7 % 5}",
                POINTS[number % 3 // 2],
                other_digests=(digest(9000 + number),) * (number % 2),
            )
            for number in range(people)
        ],
    )  # fmt: skip


ORDER = RosterOrder(roster())
NOBODY = RosterOrder(roster(0))


def check_in(person: int | None = 1000, wall_ms: int = WALL_MS, activation: int = 7,
             point: str = "qingshui", roster_version: int = 3) -> CheckIn:  # fmt: skip
    card = Credential(CredentialKind.RESIDENT_ID, digest(abs((person or 1000) - 1000)))
    stamp = Stamp(wall_ms, 0, 0, TimeSource.GNSS, 25)
    return CheckIn(
        stamp, activation, point, 1, Verdict.ACCEPTED, Reason.EXPECTED_HERE, roster_version,
        person, card,
    )  # fmt: skip


def numbered(*records: Record | UnknownRecord) -> list[Numbered]:
    return [Numbered(seq, record) for seq, record in enumerate(records, 41)]


def packed(records: list[Numbered], order: RosterOrder = ORDER, limit: int = LIMIT_BYTES) -> bytes:
    content, taken = pack_batch(records, order, limit_bytes=limit)
    assert taken == len(records)
    return content


people = st.builds(
    lambda number, which, kind: (
        1000 + number,
        Credential(
            kind, [b"", digest(number), digest(9000 + number)][which % (2 + number % 2)], "123X"
        ),
    ),
    st.integers(0, 119),
    st.integers(0, 5),
    st.sampled_from(CredentialKind),
)
strangers = st.builds(
    lambda kind, card, last4: (None, Credential(kind, card, last4)),
    st.sampled_from(CredentialKind),
    st.just(b"") | st.binary(min_size=16, max_size=16),
    st.text("0123456789X", max_size=4),
)
who = people | people | people | strangers
stamps = st.builds(
    lambda at_ms, source, error_ms: Stamp(WALL_MS + at_ms, 500_000 + at_ms, 77, source, error_ms),
    st.integers(-100_000, 10_000_000),
    st.sampled_from(TimeSource),
    st.integers(0, 2**32 - 1) | st.just(20),
)


@st.composite
def musters(draw: st.DrawFn) -> list[Numbered]:
    """Records of one point, mostly usual, with every oddity that has a form of its own."""
    seq = draw(st.integers(1, 2**48 - 10_000))
    story: list[Numbered] = []
    for _ in range(draw(st.integers(1, 25))):
        seq += draw(st.just(1) | st.integers(1, 300))
        person, card = draw(who)
        at, lane = draw(stamps), draw(st.just(1) | st.integers(0, 255))
        if story and draw(st.integers(0, 5)) == 0:
            undone = draw(st.sampled_from(story))
            same = draw(st.booleans()) and not isinstance(undone.record, UnknownRecord)
            if same and not isinstance(undone.record, UnknownRecord):
                person, card = undone.record.person, undone.record.credential
            record: Record = Undo(at, 7, "qingshui", lane, undone.seq, person, card)
        else:
            verdict, reason = draw(st.sampled_from(Verdict)), draw(st.sampled_from(Reason))
            record = CheckIn(at, 7, "qingshui", lane, verdict, reason, 3, person, card)
        story.append(Numbered(seq, record))
    return story


def assert_as_promised(got: Record | UnknownRecord, sent: Record | UnknownRecord) -> None:
    """Everything the module docstring of protocol/packed_entry.py says."""
    assert not isinstance(got, UnknownRecord)
    assert not isinstance(sent, UnknownRecord)
    assert type(got) is type(sent)
    exact = {"activation", "point", "lane", "verdict", "reason", "roster_version", "person", "seq"}
    for name in exact & set(sent.__struct_fields__):
        assert getattr(got, name) == getattr(sent, name), name
    assert (got.credential.kind, got.credential.digest) == (
        sent.credential.kind,
        sent.credential.digest,
    )
    assert got.credential.last4 == (sent.credential.last4 if sent.person is None else "")
    assert_same_time(got.at, sent.at)


def assert_same_time(got: Stamp, sent: Stamp) -> None:
    assert got.source == sent.source
    assert got.wall_ms == sent.wall_ms - sent.wall_ms % 1000
    if got.error_ms == UNKNOWN_ERROR_MS:
        assert sent.error_ms > 2**31 - 1000
    else:
        assert got.error_ms >= sent.error_ms + sent.wall_ms % 1000
        assert got.error_ms < max(1025, 2 * (sent.error_ms + 1000))
    if sent.source in UNTRUSTED:
        assert got.boot == sent.boot
        assert -1500 <= got.mono_ms - sent.mono_ms <= 500
    else:
        assert (got.boot, got.mono_ms) == (0, 0)


@given(musters())
def test_what_is_promised_comes_back(story: list[Numbered]) -> None:
    content, taken = pack_batch(story, ORDER, limit_bytes=LIMIT_BYTES)
    assert len(content) <= LIMIT_BYTES
    batch = unpack_batch(content, ORDER)
    assert [each.seq for each in batch] == [each.seq for each in story[:taken]]
    for got, sent in zip(batch, story, strict=False):
        assert_as_promised(got.record, sent.record)


@given(st.lists(check_ins, min_size=1, max_size=4), st.sampled_from([ORDER, NOBODY]))
def test_any_record_that_does_not_fit_arrives_as_it_was(
    records: list[CheckIn], order: RosterOrder
) -> None:
    """Strategies draw numbers nobody has: only strangers fit, all others go as bodies."""
    story = numbered(*records)
    content, taken = pack_batch(story, order, limit_bytes=LIMIT_BYTES)
    if not taken:
        assert content == b""
        return
    for got, sent in zip(unpack_batch(content, order), story, strict=False):
        assert isinstance(sent.record, CheckIn)
        person = sent.record.person
        if person is not None and order.place_of(person) is None:
            assert got == sent
        elif got != sent:
            assert_as_promised(got.record, sent.record)


def test_unknown_records_and_bodies_travel_with_the_others() -> None:
    later = UnknownRecord(99, b"\x92\x63\x01")
    empty = UnknownRecord(0, b"")
    elsewhere = check_in(person=5)
    story = numbered(later, check_in(), elsewhere, empty)
    batch = unpack_batch(packed(story), ORDER)
    assert [each.record for each in batch][0::2] == [later, elsewhere]
    assert batch[3].record == empty
    assert_as_promised(batch[1].record, story[1].record)


def test_a_batch_of_bodies_only() -> None:
    story = numbered(check_in(person=5), UnknownRecord(99, b"\x92\x63\x01"))
    assert unpack_batch(packed(story), ORDER) == tuple(story)


@pytest.mark.parametrize(
    "other",
    [
        check_in(activation=8),
        check_in(point="baihe"),
        check_in(roster_version=2),
        UnknownRecord(99, bytes(MAX_FRAME_BYTES)),
    ],
    ids=["activation", "point", "roster version", "too long"],
)
def test_a_batch_ends_where_another_begins(other: Record | UnknownRecord) -> None:
    story = numbered(check_in(), other)
    content, taken = pack_batch(story, ORDER, limit_bytes=LIMIT_BYTES)
    assert taken == 1
    assert len(unpack_batch(content, ORDER)) == 1


def test_undos_go_with_check_ins_of_any_roster_version() -> None:
    undo = Undo(check_in().at, 7, "qingshui", 1, 3, 1000, check_in().credential)
    story = numbered(undo, check_in(roster_version=2), undo)
    batch = unpack_batch(packed(story), ORDER)
    for got, sent in zip(batch, story, strict=True):
        assert_as_promised(got.record, sent.record)


def test_an_undo_of_what_the_batch_holds_costs_little() -> None:
    stranger = check_in(person=None)
    undo = Undo(stranger.at, 7, "qingshui", 1, 41, None, stranger.credential)
    assert len(packed(numbered(stranger, undo))) <= len(packed(numbered(stranger))) + 4


@pytest.mark.parametrize("point", ["", "上河口", "河" * 32, "another-point"])
def test_points_the_roster_does_not_name(point: str) -> None:
    batch = unpack_batch(packed(numbered(check_in(point=point))), ORDER)
    assert isinstance(record := batch[0].record, CheckIn)
    assert record.point == point


def test_everybody_comes_twice_in_any_order() -> None:
    numbers = [1000 + (number * 77) % 120 for number in range(120)]
    story = numbered(*(check_in(number) for number in numbers + numbers[::-1]))
    while story:
        content, taken = pack_batch(story, ORDER, limit_bytes=LIMIT_BYTES)
        for got, sent in zip(unpack_batch(content, ORDER), story[:taken], strict=True):
            assert_as_promised(got.record, sent.record)
        story = story[taken:]


def test_a_batch_never_holds_more_than_its_count_can_say() -> None:
    story = numbered(*[check_in()] * 300)
    content, taken = pack_batch(story, ORDER, limit_bytes=LIMIT_BYTES)
    assert taken == MAX_RECORDS_PER_BATCH
    assert len(unpack_batch(content, ORDER)) == taken


def test_nothing_and_no_room_make_no_batch() -> None:
    for story, limit in (([], LIMIT_BYTES), (numbered(check_in()), 10)):
        assert pack_batch(story, ORDER, limit_bytes=limit) == (b"", 0)


def test_numbers_ascend() -> None:
    with pytest.raises(ValueError, match="ascend"):
        packed([Numbered(2, check_in()), Numbered(2, check_in())])


def test_the_roster_must_be_that_it_was_packed_by() -> None:
    content = packed(numbered(check_in()))
    for other in (roster(119), roster(version=4)):
        with pytest.raises(OtherRoster):
            unpack_batch(content, RosterOrder(other))


def test_a_reason_of_a_later_release_is_told_from_garbage() -> None:
    later = msgspec.structs.replace(check_in(), reason=15)
    with pytest.raises(Unsupported):
        unpack_batch(packed(numbered(later)), ORDER)


def test_a_reason_without_room_travels_as_a_body() -> None:
    later = msgspec.structs.replace(check_in(), reason=16)
    batch = unpack_batch(packed(numbered(later)), ORDER)
    assert batch[0].record == UnknownRecord(1, encode_record(later))


@given(st.binary(max_size=MAX_FRAME_BYTES + 2), st.sampled_from([ORDER, NOBODY]))
@example(b"\xff" * LIMIT_BYTES, ORDER)
@example(b"\x00" * LIMIT_BYTES, ORDER)
def test_hostile_bytes_make_a_batch_or_the_declared_errors(data: bytes, order: RosterOrder) -> None:
    content = order.fingerprint + data
    try:
        batch = unpack_batch(content, order)
    except (Malformed, Unsupported):
        return
    assert len(batch) == data[0] + 1
    for seq, record in batch:
        assert 1 <= seq < 2**48
        if not isinstance(record, UnknownRecord):
            assert decode_record(encode_record(record)) == record  # in bounds, so it can be stored


@given(musters(), st.data())
def test_any_cut_and_any_flip_ends_in_a_batch_or_the_declared_errors(
    story: list[Numbered], data: st.DataObject
) -> None:
    content, _ = pack_batch(story, ORDER, limit_bytes=LIMIT_BYTES)
    changed = bytearray(content[: data.draw(st.integers(0, len(content)))])
    if changed:
        bit = data.draw(st.integers(0, len(changed) * 8 - 1))
        changed[bit // 8] ^= 1 << bit % 8
    try:
        batch = unpack_batch(bytes(changed), ORDER)
    except ProtocolError:
        return
    assert len(batch) <= MAX_RECORDS_PER_BATCH


def hostile(*values: tuple[int, int]) -> bytes:
    """A batch of one record that begins with these: (total, value), a number if total is 0."""
    encoder = Encoder()
    for total, value in values:
        if total:
            uniform(encoder, total, value)
        else:
            number(encoder, value)
    for _ in range(20):
        uniform(encoder, 256, 1)
    return ORDER.fingerprint + b"\0" + encoder.finish()


SEQ_OK, SOME = (0, 40), (2, 1)
AT_QINGSHUI, SAME_VERSION = (3, 0), (2, 1)


@pytest.mark.parametrize(
    "values",
    [
        [(0, 2**48 - 1)],
        [SEQ_OK, (2, 0), (4, 1), (241, 0)],  # a stranger at no point
        [SEQ_OK, SOME, (0, 2**53), AT_QINGSHUI, SAME_VERSION],
        [SEQ_OK, SOME, (0, 7), AT_QINGSHUI, (2, 0), (0, 2**53)],
        [SEQ_OK, SOME, (0, 7), AT_QINGSHUI, SAME_VERSION, (0, 2**47)],
        [SEQ_OK, SOME, (0, 7), (3, 2), (129, 1), (256, 0xFF)],
        [SEQ_OK, SOME, (0, 7), (3, 2), (129, 33), (2**16, 0x4141)]
        + [(2**16, 0x4141)] * 15
        + [(256, 0x41)],
    ],
    ids=["seq", "nothing in common", "activation", "version", "time", "no text", "long text"],
)
def test_heads_that_nobody_writes(values: list[tuple[int, int]]) -> None:
    with pytest.raises(Malformed):
        unpack_batch(hostile(*values), ORDER)


def test_bytes_behind_the_batch_are_refused() -> None:
    with pytest.raises(Malformed):
        unpack_batch(packed(numbered(check_in())) + bytes(9), ORDER)


@pytest.mark.parametrize("size", [0, FINGERPRINT_BYTES, MAX_FRAME_BYTES + 1])
def test_what_cannot_be_a_batch_has_no_fingerprint(size: int) -> None:
    with pytest.raises(Malformed):
        fingerprint_of(bytes(size))
