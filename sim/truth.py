"""What the county's board must show, worked out from the story alone.

Written from the board's definitions (`gateway.view.PointRow`) and not from the gateway's code, so
that the two can disagree.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sim.story import Story, Tap


@dataclass(frozen=True, slots=True)
class PointTruth:
    """One point's row; the fields are those of `PointRow`."""

    expected: int
    here: int
    elsewhere: int
    missing: int
    guests: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The board: a row for each point, and the county's totals."""

    points: Mapping[str, PointTruth]
    expected: int
    present: int
    missing: int


def board_truth(story: Story, acknowledged: Iterable[Tap]) -> Truth:
    """What must be shown once every acknowledged tap has reached the county.

    A person is where their latest tap was; a card reported lost puts nobody anywhere. `at_s` of a
    tap is when it was acknowledged: a tap that a killed terminal never answered counts from its
    repetition. A tap acknowledged more than once counts once.
    """
    homes = {person.id_number: person.point for person in story.people}
    lost = {person.id_number for person in story.people if person.card_lost}
    places: dict[str, str] = {}
    strangers: dict[str, str] = {}
    for tap in sorted(acknowledged, key=lambda tap: tap.at_s):
        card = tap.who.id_number
        if card not in homes:
            strangers[card] = tap.point
        elif card not in lost:
            places[card] = tap.point

    expected = Counter(homes.values())
    here = Counter(place for card, place in places.items() if place == homes[card])
    elsewhere = Counter(homes[card] for card, place in places.items() if place != homes[card])
    guests = Counter(place for card, place in places.items() if place != homes[card])
    guests.update(strangers.values())
    return Truth(
        points={
            point: PointTruth(
                expected=expected[point],
                here=here[point],
                elsewhere=elsewhere[point],
                missing=expected[point] - here[point] - elsewhere[point],
                guests=guests[point],
            )
            for point in story.taps
        },
        expected=len(homes),
        present=len(places),
        missing=len(homes) - len(places),
    )
