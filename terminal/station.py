"""The station: a credential, the roster, who was seen before and the time make verdict and record.

A state machine without I/O. `judge` decides and changes nothing; `confirm` is called once the
record is durable. Every scan that happened becomes a record, whatever its verdict.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from drivers.readers.base import CardTrouble, ReaderEvent, TroubleReason
from protocol.badge import CARD_ZONE
from protocol.downlink import Activation
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, TimeSource, Undo
from protocol.roster import Person, PersonStatus, Roster
from protocol.verdict import PRESENT_UNLESS_STOPPED, Reason, Verdict
from terminal.credentials import Credentials, Presented

NO_ACTIVATION = 0  # a terminal that has not heard of a muster still records

_TROUBLES = {
    TroubleReason.NOT_READABLE: (Verdict.LOOK, Reason.UNREADABLE),
    TroubleReason.CARD_REFUSED_READER: (Verdict.LOOK, Reason.UNREADABLE),
    TroubleReason.WRONG_CARD_TYPE: (Verdict.LOOK, Reason.UNREADABLE),
    TroubleReason.INFO_ERROR: (Verdict.LOOK, Reason.UNREADABLE),
    TroubleReason.UNKNOWN_LAYOUT: (Verdict.LOOK, Reason.UNKNOWN_LAYOUT),
    TroubleReason.POSSIBLY_FORGED: (Verdict.STOP, Reason.POSSIBLY_FORGED),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A person of the roster was at this terminal."""

    activation: int
    person: int
    first_ms: int


@dataclass(frozen=True, slots=True)
class SeenElsewhere:
    """Another lane of this point says that it has seen a person."""

    lane: int
    mono_ms: int
    """When, by this machine's monotonic clock."""


class Neighbourhood(Protocol):
    """The other lanes of this point, as far as they can be heard."""

    def first_seen(self, person: int) -> SeenElsewhere | None:
        """The first of them that has seen a person in the current activation."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What `judge` found. Nothing has happened yet."""

    record: CheckIn
    person: Person | None
    seen_before: Seen | None
    newly_seen: Seen | None
    """To be remembered together with the record."""
    seen_elsewhere: SeenElsewhere | None = None
    """Why somebody not seen before is *already here*."""


