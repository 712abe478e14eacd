"""The records of a packed batch, one after the other: what is usual costs little, all is possible.

An encoder and a decoder take the same walk (see `protocol.adaptive`): what is given to an encoder
is what a decoder returns, and both have learnt the same from it.
"""

from typing import NamedTuple

from protocol.adaptive import Gaps, Symbols, bits, number, raw, uniform
from protocol.errors import Malformed
from protocol.frames import MAX_FRAME_BYTES
from protocol.ids import MAX_SEQ
from protocol.limits import DIGEST_BYTES, MAX_OTHER_CREDENTIALS
from protocol.packed_entry import (
    LAST4_ALPHABET,
    LAST4_CHARS,
    LAST_SECOND,
    MAX_KIND,
    MAX_REASON,
    UNKNOWN_ERROR,
    Clock,
    Entry,
    Presented,
    digests,
)
from protocol.packed_people import PeopleModel, Way
from protocol.rangecoder import Coder
from protocol.records import CredentialKind, TimeSource
from protocol.roster_order import RosterOrder, Span
from protocol.verdict import Reason, Verdict

_USUAL_WEIGHT, _STEP = 240, 24  # of what is expected, where all else weighs 1; added by each sight
_SQUAD_GAP_S, _OTHER_GAP_S = 5, 30  # means before anything was seen
_EXPECTED_REASON = {
    Way.AGAIN: Reason.SEEN_BEFORE,
    Way.AWAY: Reason.OTHER_POINT,
    Way.STRANGER: Reason.NOT_ON_ROSTER,
}
_STOPPING = frozenset({Reason.CARD_LOST, Reason.POSSIBLY_FORGED, Reason.CARD_REVOKED})
_SQUAD = frozenset({Way.NEAR, Way.UNIT, Way.AGAIN})
_BOOT_BITS, _OFFSET_BITS = 32, 47


class _Odd(NamedTuple):
    """In what a record does not simply go on from the one before."""

    number: bool
    time: bool
    clock: bool
    lane: bool


_NOTHING_ODD = _Odd(False, False, False, False)


