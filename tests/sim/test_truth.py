import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sim.people import SimPerson, make_people
from sim.story import Kill, LinkCut, Story, Tap, TapKind, tell
from sim.truth import PointTruth, Truth, board_truth

EAST, WEST = POINTS = ("dongyu", "xicun")
ANN, BEN, CAT, DAN = make_people(1, 4, POINTS, card_lost_share=0)  # east, west, east, west
(STRANGER,) = make_people(2, 1, POINTS, area_code="690124", card_lost_share=0)
STORY = Story(
    people=(ANN, BEN, CAT, DAN),
    taps={EAST: (), WEST: ()},
    cut=LinkCut(EAST, 0, 0),
    kill=Kill(EAST, 0),
)


def tap(at_s: float, point: str, who: SimPerson) -> Tap:
    return Tap(at_s, point, who, TapKind.EXPECTED)  # the truth does not look at the kind


@st.composite
def stories(draw: st.DrawFn) -> tuple[Story, list[Tap]]:
    """A story and some of its taps, acknowledged in any order."""
    seed = draw(st.integers(0, 2**32))
    story = tell(seed, make_people(seed, draw(st.integers(1, 120)), POINTS), POINTS)
    taps = [tap for taps in story.taps.values() for tap in taps]
    chance = random.Random(seed)
    return story, chance.sample(taps, draw(st.integers(0, len(taps))))


def test_nobody_came() -> None:
    empty = PointTruth(expected=2, here=0, elsewhere=0, missing=2, guests=0)
    assert board_truth(STORY, []) == Truth({EAST: empty, WEST: empty}, 4, 0, 4)


def test_here_elsewhere_missing_and_guests() -> None:
    acknowledged = [
        tap(1, EAST, ANN),
        tap(2, EAST, BEN),
        tap(3, EAST, STRANGER),
        tap(4, EAST, STRANGER),
    ]
    assert board_truth(STORY, acknowledged) == Truth(
        {
            EAST: PointTruth(expected=2, here=1, elsewhere=0, missing=1, guests=2),
            WEST: PointTruth(expected=2, here=0, elsewhere=1, missing=1, guests=0),
        },
        expected=4,
        present=2,
        missing=2,
    )


def test_the_latest_check_in_says_where_a_person_is() -> None:
    moved = board_truth(STORY, [tap(9, WEST, BEN), tap(1, EAST, BEN)])
    assert moved.points[EAST].guests == 0
    assert moved.points[WEST].here == 1
    assert moved.present == 1


def test_a_stranger_is_a_guest_where_the_card_was_shown_last() -> None:
    truth = board_truth(STORY, [tap(1, EAST, STRANGER), tap(2, WEST, STRANGER)])
    assert [truth.points[point].guests for point in POINTS] == [0, 1]
    assert truth.present == 0


def test_a_lost_card_makes_nobody_present() -> None:
    lost = replace(ANN, card_lost=True)
    story = replace(STORY, people=(lost, BEN, CAT, DAN))
    truth = board_truth(story, [tap(1, EAST, lost), tap(2, WEST, lost)])
    assert truth == board_truth(STORY, [])


@given(stories())
def test_the_numbers_add_up(told: tuple[Story, list[Tap]]) -> None:
    story, acknowledged = told
    truth = board_truth(story, acknowledged)
    rows = truth.points.values()
    for row in rows:
        assert row.expected == row.here + row.elsewhere + row.missing
        assert min(row.here, row.elsewhere, row.missing, row.guests) >= 0
    assert truth.expected == sum(row.expected for row in rows) == len(story.people)
    assert truth.present == sum(row.here + row.elsewhere for row in rows)
    assert truth.missing == sum(row.missing for row in rows)
    strangers = {tap.who.id_number for tap in acknowledged if tap.kind is TapKind.STRANGER}
    assert sum(row.guests - row.elsewhere for row in rows) == len(strangers)


@given(stories())
def test_order_and_repetition_of_acknowledgements_do_not_matter(
    told: tuple[Story, list[Tap]],
) -> None:
    story, acknowledged = told
    again = [*reversed(acknowledged), *acknowledged]
    assert board_truth(story, again) == board_truth(story, acknowledged)


@given(stories())
def test_more_acknowledgements_never_make_people_missing(told: tuple[Story, list[Tap]]) -> None:
    story, acknowledged = told
    counts = [board_truth(story, acknowledged[:n]).present for n in (0, len(acknowledged) // 2)]
    assert counts[0] == 0
    assert counts[1] <= board_truth(story, acknowledged).present


def test_the_whole_story_leaves_only_those_missing_who_never_came() -> None:
    story = tell(1, make_people(1, 1000, POINTS), POINTS)
    truth = board_truth(story, [tap for taps in story.taps.values() for tap in taps])
    assert (truth.expected, truth.present, truth.missing) == (1000, 911, 89)
    assert sum(row.elsewhere for row in truth.points.values()) == 20  # 30 astray, 10 moved on