class Station:
    """One lane of one assembly point."""

    def __init__(self, point: str, lane: int, credentials: Credentials) -> None:
        self.point, self.lane = point, lane
        self.credentials = credentials
        self.roster: Roster | None = None
        self.activation: Activation | None = None
        self.neighbourhood: Neighbourhood | None = None
        self._seen: dict[tuple[int, int], Seen] = {}
        """By activation and person."""

    def remember(self, memories: Iterable[Seen]) -> None:
        """Take up who was seen before a restart."""
        for seen in memories:
            self._seen[seen.activation, seen.person] = seen

    def judge(self, event: ReaderEvent, at: Stamp) -> Decision | None:
        """The verdict on one presentation; `None` when it must simply be presented once more."""
        if isinstance(event, CardTrouble):
            return self._judge_trouble(event, at)
        presented = self.credentials.presented(event, _today(at))
        return self._judge_presented(presented, at) if presented is not None else None

    def confirm(self, decision: Decision) -> None:
        """The decision's record is durable: remember who was seen."""
        seen = decision.newly_seen
        if seen is not None:
            self._seen[seen.activation, seen.person] = seen

    def undo(self, decision: Decision, seq: int, at: Stamp) -> Undo:
        """The record that takes a confirmed decision back; nothing has happened yet."""
        record = decision.record
        return Undo(
            at=at,
            activation=record.activation,
            point=self.point,
            lane=self.lane,
            seq=seq,
            person=record.person,
            credential=record.credential,
        )

    def forget(self, seen: Seen) -> None:
        """The undo of the scan that first saw somebody is durable."""
        self._seen.pop((seen.activation, seen.person), None)

    def present(self) -> int:
        """Distinct people of this point seen here in the current activation."""
        roster, activation = self.roster, self.activation_number
        if roster is None:
            return 0
        people = (
            roster.person(person)
            for held_activation, person in self._seen
            if held_activation == activation
        )
        return sum(person is not None and person.point == self.point for person in people)

    def expected(self) -> int:
        """People the roster expects at this point."""
        return self.roster.expected_at(self.point) if self.roster is not None else 0

    def seen_here(self) -> list[Seen]:
        """Everybody seen at this lane in the current activation."""
        activation = self.activation_number
        return [seen for seen in self._seen.values() if seen.activation == activation]

    @property
    def activation_number(self) -> int:
        """Of the current activation, `NO_ACTIVATION` without one."""
        return self.activation.number if self.activation is not None else NO_ACTIVATION

    def _judge_trouble(self, trouble: CardTrouble, at: Stamp) -> Decision | None:
        if trouble.reason is TroubleReason.HOLD_STILL:
            return None
        verdict, reason = _TROUBLES[trouble.reason]
        record = self._record(at, verdict, reason, None, Credential(CredentialKind.UNREADABLE))
        return Decision(record, None, None, None)

    def _judge_presented(self, presented: Presented, at: Stamp) -> Decision:
        digest = presented.credential.digest
        person = self.roster.find(digest) if self.roster is not None else None
        before = None
        if person is not None:
            before = self._seen.get((self.activation_number, person.number))
        verdict, reason = self._verdict(presented, person, before)
        elsewhere = None
        if person is not None and verdict is Verdict.ACCEPTED and self.neighbourhood is not None:
            elsewhere = self.neighbourhood.first_seen(person.number)
        if elsewhere is not None:  # a neighbour's word never takes a *look* or a *stop* away
            verdict, reason = Verdict.ALREADY, Reason.SEEN_BEFORE
        newly_seen = None
        if person is not None and before is None and verdict in PRESENT_UNLESS_STOPPED:
            newly_seen = Seen(self.activation_number, person.number, at.wall_ms)
        record = self._record(at, verdict, reason, person, presented.credential)
        return Decision(record, person, before, newly_seen, elsewhere)

    def _verdict(
        self, presented: Presented, person: Person | None, before: Seen | None
    ) -> tuple[Verdict, Reason]:
        if presented.stop is not None:
            return Verdict.STOP, presented.stop
        if person is None:
            return Verdict.LOOK, self._why_unknown(presented)
        if _is_lost(presented.credential, person):
            return Verdict.STOP, Reason.CARD_LOST
        if before is not None:
            return Verdict.ALREADY, Reason.SEEN_BEFORE
        if person.point != self.point:
            return Verdict.LOOK, Reason.OTHER_POINT
        if presented.doubt is not None:
            return Verdict.LOOK, presented.doubt
        return Verdict.ACCEPTED, Reason.EXPECTED_HERE

    def _why_unknown(self, presented: Presented) -> Reason:
        if presented.if_unknown is not None:
            return presented.if_unknown
        return Reason.NO_ROSTER if self.roster is None else Reason.NOT_ON_ROSTER

    def _record(
        self,
        at: Stamp,
        verdict: Verdict,
        reason: Reason,
        person: Person | None,
        credential: Credential,
    ) -> CheckIn:
        return CheckIn(
            at=at,
            activation=self.activation_number,
            point=self.point,
            lane=self.lane,
            verdict=verdict,
            reason=reason,
            roster_version=self.roster.version if self.roster is not None else 0,
            person=person.number if person is not None else None,
            credential=credential,
        )


def _is_lost(credential: Credential, person: Person) -> bool:
    """A badge has a revocation list of its own, and may be what replaces a lost card."""
    is_reported = person.status is PersonStatus.CARD_LOST
    return is_reported and credential.kind is not CredentialKind.BADGE


def _today(at: Stamp) -> date | None:
    """`None` without a clock that can be believed (docs/decisions/0011-badges-and-clocks.md)."""
    if at.source is TimeSource.UNSET:
        return None
    return datetime.fromtimestamp(at.wall_ms / 1000, CARD_ZONE).date()
