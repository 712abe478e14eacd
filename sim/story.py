"""What happens in one muster: who taps a card where and when, and what breaks meanwhile.

Pure and seeded. People come in a rush; each point has one reader, which serves them one after the
other. Everything the system must tell apart happens at least once, however small the county.
Not modelled: people who leave, cards that cannot be read, clocks that are wrong.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count
from random import Random
from typing import Final

from sim.people import NEIGHBOUR_AREA_CODE, SimPerson, make_people, share_of

# All shares are of the people on the roster.
COME_SHARE: Final = 0.92  # a well-run drill; the rest keeps the missing list worth reading
WRONG_POINT_SHARE: Final = 0.03  # people go to the nearest point rather than to their own
MOVE_ON_SHARE: Final = 0.01  # a third of those walk on to their own: the latest check-in counts
REPEAT_SHARE: Final = 0.04  # "did it take mine?"
STRANGER_SHARE: Final = 0.01  # helpers from the next county, people passing by
LOST_CARD_SHARE: Final = 0.5  # of the cards reported lost: found again by their owner, or not

RUSH_S: Final = 600.0  # the last people arrive ten minutes after the call
RUSH_PEAK: Final = 0.3  # of the rush: most live near
TAP_GAP_S: Final = 1.5  # show the card, hear the tone, step aside
COME_BACK_S: Final = (30.0, 180.0)  # a second tap follows after this long
WALK_S: Final = (240.0, 600.0)  # from one point to another

CUT_FROM, KILL_AT, CUT_TO = 0.25, 0.5, 0.75  # of one point's taps: the worst case, see `Story`


class TapKind(Enum):
    """Why somebody taps."""

    EXPECTED = "expected"
    WRONG_POINT = "wrong_point"
    MOVED_ON = "moved_on"
    """At their own point, after a check-in at a wrong one."""
    REPEAT = "repeat"
    """Once more at the same point."""
    STRANGER = "stranger"
    LOST_CARD = "lost_card"


@dataclass(frozen=True, slots=True)
class Tap:
    """One card on one reader."""

    at_s: float
    """Seconds since the call."""
    point: str
    who: SimPerson
    kind: TapKind


@dataclass(frozen=True, slots=True)
class LinkCut:
    """A time without a link between one point's terminal and the county."""

    point: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Kill:
    """One terminal is killed during one of its taps."""

    point: str
    tap_index: int


@dataclass(frozen=True, slots=True)
class Story:
    """One muster from the first tap to the last.

    The kill falls into the cut, at the same point: what the terminal then holds exists nowhere
    else.
    """

    people: tuple[SimPerson, ...]
    """The roster."""
    taps: Mapping[str, tuple[Tap, ...]]
    """By point, in order."""
    cut: LinkCut
    kill: Kill


@dataclass(frozen=True, slots=True)
class _Visit:
    """Somebody on the way to a point, and where they go `then`, so many seconds after the tap."""

    who: SimPerson
    point: str
    kind: TapKind
    then: "tuple[float, _Visit] | None" = None


def tell(
    seed: int,
    people: Sequence[SimPerson],
    points: Sequence[str],
    *,
    rush_s: float = RUSH_S,
    lost_card_share: float = LOST_CARD_SHARE,
) -> Story:
    """Tell the story of one muster.

    Wrong points need a second point to happen. Raises `ValueError` if there is nobody on the
    roster or somebody is expected at none of the points.
    """
    if not people or not {person.point for person in people} <= set(points):
        raise ValueError("a story needs people, and each of their points")
    random = Random(seed)
    visits = [
        *_people_of_the_roster(random, people, points),
        *_strangers(random, len(people), points),
        *_lost_cards(random, people, lost_card_share),
    ]
    taps = _serve(random, visits, points, rush_s)
    point = random.choice([point for point in points if taps[point]])
    return Story(tuple(people), taps, *_faults(point, taps[point]))


def _people_of_the_roster(
    random: Random, people: Sequence[SimPerson], points: Sequence[str]
) -> list[_Visit]:
    able = [person for person in people if not person.card_lost]
    coming = random.sample(able, share_of(len(able), COME_SHARE))
    wrong = share_of(len(people), WRONG_POINT_SHARE) if len(points) > 1 else 0
    moving_on = share_of(len(people), MOVE_ON_SHARE)
    repeating = share_of(len(people), REPEAT_SHARE)
    astray, rest = coming[:wrong], coming[wrong:]
    return [
        *(_go_astray(random, who, points, move_on=i < moving_on) for i, who in enumerate(astray)),
        *(_come(random, who, repeat=i < repeating) for i, who in enumerate(rest)),
    ]


def _go_astray(random: Random, who: SimPerson, points: Sequence[str], *, move_on: bool) -> _Visit:
    point = random.choice([point for point in points if point != who.point])
    own = _Visit(who, who.point, TapKind.MOVED_ON)
    then = (random.uniform(*WALK_S), own) if move_on else None
    return _Visit(who, point, TapKind.WRONG_POINT, then)


def _come(random: Random, who: SimPerson, *, repeat: bool) -> _Visit:
    again = _Visit(who, who.point, TapKind.REPEAT)
    then = (random.uniform(*COME_BACK_S), again) if repeat else None
    return _Visit(who, who.point, TapKind.EXPECTED, then)


def _strangers(random: Random, roster_size: int, points: Sequence[str]) -> list[_Visit]:
    strangers = make_people(
        random.getrandbits(32),
        share_of(roster_size, STRANGER_SHARE),
        points,
        area_code=NEIGHBOUR_AREA_CODE,
        card_lost_share=0,
    )
    return [_Visit(who, who.point, TapKind.STRANGER) for who in strangers]


def _lost_cards(random: Random, people: Sequence[SimPerson], share: float) -> list[_Visit]:
    lost = [person for person in people if person.card_lost]
    shown = random.sample(lost, share_of(len(lost), share))
    return [_Visit(who, who.point, TapKind.LOST_CARD) for who in shown]


def _serve(
    random: Random, visits: Sequence[_Visit], points: Sequence[str], rush_s: float
) -> dict[str, tuple[Tap, ...]]:
    """Let everybody arrive and queue; the order at a point is the order of arrival."""
    order = count()  # tells equal arrivals apart
    arrivals = [
        (random.triangular(0, rush_s, rush_s * RUSH_PEAK), next(order), visit) for visit in visits
    ]
    heapq.heapify(arrivals)
    free_s = dict.fromkeys(points, 0.0)
    taps: dict[str, list[Tap]] = {point: [] for point in points}
    while arrivals:
        arrival_s, _, visit = heapq.heappop(arrivals)
        at_s = max(arrival_s, free_s[visit.point])
        free_s[visit.point] = at_s + TAP_GAP_S
        taps[visit.point].append(Tap(at_s, visit.point, visit.who, visit.kind))
        if visit.then is not None:
            delay_s, later = visit.then
            again_s = (
                at_s + delay_s * rush_s / RUSH_S
            )  # a short rush is the same story, told faster
            heapq.heappush(arrivals, (again_s, next(order), later))
    return {point: tuple(tapped) for point, tapped in taps.items()}


def _faults(point: str, taps: Sequence[Tap]) -> tuple[LinkCut, Kill]:
    first, killed, last = (int(len(taps) * share) for share in (CUT_FROM, KILL_AT, CUT_TO))
    return LinkCut(point, taps[first].at_s, taps[last].at_s), Kill(point, killed)
