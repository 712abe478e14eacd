"""The roster: who is expected where, as both ends hold it and as it travels in parts."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from protocol.errors import Malformed
from protocol.fields import Count, Digest, Milliseconds, NameText, Text
from protocol.limits import (
    MAX_OTHER_CREDENTIALS,
    MAX_POINTS,
    MAX_ROSTER_PARTS,
    ROSTER_PART_BYTES,
)


class PersonStatus(IntEnum):
    """What the county knows about a person's card beforehand."""

    EXPECTED = 0
    CARD_LOST = 1


class Person(Struct, frozen=True, array_like=True):
    """One person the county expects."""

    number: Count
    digest: Digest
    name: Text
    unit: Text
    point: NameText
    post: Text = ""
    status: PersonStatus = PersonStatus.EXPECTED
    other_digests: Annotated[tuple[Digest, ...], Meta(max_length=MAX_OTHER_CREDENTIALS)] = ()
    """Of tags and codes the person may present instead of the document."""

    def __repr__(self) -> str:
        """The number only: a name must not reach a log through a repr."""
        return f"Person({self.number})"


class Point(Struct, frozen=True, array_like=True):
    """An assembly point: its name on the wire and on screens."""

    name: NameText
    title_zh: Text
    title_en: Text


PartNumber = Annotated[int, Meta(ge=0, le=MAX_ROSTER_PARTS)]


class RosterPart(Struct, frozen=True, array_like=True):
    """One piece of a roster; a terminal installs a version once it holds all `parts`."""

    version: Count
    issued_ms: Milliseconds
    part: PartNumber
    parts: PartNumber
    points: Annotated[tuple[Point, ...], Meta(max_length=MAX_POINTS)]
    people: tuple[Person, ...]


class Roster:
    """Everybody expected in the county, looked up by keyed credential digest."""

    def __init__(
        self, version: int, issued_ms: int, points: Iterable[Point], people: Iterable[Person]
    ) -> None:
        self.version, self.issued_ms = version, issued_ms
        self.points = {point.name: point for point in points}
        self.people = tuple(people)
        self._by_digest = {
            **{other: person for person in self.people for other in person.other_digests},
            **{person.digest: person for person in self.people},  # a document's word counts first
        }
        self._by_number = {person.number: person for person in self.people}

    def find(self, digest: bytes) -> Person | None:
        """The person whose document, or other credential, has this digest."""
        return self._by_digest.get(digest)

    def person(self, number: int) -> Person | None:
        """The person with this number."""
        return self._by_number.get(number)

    def expected_at(self, point: str) -> int:
        """How many people belong to a point."""
        return sum(person.point == point for person in self.people)

    def split(self) -> list[RosterPart]:
        """The parts that travel, at least one."""
        groups: list[list[Person]] = [[]]
        used_bytes = 0
        for person in self.people:
            size_bytes = len(msgspec.msgpack.encode(person))
            if used_bytes + size_bytes > ROSTER_PART_BYTES:
                groups.append([])
                used_bytes = 0
            groups[-1].append(person)
            used_bytes += size_bytes
        points = tuple(self.points.values())
        return [
            RosterPart(self.version, self.issued_ms, number, len(groups), points, tuple(group))
            for number, group in enumerate(groups)
        ]


def join_parts(parts: Sequence[RosterPart]) -> Roster:
    """Put a complete set of parts of one version together; raises `Malformed`."""
    ordered = sorted(parts, key=lambda part: part.part)
    count = ordered[0].parts if ordered else 1
    if len(ordered) != count or [part.part for part in ordered] != list(range(count)):
        raise Malformed("roster parts are missing")
    if len({(part.version, part.issued_ms, part.parts, part.points) for part in ordered}) != 1:
        raise Malformed("roster parts of different versions")
    head = ordered[0]
    people = [person for part in ordered for person in part.people]
    return Roster(head.version, head.issued_ms, head.points, people)
