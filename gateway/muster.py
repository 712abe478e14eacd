"""The muster: who is accounted for, where, since when. A pure fold over the ledger.

The result depends on which records there are, never on the order in which they arrived: terminals
deliver late, twice and out of step. `docs/decisions/0005-fold.md` says how each count is defined.
"""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from protocol.records import Record, Undo, UnknownRecord
from protocol.roster import Person, Roster
from protocol.verdict import PRESENT_UNLESS_STOPPED

K = TypeVar("K", int, bytes)


class Sighting(NamedTuple):
    """When and where somebody was seen; ordered by time, then by the record's identity."""

    wall_ms: int
    node: str
    epoch: int
    seq: int
    point: str


@dataclass(slots=True)
class Presence:
    """The sightings of one person, at least one, in order."""

    sightings: list[Sighting]

    @property
    def first(self) -> Sighting:
        """The earliest."""
        return self.sightings[0]

    @property
    def latest(self) -> Sighting:
        """The last."""
        return self.sightings[-1]


@dataclass(frozen=True, slots=True)
class PointCount:
    """How many people of one point are where. `expected = here + elsewhere + missing`."""

    expected: int
    here: int
    elsewhere: int
    guests: int

    @property
    def missing(self) -> int:
        """People of this point who are unaccounted for."""
        return self.expected - self.here - self.elsewhere


class Muster:
    """The state of one activation, built from records one by one."""

    def __init__(self, roster: Roster, activation: int) -> None:
        self.roster, self.activation = roster, activation
        self._expected = Counter(person.point for person in roster.people)
        self.people: dict[int, Presence] = {}
        """Rostered people who are accounted for, by number."""
        self.strangers: dict[bytes, Presence] = {}
        """Cards on no roster, by digest."""
        self._undone: set[tuple[str, int, int]] = set()
        """Check-ins that were taken back, whether or not they have arrived."""
        self.records = 0
        self.unknown_kinds = 0

    def apply(self, node: str, epoch: int, seq: int, record: Record | UnknownRecord) -> None:
        """Take one record of the ledger into account. Apply each record once."""
        self.records += 1
        if isinstance(record, UnknownRecord):
            self.unknown_kinds += 1
            return
        if record.activation != self.activation:
            return
        if isinstance(record, Undo):
            self._undone.add((node, epoch, record.seq))
            self._strike(node, epoch, record)
            return
        if record.verdict not in PRESENT_UNLESS_STOPPED or (node, epoch, seq) in self._undone:
            return
        seen = Sighting(record.at.wall_ms, node, epoch, seq, record.point)
        person = self.identify(record)
        if person is not None:
            _note(self.people, person.number, seen)
        elif record.credential.digest:
            _note(self.strangers, record.credential.digest, seen)

    def is_undone(self, node: str, epoch: int, seq: int) -> bool:
        """Whether a check-in was taken back."""
        return (node, epoch, seq) in self._undone

    def identify(self, record: Record) -> Person | None:
        """Whom a record is about by the newest roster: it may know more than the terminal did."""
        by_card = self.roster.find(record.credential.digest)
        if by_card is not None or record.person is None:
            return by_card
        return self.roster.person(record.person)

    def _strike(self, node: str, epoch: int, undo: Undo) -> None:
        person = self.identify(undo)
        if person is not None:
            _strike(self.people, person.number, (node, epoch, undo.seq))
        else:
            _strike(self.strangers, undo.credential.digest, (node, epoch, undo.seq))

    def counts(self) -> Mapping[str, PointCount]:
        """Counts per point: those of the roster in its order, then any other somebody is at.

        Nobody drops out of the sums because a point was taken out of the configuration.
        """
        here: Counter[str] = Counter()
        elsewhere: Counter[str] = Counter()
        guests: Counter[str] = Counter(each.latest.point for each in self.strangers.values())
        for person in self.roster.people:
            presence = self.people.get(person.number)
            if presence is None:
                continue
            if person.point == presence.latest.point:
                here[person.point] += 1
            else:
                elsewhere[person.point] += 1
                guests[presence.latest.point] += 1
        return {
            name: PointCount(self._expected[name], here[name], elsewhere[name], guests[name])
            for name in dict.fromkeys(
                (*self.roster.points, *sorted(self._expected), *sorted(guests))
            )
        }

    def arrivals_ms(self) -> list[int]:
        """When each person who is present was first seen, rising."""
        return sorted(presence.first.wall_ms for presence in self.people.values())


def curve(arrivals_ms: Iterable[int], started_ms: int, steps: int) -> tuple[tuple[int, int], ...]:
    """(seconds since `started_ms`, people present) at each change, thinned to `steps` points."""
    rising: dict[int, int] = {}
    for count, at_ms in enumerate(arrivals_ms, 1):
        rising[max(0, (at_ms - started_ms) // 1000)] = count
    points = list(rising.items())
    stride = -(-len(points) // steps) or 1
    return tuple(points[::-1][::stride][::-1])  # from the end: what is so now is always there


def _note(table: dict[K, Presence], key: K, seen: Sighting) -> None:
    presence = table.get(key)
    if presence is None:
        table[key] = Presence([seen])
    else:
        insort(presence.sightings, seen)


def _strike(table: dict[K, Presence], key: K, undone: tuple[str, int, int]) -> None:
    presence = table.get(key)
    if presence is None:
        return
    presence.sightings = [
        seen for seen in presence.sightings if (seen.node, seen.epoch, seen.seq) != undone
    ]
    if not presence.sightings:
        del table[key]
