"""Musters told as the records one terminal makes of them, for benchmarks of the radio.

`independent` people, one every 20 s on average; `squads` that come one a minute, everybody in them
in any order 3 s apart; `squads and others`: the same, but every twentieth person comes alone and
every fortieth scan is a second one, of somebody expected elsewhere, or of a stranger; `rush`: what
`sim.story` tells of one point, where people queue and units are mixed.

All have 800 people; in all but the last they are expected here, in units of 40 and squads of 10.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from protocol.packed import Numbered
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, TimeSource
from protocol.roster import Person, Point, Roster
from protocol.roster_order import RosterOrder
from protocol.verdict import Reason, Verdict
from sim.people import make_people
from sim.story import TapKind, tell
from tests.bench.radio_rows import STRANGER, Row

PEOPLE, UNIT, SQUAD = 800, 40, 10
INDEPENDENT_S, SQUADS_S, IN_SQUAD_S = 20, 60, 3  # mean gaps
_AWAY = 40  # people of another point
_ALONE, _ODD = 1 / 20, 1 / 40
_HERE, _THERE = "qingshui", "baihe"
_RUSH_POINTS = (_HERE, _THERE, "liuhe", "dongling")
START_S = 1_795_000_000

Visit = tuple[int | None, int, Verdict, Reason]
"""Person, or a stranger; seconds since the start; what the terminal said."""


class Story(NamedTuple):
    """The records of one terminal, and the roster it packs them by."""

    order: RosterOrder
    records: tuple[Numbered, ...]

    def check_ins(self, first: int, end: int) -> list[CheckIn]:
        """Those from `first` up to but not including `end`."""
        told = (each.record for each in self.records[first:end])
        return [record for record in told if isinstance(record, CheckIn)]

    def rows(self, first: int, end: int) -> list[Row]:
        """What other encodings carry: person, Unix second, place of the point, verdict."""
        return [
            (
                STRANGER if each.person is None else each.person,
                each.at.wall_ms // 1000,
                self.order.points.index(each.point),
                each.verdict,
            )
            for each in self.check_ins(first, end)
        ]


def tell_all(count: int) -> dict[str, list[Story]]:
    """So many stories of each kind, always the same ones."""
    order = RosterOrder(_roster())
    invented = {
        "independent": _independent,
        "squads": _squads,
        "squads and others": _squads_and_others,
    }
    told = {
        name: [_told(order, visits, seed) for seed in range(count)]
        for name, visits in invented.items()
    }
    return told | {"rush": [rush(seed) for seed in range(count)]}


def backlog(seed: int) -> Story:
    """`independent` with twice the people: more than any benchmark wants to send."""
    people = 2 * PEOPLE
    visits = _independent(random.Random(seed), people)
    return Story(RosterOrder(_roster(people)), _records(_HERE, _judged(visits, people)))


def rush(seed: int, people: int = PEOPLE) -> Story:
    """What happens at the first of four points in the story of that seed."""
    return county_rush(seed, people, _RUSH_POINTS)[_HERE]


def county_rush(seed: int, people: int, points: Sequence[str]) -> dict[str, Story]:
    """What happens at each point, with one roster for all."""
    crowd = make_people(seed, people, points)
    numbers = {person.id_number: number for number, person in enumerate(crowd)}
    roster = Roster(
        1,
        0,
        [Point(name, "", "") for name in points],
        [
            Person(number, _digest(number), "", person.unit, person.point)
            for number, person in enumerate(crowd)
        ],
    )
    order = RosterOrder(roster)
    return {
        point: Story(
            order,
            _records(
                point,
                (
                    (numbers.get(tap.who.id_number), int(tap.at_s), *_JUDGEMENTS[tap.kind])
                    for tap in taps
                ),
            ),
        )
        for point, taps in tell(seed, crowd, points).taps.items()
    }


_JUDGEMENTS = {
    TapKind.EXPECTED: (Verdict.ACCEPTED, Reason.EXPECTED_HERE),
    TapKind.MOVED_ON: (Verdict.ACCEPTED, Reason.EXPECTED_HERE),
    TapKind.WRONG_POINT: (Verdict.LOOK, Reason.OTHER_POINT),
    TapKind.REPEAT: (Verdict.ALREADY, Reason.SEEN_BEFORE),
    TapKind.STRANGER: (Verdict.LOOK, Reason.NOT_ON_ROSTER),
    TapKind.LOST_CARD: (Verdict.STOP, Reason.CARD_LOST),
}


def _told(
    order: RosterOrder,
    visits: Callable[[random.Random], Iterator[tuple[int | None, int]]],
    seed: int,
) -> Story:
    return Story(order, _records(_HERE, _judged(visits(random.Random(seed)))))


def _roster(people: int = PEOPLE) -> Roster:
    everybody = [
        Person(
            number,
            _digest(number),
            "",
            f"unit {number // UNIT}",
            _HERE if number < people else _THERE,
        )
        for number in range(people + _AWAY)
    ]
    return Roster(1, 0, [Point(_HERE, "", ""), Point(_THERE, "", "")], everybody)


def _digest(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _independent(dice: random.Random, people: int = PEOPLE) -> Iterator[tuple[int | None, int]]:
    at_s = 0.0
    for person in dice.sample(range(people), people):
        at_s += dice.expovariate(1 / INDEPENDENT_S)
        yield person, int(at_s)


def _squads(dice: random.Random) -> Iterator[tuple[int | None, int]]:
    at_s = 0.0
    for squad in dice.sample(range(PEOPLE // SQUAD), PEOPLE // SQUAD):
        at_s += dice.expovariate(1 / SQUADS_S)
        for place in dice.sample(range(SQUAD), SQUAD):
            yield squad * SQUAD + place, int(at_s)
            at_s += dice.expovariate(1 / IN_SQUAD_S)


def _squads_and_others(dice: random.Random) -> Iterator[tuple[int | None, int]]:
    alone = set(dice.sample(range(PEOPLE), int(PEOPLE * _ALONE)))
    waiting = sorted(alone, key=lambda _: dice.random())
    came: list[int] = []
    for person, at_s in _squads(dice):
        if person in alone:
            continue
        if person is not None:
            came.append(person)
        yield person, at_s
        if waiting and dice.random() < _ALONE:
            yield waiting.pop(), at_s
        if dice.random() < _ODD:
            yield dice.choice([None, dice.choice(came), PEOPLE + dice.randrange(_AWAY)]), at_s


def _judged(visits: Iterator[tuple[int | None, int]], people: int = PEOPLE) -> Iterator[Visit]:
    came: set[int] = set()
    for person, at_s in visits:
        if person is None:
            yield person, at_s, Verdict.LOOK, Reason.NOT_ON_ROSTER
        elif person in came:
            yield person, at_s, Verdict.ALREADY, Reason.SEEN_BEFORE
        elif person >= people:
            yield person, at_s, Verdict.LOOK, Reason.OTHER_POINT
        else:
            yield person, at_s, Verdict.ACCEPTED, Reason.EXPECTED_HERE
        came |= set() if person is None else {person}


def _records(point: str, visits: Iterable[Visit]) -> tuple[Numbered, ...]:
    records = []
    for seq, (person, at_s, verdict, reason) in enumerate(visits, 1):
        stamp = Stamp((START_S + at_s) * 1000, 0, 0, TimeSource.GNSS, 20)
        digest = _digest(10**6 if person is None else person)
        card = Credential(CredentialKind.RESIDENT_ID, digest, "123X" if person is None else "")
        records.append(Numbered(seq, CheckIn(stamp, 1, point, 1, verdict, reason, 1, person, card)))
    return tuple(records)
