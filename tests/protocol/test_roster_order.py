"""The roster order: the same on both ends, people of a unit together, free places by rank."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.roster import Person, Point, Roster
from protocol.roster_order import Free, RosterOrder, Span

UNITS = st.sampled_from(["一排", "二排", "三排"])
AT = st.sampled_from(["qingshui", "baihe", "nowhere"])


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    groups = draw(st.lists(st.tuples(UNITS, AT), max_size=30))
    people = [
        Person(number, number.to_bytes(16, "big"), "", unit, point)
        for number, (unit, point) in enumerate(groups)
    ]
    return Roster(1, 1, [Point("qingshui", "", ""), Point("baihe", "", "")], people)


@given(rosters())
def test_everybody_has_a_place_beside_their_unit(roster: Roster) -> None:
    order = RosterOrder(roster)
    assert sorted(each.number for each in order.people) == list(range(len(roster.people)))
    for place, person in enumerate(order.people):
        assert order.place_of(person.number) == place
        home, unit = order.home(person.point), order.unit(place)
        assert home.start <= unit.start <= place < unit.end <= home.end
        members = order.people[slice(*unit)]
        same = [
            each for each in roster.people if (each.point, each.unit) == (person.point, person.unit)
        ]
        assert list(members) == same


def test_nobody_is_expected_where_nobody_is() -> None:
    order = RosterOrder(Roster(1, 1, [], []))
    assert order.home("qingshui") == Span(0, 0)
    assert order.place_of(1) is None


def test_the_fingerprint_changes_with_whatever_a_batch_is_read_by() -> None:
    points = [Point("qingshui", "清水", "Qingshui")]
    person = Person(1, bytes(16), "张伟", "一排", "qingshui")
    other = Person(2, bytes(16), "张伟", "一排", "qingshui")
    renamed = Person(1, bytes(16), "张", "一排", "qingshui")
    same, *others = [
        RosterOrder(roster).fingerprint
        for roster in (
            Roster(1, 1, points, [renamed, other]),
            Roster(1, 1, points, [other, person]),
            Roster(2, 1, points, [person, other]),
            Roster(1, 2, points, [person, other]),
            Roster(1, 1, [], [person, other]),
            Roster(1, 1, points, [Person(1, bytes(16), "", "二排", "qingshui"), other]),
            Roster(1, 1, points, [Person(1, bytes(16), "", "一排", "baihe"), other]),
            Roster(1, 1, points, [Person(1, b"\1" * 16, "", "一排", "qingshui"), other]),
        )
    ]
    assert same == RosterOrder(Roster(1, 1, points, [person, other])).fingerprint
    assert len({same, *others}) == len(others) + 1


@given(st.sets(st.integers(0, 40)), st.integers(0, 40))
def test_free_places_against_a_list(taken: set[int], start: int) -> None:
    free = Free()
    for place in [*taken, *taken]:
        free.take(place)
    left = [place for place in range(start, 60) if place not in taken]
    assert [free.find(start, rank) for rank in range(len(left))] == left
    assert [free.count(start, place) for place in left] == list(range(len(left)))
    assert [place in free for place in range(60)] == [place not in taken for place in range(60)]
