"""Which person comes next: the model that makes a check-in at a muster cost two bytes or less.

People come by squad and unit, so the next one probably stands near the last one in the roster's
order; and they come once, so whoever has come is not counted again. What one way leaves over the
others share, so that a way that never happens costs next to nothing.
"""

from enum import IntEnum
from typing import NamedTuple

from protocol.adaptive import Symbols, uniform
from protocol.rangecoder import Coder
from protocol.roster_order import Free, RosterOrder, Span


class Way(IntEnum):
    """Where the next record's person is, or what else it is."""

    NEAR = 0  # in the unit of the one before, few places away
    UNIT = 1  # elsewhere in that unit
    HOME = 2  # elsewhere among those expected at this point
    AGAIN = 3  # somebody this batch has already
    AWAY = 4  # on the roster, expected at another point
    STRANGER = 5
    UNDO = 6
    BODY = 7  # a record as it is


# Weights at the start, and what each sight adds: tests/bench/radio_size.py was run over a few.
_WAYS = ((12, 4, 24, 1, 1, 1, 1, 1), 16)
REACH = 9  # free places to either side that are near: the rest of a squad of ten
_NEAR = (tuple((REACH + 1 - distance) ** 2 for distance in range(REACH)) * 2, 10)


class _Surroundings(NamedTuple):
    """Where the last person stands among the free places of their unit."""

    unit: Span
    rank: int
    """Free places of the unit before the last person."""
    low: int
    high: int
    """Ranks from `low` up to but not including `high` are near."""
    left: int
    """Free places of the unit that are not near."""


class PeopleModel:
    """Codes one person after the other; `home` is who is expected at the batch's point."""

    def __init__(self, coder: Coder, order: RosterOrder, home: Span) -> None:
        self._coder, self._order, self._home = coder, order, home
        self._last_place: int | None = None
        self._free = Free()
        self._came: list[int] = []
        self._ways = Symbols(*_WAYS)
        self._near = Symbols(*_NEAR)

    def code_way(self, given: Way) -> Way:
        """The way of the next record; `given` is what `way_to` said, or not about a person."""
        around = self._surroundings()
        possible = {
            Way.NEAR: around.high > around.low,
            Way.UNIT: around.left > 0,
            Way.HOME: self._elsewhere_at_home(around) > 0,
            Way.AGAIN: bool(self._came),
            Way.AWAY: self._away() > 0,
        }
        among = frozenset(way for way in Way if possible.get(way, True))
        return Way(self._ways.code(self._coder, given, among))

    def way_to(self, place: int) -> Way:
        """How the person at a place is reached."""
        if place not in self._free:
            return Way.AGAIN
        if not self._home.start <= place < self._home.end:
            return Way.AWAY
        around = self._surroundings()
        if not around.unit.start <= place < around.unit.end:
            return Way.HOME
        rank = self._free.count(around.unit.start, place)
        return Way.NEAR if around.low <= rank < around.high else Way.UNIT

    def code_place(self, way: Way, given: int) -> int:
        """The person's place, by a way to a person that is possible."""
        match way:
            case Way.NEAR:
                place = self._code_near(given)
            case Way.UNIT:
                place = self._code_unit(given)
            case Way.HOME:
                place = self._code_home(given)
            case Way.AGAIN:
                came = self._came
                latest = came[::-1].index(given) if given in came else 0
                return came[-1 - uniform(self._coder, len(came), latest)]
            case _:
                place = self._code_away(given)
        if place in self._free:
            self._free.take(place)
            self._came.append(place)
        if way is not Way.AWAY:
            self._last_place = place
        return place

    def _surroundings(self) -> _Surroundings:
        if self._last_place is None:
            return _Surroundings(Span(self._home.start, self._home.start), 0, 0, 0, 0)
        unit = self._order.unit(self._last_place)
        rank = self._free.count(unit.start, self._last_place)
        count = self._free.count(*unit)
        low, high = max(0, rank - REACH), min(count, rank + REACH)
        return _Surroundings(unit, rank, low, high, count - (high - low))

    def _elsewhere_at_home(self, around: _Surroundings) -> int:
        return self._free.count(*self._home) - self._free.count(*around.unit)

    def _away(self) -> int:
        return len(self._order.people) - (self._home.end - self._home.start)

    def _code_near(self, given: int) -> int:
        """Symbols up to `REACH` count back from the last person, those behind it forward."""
        around = self._surroundings()
        distance = self._free.count(around.unit.start, given) - around.rank
        back, forward = around.rank - around.low, around.high - around.rank
        among = frozenset([*range(back), *range(REACH, REACH + forward)])
        symbol = -1 - distance if distance < 0 else REACH + distance
        found = self._near.code(self._coder, symbol, among)
        rank = around.rank - 1 - found if found < REACH else around.rank + found - REACH
        return self._free.find(around.unit.start, rank)

    def _code_unit(self, given: int) -> int:
        around = self._surroundings()
        rank = self._free.count(around.unit.start, given)
        without_near = rank if rank < around.low else rank - (around.high - around.low)
        found = uniform(self._coder, around.left, without_near)
        rank = found if found < around.low else found + (around.high - around.low)
        return self._free.find(around.unit.start, rank)

    def _code_home(self, given: int) -> int:
        around = self._surroundings()
        before = self._free.count(self._home.start, around.unit.start)
        rank = (
            self._free.count(self._home.start, given)
            if given < around.unit.start
            else before + self._free.count(around.unit.end, given)
        )
        found = uniform(self._coder, self._elsewhere_at_home(around), rank)
        if found < before:
            return self._free.find(self._home.start, found)
        return self._free.find(around.unit.end, found - before)

    def _code_away(self, given: int) -> int:
        home = self._home
        width = home.end - home.start
        found = uniform(self._coder, self._away(), given if given < home.start else given - width)
        return found if found < home.start else found + width
