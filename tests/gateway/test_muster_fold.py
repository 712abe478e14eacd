"""The fold: who is accounted for. It depends on which records there are, never on their order."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from gateway.muster import Muster, PointCount, curve
from protocol.records import CheckIn, Record, Undo, UnknownRecord
from protocol.roster import Roster
from protocol.verdict import Reason, Verdict
from tests.musters import ACTIVATION, NUMBERS, check_in, person, roster
from tests.parties import NOW_MS

Entry = tuple[str, int, int, Record | UnknownRecord]


def fold(*entries: Entry, people: Roster | None = None) -> Muster:
    muster = Muster(people or roster(), ACTIVATION.number)
    for entry in entries:
        muster.apply(*entry)
    return muster


def scans(*records: Record | UnknownRecord) -> list[Entry]:
    return [("t1", 1, seq, record) for seq, record in enumerate(records, 1)]


records = st.builds(
    check_in,
    st.none() | st.integers(1, 4),
    at_ms=st.integers(NOW_MS, NOW_MS + 5),
    point=st.sampled_from(["qingshan", "shiqiao", "elsewhere"]),
    verdict=st.sampled_from(Verdict),
    activation=st.sampled_from([ACTIVATION.number, 1]),
    digest=st.none() | st.binary(min_size=16, max_size=16),
)


def undo(entry: Entry, seq: int) -> Entry:
    """What the terminal of `entry` says to take it back."""
    node, epoch, undone, record = entry
    assert isinstance(record, CheckIn)
    taken_back = Undo(
        record.at, record.activation, record.point, 1, undone, record.person, record.credential
    )
    return node, epoch, seq, taken_back


@given(
    st.lists(records, max_size=12),
    st.sets(st.integers(0, 11)),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_changes_nothing(
    made: list[CheckIn], undone: set[int], random: object
) -> None:
    entries = scans(*made)
    entries += [undo(entry, 100 + place) for place, entry in enumerate(entries) if place in undone]
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = fold(*entries), fold(*shuffled)
    assert first.counts() == second.counts()
    assert first.people == second.people
    assert first.strangers == second.strangers
    assert first.arrivals_ms() == second.arrivals_ms()


@given(st.lists(records, max_size=12))
def test_the_counts_add_up(made: list[CheckIn]) -> None:
    muster = fold(*scans(*made))
    counts = muster.counts()
    assert sum(count.expected for count in counts.values()) == len(muster.roster.people)
    for count in counts.values():
        assert count.expected == count.here + count.elsewhere + count.missing
        assert min(count.here, count.elsewhere, count.missing, count.guests) >= 0
    present = sum(count.here + count.elsewhere for count in counts.values())
    assert present == len(muster.people) == len(muster.arrivals_ms())
    elsewhere = sum(count.elsewhere for count in counts.values())
    assert sum(count.guests for count in counts.values()) == elsewhere + len(muster.strangers)


def test_one_here_one_elsewhere_one_missing_one_stranger() -> None:
    muster = fold(
        *scans(
            check_in(1),
            check_in(2, point="shiqiao", verdict=Verdict.LOOK, reason=Reason.OTHER_POINT),
            check_in(None, digest=b"x" * 16, verdict=Verdict.LOOK),
        )
    )
    assert muster.counts() == {
        "qingshan": PointCount(expected=3, here=1, elsewhere=1, guests=1),
        "shiqiao": PointCount(expected=1, here=0, elsewhere=0, guests=1),
    }
    assert muster.counts()["qingshan"].missing == 1


def test_who_came_twice_counts_once_where_they_were_last() -> None:
    moved = [check_in(1, at_ms=NOW_MS), check_in(1, at_ms=NOW_MS + 9, point="shiqiao")]
    for order in permutations(scans(*moved, check_in(1, at_ms=NOW_MS + 5))):
        muster = fold(*order)
        assert muster.counts()["qingshan"].elsewhere == 1
        assert muster.counts()["shiqiao"].guests == 1
        assert muster.arrivals_ms() == [NOW_MS]


def test_two_terminals_at_the_same_millisecond_agree_on_one_order() -> None:
    here = ("t1", 1, 1, check_in(1))
    there = ("t2", 1, 1, check_in(1, point="shiqiao"))
    assert fold(here, there).counts() == fold(there, here).counts()


@given(st.lists(records, max_size=12), st.sets(st.integers(0, 11)))
def test_what_was_taken_back_might_as_well_not_have_been(
    made: list[CheckIn], undone: set[int]
) -> None:
    entries = scans(*made)
    kept = [entry for place, entry in enumerate(entries) if place not in undone]
    taken_back = [
        undo(entry, 100 + place) for place, entry in enumerate(entries) if place in undone
    ]
    with_undo, without = fold(*entries, *taken_back), fold(*kept)
    assert with_undo.people == without.people
    assert with_undo.strangers == without.strangers
    assert with_undo.counts() == without.counts()


def test_a_terminal_takes_back_only_its_own() -> None:
    mine = ("t1", 1, 1, check_in(1))
    (_, _, _, taken_back) = undo(mine, 2)
    for node, epoch in (("t2", 1), ("t1", 2)):
        assert set(fold(mine, (node, epoch, 2, taken_back)).people) == {1}


def test_somebody_who_was_stopped_is_not_accounted_for() -> None:
    stopped = check_in(4, verdict=Verdict.STOP, reason=Reason.CARD_LOST)
    muster = fold(*scans(stopped))
    assert (muster.people, muster.strangers, muster.records) == ({}, {}, 1)


def test_another_activation_does_not_count() -> None:
    muster = fold(*scans(check_in(1, activation=ACTIVATION.number - 1)))
    assert (muster.people, muster.records) == ({}, 1)


def test_records_of_another_kind_are_counted_as_such() -> None:
    muster = fold(*scans(UnknownRecord(9, b"\x91\x09")))
    assert (muster.records, muster.unknown_kinds, muster.people) == (1, 1, {})


def test_an_unreadable_card_is_nobody() -> None:
    muster = fold(*scans(check_in(None, verdict=Verdict.LOOK, reason=Reason.UNREADABLE)))
    assert (muster.people, muster.strangers) == ({}, {})


def test_the_newest_roster_tells_who_a_card_belongs_to() -> None:
    """A terminal without a roster recorded a stranger; the county knows better."""
    digest = person(1).digest
    unknown = check_in(None, digest=digest, verdict=Verdict.LOOK, reason=Reason.NO_ROSTER)
    assert set(fold(*scans(unknown)).people) == {1}
    muster = fold(*scans(unknown, check_in(1)))
    assert (set(muster.people), muster.strangers) == ({1}, {})


def test_somebody_taken_off_the_roster_becomes_a_guest() -> None:
    muster = fold(*scans(check_in(1)), people=roster(2, person(2)))
    assert muster.counts()["qingshan"] == PointCount(1, 0, 0, 1)


def test_a_number_without_a_card_is_looked_up() -> None:
    assert set(fold(*scans(check_in(2, digest=b""))).people) == {2}


def test_a_point_taken_out_of_the_configuration_hides_nobody() -> None:
    """Its people are still expected, and still missing."""
    full = roster()
    less = Roster(2, NOW_MS, [full.points["shiqiao"]], full.people)
    counts = fold(*scans(check_in(1), check_in(2, point="typo")), people=less).counts()
    assert list(counts) == ["shiqiao", "qingshan", "typo"]
    assert counts["qingshan"] == PointCount(expected=3, here=1, elsewhere=1, guests=0)
    assert counts["typo"] == PointCount(expected=0, here=0, elsewhere=0, guests=1)


def test_the_fold_names_nobody_in_its_repr() -> None:
    muster = fold(*scans(check_in(1)))
    assert NUMBERS[0] not in repr(muster.people)
    assert "王" not in repr(muster.counts())


def test_the_curve_rises_at_each_change() -> None:
    arrivals = [NOW_MS - 5000, NOW_MS + 1000, NOW_MS + 1999, NOW_MS + 61_000]
    assert curve(arrivals, NOW_MS, 10) == ((0, 1), (1, 3), (61, 4))
    assert curve([], NOW_MS, 10) == ()


@given(st.integers(0, 700), st.integers(1, 130))
def test_a_thinned_curve_is_short_rises_and_ends_with_everybody(count: int, steps: int) -> None:
    points = curve([NOW_MS + 1000 * n for n in range(count)], NOW_MS, steps)
    assert len(points) <= steps
    assert list(points) == sorted(points)
    assert points[-1:] == (((count - 1, count),) if count else ())
    assert count > steps or len(points) == count
