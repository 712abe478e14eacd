from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.people import make_people
from sim.story import COME_BACK_S, TAP_GAP_S, WALK_S, Story, Tap, TapKind, tell

POINTS = ("dongyu", "xicun", "nanhe")
FLOAT_SLACK_S = 1e-9


def all_taps(story: Story) -> list[Tap]:
    return sorted((tap for taps in story.taps.values() for tap in taps), key=lambda tap: tap.at_s)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    points = POINTS[: draw(st.integers(1, len(POINTS)))]
    seed = draw(st.integers(0, 2**32))
    return tell(seed, make_people(seed, draw(st.integers(1, 150)), points), points)


def test_same_seed_same_story_and_another_seed_another() -> None:
    people = make_people(1, 100, POINTS)
    assert tell(4, people, POINTS) == tell(4, people, POINTS)
    assert tell(4, people, POINTS) != tell(5, people, POINTS)


def test_shares_of_a_thousand_people() -> None:
    story = tell(1, make_people(1, 1000, POINTS), POINTS)
    kinds = Counter(tap.kind for tap in all_taps(story))
    assert kinds == {
        TapKind.EXPECTED: 881,  # 92 % of the 990 who have their card, without those astray
        TapKind.WRONG_POINT: 30,
        TapKind.MOVED_ON: 10,
        TapKind.REPEAT: 40,
        TapKind.STRANGER: 10,
        TapKind.LOST_CARD: 5,
    }


def test_a_small_county_sees_every_case() -> None:
    story = tell(1, make_people(1, 12, POINTS), POINTS)
    assert {tap.kind for tap in all_taps(story)} == set(TapKind)


@given(stories())
def test_one_reader_serves_one_after_the_other(story: Story) -> None:
    for point, taps in story.taps.items():
        assert all(tap.point == point for tap in taps)
        gaps = [later.at_s - earlier.at_s for earlier, later in pairwise(taps)]
        assert all(gap >= TAP_GAP_S - FLOAT_SLACK_S for gap in gaps)


@given(stories())
def test_kinds_mean_what_they_say(story: Story) -> None:
    roster = {person.id_number for person in story.people}
    earlier: dict[str, Tap] = {}
    for tap in all_taps(story):
        before = earlier.get(tap.who.id_number)
        assert (tap.kind is TapKind.STRANGER) == (tap.who.id_number not in roster)
        assert (tap.kind is TapKind.LOST_CARD) == tap.who.card_lost
        assert (tap.kind is TapKind.WRONG_POINT) == (tap.point != tap.who.point)
        assert (tap.kind in {TapKind.REPEAT, TapKind.MOVED_ON}) == (before is not None)
        if before is not None:
            assert (tap.kind is TapKind.REPEAT) == (tap.point == before.point)
            least_s = (COME_BACK_S if tap.kind is TapKind.REPEAT else WALK_S)[0]
            assert tap.at_s - before.at_s >= least_s - FLOAT_SLACK_S
        earlier[tap.who.id_number] = tap


@given(stories())
def test_the_kill_falls_into_the_cut_at_the_same_point(story: Story) -> None:
    taps = story.taps[story.kill.point]
    killed = taps[story.kill.tap_index]
    assert story.cut.point == story.kill.point
    assert story.cut.from_s <= killed.at_s <= story.cut.to_s


def test_no_lost_card_turns_up_if_told_so() -> None:
    story = tell(1, make_people(1, 100, POINTS), POINTS, lost_card_share=0)
    assert all(tap.kind is not TapKind.LOST_CARD for tap in all_taps(story))


def test_everybody_must_belong_to_a_point() -> None:
    with pytest.raises(ValueError, match="points"):
        tell(1, make_people(1, 10, POINTS), POINTS[:1])
    with pytest.raises(ValueError, match="people"):
        tell(1, [], POINTS)


def test_a_short_rush_is_the_same_story_told_faster() -> None:
    people = make_people(3, 60, POINTS)
    slow_s, fast_s = (
        max(tap.at_s for tap in all_taps(tell(3, people, POINTS, rush_s=rush_s)))
        for rush_s in (600.0, 60.0)
    )
    assert fast_s < 130
    assert slow_s > 600