class Walk:
    """Codes the entries of one batch, in ascending order of their numbers.

    `before` is where it begins: the first entry's number less 1, its time, its clock and its lane.
    """

    def __init__(self, coder: Coder, order: RosterOrder, home: Span, before: Entry) -> None:
        self._coder, self._order = coder, order
        self._before = before
        self._entries: dict[int, Entry] = {}
        self._people = PeopleModel(coder, order, home)
        self._squad_gaps, self._other_gaps = Gaps(_SQUAD_GAP_S), Gaps(_OTHER_GAP_S)
        self._is_odd = _usually(0, 2)
        self._kinds = _usually(CredentialKind.RESIDENT_ID, MAX_KIND + 1)
        self._digests = _usually(1, 2 + MAX_OTHER_CREDENTIALS)
        self._reasons = [
            _usually(_EXPECTED_REASON.get(way, Reason.EXPECTED_HERE), MAX_REASON + 1) for way in Way
        ]
        self._verdicts = [
            _usually(_expected_verdict(reason) - 1, len(Verdict))
            for reason in range(MAX_REASON + 1)
        ]

    def step(self, given: Entry) -> Entry:
        """Code one entry. Raises `Malformed` for what no encoder writes."""
        way = self._people.code_way(self._way(given))
        odd = self._code_odd(self._odd(given))
        seq = self._before.seq + 1
        if odd.number:
            seq += 1 + number(self._coder, max(0, given.seq - seq - 1))
        if seq > MAX_SEQ:
            raise Malformed("a sequence number out of bounds")
        if way is Way.BODY:
            self._before = self._before._replace(seq=seq)
            return Entry(seq, body=self._code_body(given.body or b""))
        entry = self._before._replace(
            seq=seq,
            wall_s=self._code_time(odd.time, self._gaps(way), given),
            clock=code_clock(self._coder, given.clock) if odd.clock else self._before.clock,
            lane=uniform(self._coder, 256, given.lane) if odd.lane else self._before.lane,
        )
        entry = self._undo(entry, given) if way is Way.UNDO else self._check_in(entry, way, given)
        self._before = self._entries[seq] = entry
        return entry

    def _way(self, given: Entry) -> Way:
        if given.body is not None:
            return Way.BODY
        if given.undone_seq:
            return Way.UNDO
        place = given.presented.place
        return Way.STRANGER if place is None else self._people.way_to(place)

    def _odd(self, given: Entry) -> _Odd:
        before = self._before
        out_of_order = given.seq != before.seq + 1
        if given.body is not None:
            return _NOTHING_ODD._replace(number=out_of_order)
        return _Odd(
            out_of_order,
            given.wall_s < before.wall_s,
            not given.clock.is_like(before.clock),
            given.lane != before.lane,
        )

    def _code_odd(self, given: _Odd) -> _Odd:
        if not self._is_odd.code(self._coder, int(any(given))):
            return _NOTHING_ODD
        return _Odd(*(bool(uniform(self._coder, 2, int(each))) for each in given))

    def _gaps(self, way: Way) -> Gaps:
        return self._squad_gaps if way in _SQUAD else self._other_gaps

    def _code_time(self, is_backwards: bool, gaps: Gaps, given: Entry) -> int:
        gap_s = given.wall_s - self._before.wall_s
        if is_backwards:
            wall_s = self._before.wall_s - 1 - number(self._coder, max(0, -gap_s - 1))
        else:
            wall_s = self._before.wall_s + gaps.code(self._coder, max(0, gap_s))
        if not 0 <= wall_s <= LAST_SECOND:
            raise Malformed("a time out of bounds")
        return wall_s

    def _check_in(self, entry: Entry, way: Way, given: Entry) -> Entry:
        if way is Way.STRANGER:
            presented = self._code_stranger(given.presented)
        else:
            place = self._people.code_place(way, given.presented.place or 0)
            presented = self._code_card(place, given.presented)
        reason = self._reasons[way].code(self._coder, given.reason)
        verdict = self._verdicts[reason].code(self._coder, given.verdict - 1) + 1
        return entry._replace(presented=presented, reason=reason, verdict=verdict, undone_seq=0)

    def _undo(self, entry: Entry, given: Entry) -> Entry:
        back = number(self._coder, max(0, given.seq - 1 - given.undone_seq))
        undone_seq = entry.seq - 1 - back
        if undone_seq < 1:
            raise Malformed("an undo of nothing")
        undone = self._entries.get(undone_seq)
        if undone is not None:
            is_same = given.presented == undone.presented
            if uniform(self._coder, 2, int(is_same)):
                return entry._replace(undone_seq=undone_seq, presented=undone.presented)
        people = len(self._order.people)
        place = given.presented.place
        place = uniform(self._coder, people + 1, people if place is None else place)
        presented = (
            self._code_stranger(given.presented)
            if place == people
            else self._code_card(place, given.presented)
        )
        return entry._replace(undone_seq=undone_seq, presented=presented)

    def _code_card(self, place: int, given: Presented) -> Presented:
        kind = self._kinds.code(self._coder, given.kind)
        known = range(len(digests(self._order.people[place])))
        return Presented(place, kind, self._digests.code(self._coder, given.which, known))

    def _code_stranger(self, given: Presented) -> Presented:
        kind = self._kinds.code(self._coder, given.kind)
        has_digest = uniform(self._coder, 2, int(bool(given.digest)))
        digest = raw(self._coder, DIGEST_BYTES * has_digest, given.digest)
        count = uniform(self._coder, LAST4_CHARS + 1, len(given.last4))
        characters = given.last4.ljust(count, LAST4_ALPHABET[0])[:count]
        last4 = "".join(
            LAST4_ALPHABET[uniform(self._coder, len(LAST4_ALPHABET), LAST4_ALPHABET.index(each))]
            for each in characters
        )
        return Presented(None, kind, 0, digest, last4)

    def _code_body(self, given: bytes) -> bytes:
        return raw(self._coder, uniform(self._coder, MAX_FRAME_BYTES, len(given)), given)


def code_clock(coder: Coder, given: Clock) -> Clock:
    """A clock from nothing."""
    source = uniform(coder, len(TimeSource), given.source)
    clock = Clock(source, uniform(coder, UNKNOWN_ERROR + 1, given.error))
    if not clock.has_mono:
        return clock
    boot = bits(coder, _BOOT_BITS, given.boot)
    is_less = uniform(coder, 2, int(given.offset_ms < 0))
    size_ms = bits(coder, _OFFSET_BITS, abs(given.offset_ms))
    return clock._replace(boot=boot, offset_ms=-size_ms if is_less else size_ms)


def _usually(symbol: int, count: int) -> Symbols:
    return Symbols([_USUAL_WEIGHT if each == symbol else 1 for each in range(count)], _STEP)


def _expected_verdict(reason: int) -> Verdict:
    if reason == Reason.EXPECTED_HERE:
        return Verdict.ACCEPTED
    if reason == Reason.SEEN_BEFORE:
        return Verdict.ALREADY
    return Verdict.STOP if reason in _STOPPING else Verdict.LOOK
