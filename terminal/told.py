"""What this lane tells its neighbours: the latest word on everybody seen here. Pure.

Each word is told at once, and again for as long as the muster lasts: lap after lap through all of
them, the newest first. So whoever missed something, or came later, has it after a lap; nobody
needs to ask, and nobody can be made to answer. Times are seconds of the monotonic clock.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from protocol.neighbours import Sighting, Who, digest_mark
from protocol.roster_order import RosterOrder

MAX_OWN = 4096  # more than one reader takes in a muster; then the oldest are told no more
LATEST = 8  # told with every new word: seven frames in a row may be lost
RADIO_TIMES = 2  # each word is sent so often by radio
RADIO_BATCH_S = 10.0  # a word waits so long for others: frames cost more than what is in them
RADIO_REPEAT_S = 60.0  # the second time alone, if nothing new has taken it along by then
RADIO_WITHIN_S = 300.0  # an older one is not worth airtime that records need
BEFORE_RESTART = 0
"""In place of a record's number."""
_PIECE = 128  # words looked at for one frame, which holds 76 at most

Key = int | bytes
"""A person's number, or the credential digest of somebody who is on no roster."""


@dataclass(slots=True)
class _Word:
    key: Key = field(repr=False)
    seq: int
    """Of the record that says so, or `BEFORE_RESTART`."""
    at_s: float
    is_taken_back: bool = False
    radio_left: int = RADIO_TIMES
    radio_sent_s: float = 0.0


class OwnSightings:
    """One lane's words of one activation."""

    def __init__(self) -> None:
        self._words: OrderedDict[Key, _Word] = OrderedDict()
        """Oldest first."""
        self._lap: list[Key] = []
        """Who is still to be told in this lap, newest first."""
        self.laps = 0
        """How often the end was reached."""

    def forget_all(self) -> None:
        """Another activation has begun."""
        self._words.clear()
        self._lap.clear()

    def seen(self, key: Key, seq: int, at_s: float) -> bool:
        """Somebody is here; returns whether that is news.

        It is if the word that stands is of before a restart: then it was not told by this `seq`.
        """
        word = self._words.get(key)
        if word is not None and not word.is_taken_back and word.seq != BEFORE_RESTART:
            return False
        self._put(_Word(key, seq, at_s))
        return True

    def taken_back(self, seq: int, at_s: float) -> bool:
        """The record `seq` is undone; returns whether somebody is not here after all."""
        for word in reversed(self._words.values()):
            if word.seq == seq and not word.is_taken_back:
                self._put(_Word(word.key, seq, at_s, is_taken_back=True))
                return True
        return False

    def latest(self) -> list[Key]:
        """Whom to tell of at once."""
        return list(islice(reversed(self._words), LATEST))

    def next_of_lap(self) -> list[Key]:
        """Whom to tell of next, newest first; say with `told` who went out."""
        if not self._lap:
            self._lap = list(reversed(self._words))
        return self._newest_first(self._lap[:_PIECE])

    def told(self, keys: Sequence[Key]) -> None:
        """These were told of; a lap ends with its last one."""
        gone = {*keys}
        self._lap = [key for key in self._lap if key not in gone]
        if not self._lap:
            self.laps += 1

    def due_by_radio(self, now_s: float, limit: int) -> list[Key]:
        """Whom to tell of by radio now, newest first; nobody while it is worth waiting.

        At most `limit`, those before all others who were not told of yet.
        """
        left = [word for word in reversed(self._words.values()) if _is_for_radio(word, now_s)]
        if not any(_due_s(word) <= now_s for word in left):
            return []
        left.sort(key=lambda word: -word.radio_left)
        return self._newest_first([word.key for word in left[:limit]])

    def next_by_radio_s(self, now_s: float) -> float | None:
        """From when on `due_by_radio` names somebody; `None`: never, as things are."""
        left = (word for word in self._words.values() if _is_for_radio(word, now_s))
        return min(map(_due_s, left), default=None)

    def told_by_radio(self, keys: Sequence[Key], now_s: float) -> None:
        """These went out by radio."""
        for key in keys:
            word = self._words[key]
            word.radio_left -= 1
            word.radio_sent_s = now_s

    def sightings(
        self, keys: Sequence[Key], order: RosterOrder | None, now_s: float, *, by_place: bool
    ) -> list[tuple[Key, Sighting]]:
        """Words as they travel, in the order given. Whom the roster has no more is left out."""
        found = []
        for key in keys:
            word, who = self._words[key], _who(key, order, by_place=by_place)
            if who is not None:
                age_s = max(0, int(now_s - word.at_s))
                found.append((key, Sighting(who, age_s, word.is_taken_back)))
        return found

    def _put(self, word: _Word) -> None:
        self._words[word.key] = word
        self._words.move_to_end(word.key)
        if len(self._words) > MAX_OWN:
            oldest, _ = self._words.popitem(last=False)
            self._lap = [key for key in self._lap if key != oldest]

    def _newest_first(self, keys: Sequence[Key]) -> list[Key]:
        return sorted(keys, key=lambda key: -self._words[key].at_s)


def _is_for_radio(word: _Word, now_s: float) -> bool:
    return word.radio_left > 0 and now_s - word.at_s <= RADIO_WITHIN_S


def _due_s(word: _Word) -> float:
    if word.radio_left == RADIO_TIMES:
        return word.at_s + RADIO_BATCH_S
    return word.radio_sent_s + RADIO_REPEAT_S


def _who(key: Key, order: RosterOrder | None, *, by_place: bool) -> Who | None:
    if isinstance(key, bytes):
        return digest_mark(key)
    place = order.place_of(key) if order is not None else None
    if order is None or place is None:
        return None
    return place if by_place else digest_mark(order.people[place].digest)
