"""Whom the other lanes of this point have seen, as they tell it. Pure; kept in memory only.

Nothing is refused or settled on it, for a stolen terminal can speak here as well. What it can fill
is bounded, and the living lanes say everything again. A restart forgets it all, and they tell it
again too (docs/decisions/0015-neighbours-say-it-again.md).
"""

from collections import OrderedDict
from dataclasses import dataclass

from protocol.neighbours import Sighting, digest_mark
from protocol.roster_order import RosterOrder
from terminal.ear import MAX_SENDERS, Heard

MAX_WORDS = 16_384  # 5 MB; a point has a few thousand people and a handful of lanes

Key = int | bytes
"""A person's number, or what was told of a digest that the roster here has not."""


@dataclass(frozen=True, slots=True)
class Word:
    """The latest one lane said of one person."""

    epoch: int
    counter: int
    """Of the frame: a word gives way to a later frame's, whatever order they arrive in."""
    lane: int
    at_s: float
    """When it was so, by our monotonic clock."""
    is_taken_back: bool


class Overheard:
    """The words of one activation."""

    def __init__(self) -> None:
        self._words: OrderedDict[tuple[Key, int], Word] = OrderedDict()
        """By person and sender's address; the one heard last is last."""
        self._addresses: OrderedDict[int, None] = OrderedDict()
        self._order: RosterOrder | None = None
        self._numbers: dict[bytes, int | None] = {}

    def forget_all(self) -> None:
        """Another activation has begun."""
        self._words.clear()
        self._addresses.clear()

    def use_roster(self, order: RosterOrder | None) -> None:
        """Find people by another roster, those heard of before it came as well."""
        self._order = order
        self._numbers = _numbers_by_mark(order) if order is not None else {}
        words, self._words = self._words, OrderedDict()
        for (key, address), word in words.items():
            self._put(self._known(key) if isinstance(key, bytes) else key, address, word)

    def take(self, heard: Heard, now_s: float) -> None:
        """Keep a neighbour's words."""
        told, address = heard.told, heard.address
        self._addresses[address] = None
        self._addresses.move_to_end(address)
        if len(self._addresses) > MAX_SENDERS:
            self._addresses.popitem(last=False)
        for sighting in told.sightings:
            key = self._key(sighting, told.roster)
            if key is not None:
                at_s = now_s - sighting.age_s
                word = Word(heard.epoch, heard.counter, told.lane, at_s, sighting.is_taken_back)
                self._put(key, address, word)

    def first(self, person: int) -> Word | None:
        """The earliest word by which a person is here."""
        words = (self._words.get((person, address)) for address in self._addresses)
        standing = [word for word in words if word is not None and not word.is_taken_back]
        return min(standing, key=lambda word: word.at_s, default=None)

    def _key(self, sighting: Sighting, roster: bytes) -> Key | None:
        who, order = sighting.who, self._order
        if isinstance(who, bytes):
            return self._known(who)
        if order is None or roster != order.fingerprint or who >= len(order.people):
            return None
        return order.people[who].number

    def _known(self, mark: bytes) -> Key:
        number = self._numbers.get(mark)
        return mark if number is None else number

    def _put(self, key: Key, address: int, word: Word) -> None:
        before = self._words.get((key, address))
        if before is None or before.epoch != word.epoch or before.counter < word.counter:
            self._words[key, address] = word
        self._words.move_to_end((key, address))
        if len(self._words) > MAX_WORDS:
            self._words.popitem(last=False)


def _numbers_by_mark(order: RosterOrder) -> dict[bytes, int | None]:
    """Whose a mark is; `None` if it could be one of several people's."""
    numbers: dict[bytes, int | None] = {}
    for person in order.people:
        for digest in (person.digest, *person.other_digests):
            mark = digest_mark(digest)
            number = numbers.get(mark, person.number)
            numbers[mark] = person.number if number == person.number else None
    return numbers
