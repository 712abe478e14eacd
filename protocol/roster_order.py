"""The roster as a numbered list that both ends hold, so that a person is a place in it.

People of one point are together, within a point those of one unit, each group where its first
person is in the roster; within a unit the roster's own order, which keeps squads together.
"""

import hashlib
from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from protocol.roster import Person, Roster

FINGERPRINT_BYTES = 3  # a gateway tells a few rosters apart with it: one in 10^7 would be mistaken


class Span(NamedTuple):
    """Places from `start` up to but not including `end`."""

    start: int
    end: int


_EMPTY = Span(0, 0)


class RosterOrder:
    """Everybody of one roster by place. Build it once for each roster version."""

    def __init__(self, roster: Roster) -> None:
        self.version = roster.version
        self.points = tuple(roster.points)
        grouped: dict[str, dict[str, list[Person]]] = {}
        for person in roster.people:
            grouped.setdefault(person.point, {}).setdefault(person.unit, []).append(person)
        people: list[Person] = []
        self._units: list[Span] = []
        self._points: dict[str, Span] = {}
        for point, units in grouped.items():
            start = len(people)
            for members in units.values():
                span = Span(len(people), len(people) + len(members))
                self._units += [span] * len(members)
                people += members
            self._points[point] = Span(start, len(people))
        self.people = tuple(people)
        self._places = {person.number: place for place, person in enumerate(people)}
        self.fingerprint = _fingerprint(roster)

    def place_of(self, number: int) -> int | None:
        """Where the person of that number is, `None` if nobody has it."""
        return self._places.get(number)

    def home(self, point: str) -> Span:
        """The people expected at a point."""
        return self._points.get(point, _EMPTY)

    def unit(self, place: int) -> Span:
        """The people of the same unit, expected at the same point."""
        return self._units[place]


class Free:
    """The places nobody of this batch has taken, counted and found by rank."""

    def __init__(self) -> None:
        self._taken: list[int] = []

    def take(self, place: int) -> None:
        """The place is free no more; a second time changes nothing."""
        if place not in self:
            return
        insort(self._taken, place)

    def __contains__(self, place: int) -> bool:
        at = bisect_left(self._taken, place)
        return at == len(self._taken) or self._taken[at] != place

    def count(self, start: int, end: int) -> int:
        """Free places from `start` up to but not including `end`."""
        return end - start - (bisect_left(self._taken, end) - bisect_left(self._taken, start))

    def find(self, start: int, rank: int) -> int:
        """The free place that has `rank` free ones between `start` and itself."""
        place = start + rank
        for taken in self._taken[bisect_left(self._taken, start) :]:
            if taken > place:
                break
            place += 1
        return place


def _fingerprint(roster: Roster) -> bytes:
    """Names what a batch is decoded by: every number, digest and group, in order."""
    people: Iterable[tuple[object, ...]] = (
        (each.number, each.digest, each.unit, each.point, each.other_digests)
        for each in roster.people
    )
    content = (roster.version, roster.issued_ms, tuple(roster.points), tuple(people))
    return hashlib.sha256(msgspec.msgpack.encode(content)).digest()[:FINGERPRINT_BYTES]


NOBODY = RosterOrder(Roster(0, 0, (), ()))
"""What a batch is packed by where the ends hold no roster in common: strangers and bodies."""
