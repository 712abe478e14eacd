"""The station: a card, the roster, who was seen before and the time make a verdict and a record.

A state machine without I/O. `judge` decides and changes nothing; `confirm` is called once the
record is durable. Every scan that happened becomes a record, whatever its verdict.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from drivers.readers.base import (
    CardRead,
    CardTrouble,
    DocumentKind,
    ReaderEvent,
    TroubleReason,
)
from protocol.downlink import Activation
from protocol.keys import credential_digest
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, Undo
from protocol.roster import Person, PersonStatus, Roster
from protocol.verdict import PRESENT_UNLESS_STOPPED, Reason, Verdict

CARD_ZONE = timezone(timedelta(hours=8))  # dates on these cards are days in China
NO_ACTIVATION = 0  # a terminal that has not heard of a muster still records

_KINDS = {
    DocumentKind.RESIDENT: CredentialKind.RESIDENT_ID,
    DocumentKind.HMT_PERMIT: CredentialKind.HMT_PERMIT,
    DocumentKind.FOREIGN_2017: CredentialKind.FOREIGN_2017,
    DocumentKind.FOREIGN_2023: CredentialKind.FOREIGN_2023,
    DocumentKind.TRAVEL_DOCUMENT: CredentialKind.TRAVEL_DOCUMENT,
}

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
class Decision:
    """What `judge` found. Nothing has happened yet."""

    record: CheckIn
    person: Person | None
    seen_before: Seen | None
    newly_seen: Seen | None
    """To be remembered together with the record."""


class Station:
    """One lane of one assembly point."""

    def __init__(self, point: str, lane: int, county_key: bytes) -> None:
        self._point, self._lane, self._county_key = point, lane, county_key
        self.roster: Roster | None = None
        self.activation: Activation | None = None
        self._seen: dict[tuple[int, int], Seen] = {}
        """By activation and person."""

    def remember(self, memories: Iterable[Seen]) -> None:
        """Take up who was seen before a restart."""
        for seen in memories:
            self._seen[seen.activation, seen.person] = seen

    def judge(self, event: ReaderEvent, at: Stamp) -> Decision | None:
        """The verdict on one presentation; `None` when the card must simply be held still."""
        if isinstance(event, CardTrouble):
            return self._judge_trouble(event, at)
        if not isinstance(event, CardRead):
            return None  # codes and tags: with the badge
        return self._judge_card(event, at)

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
            point=self._point,
            lane=self._lane,
            seq=seq,
            person=record.person,
            credential=record.credential,
        )

    def forget(self, seen: Seen) -> None:
        """The undo of the scan that first saw somebody is durable."""
        self._seen.pop((seen.activation, seen.person), None)

    def present(self) -> int:
        """Distinct people of this point seen here in the current activation."""
        roster, activation = self.roster, self._activation_number
        if roster is None:
            return 0
        people = (
            roster.person(person)
            for held_activation, person in self._seen
            if held_activation == activation
        )
        return sum(person is not None and person.point == self._point for person in people)

    def expected(self) -> int:
        """People the roster expects at this point."""
        return self.roster.expected_at(self._point) if self.roster is not None else 0

    @property
    def _activation_number(self) -> int:
        return self.activation.number if self.activation is not None else NO_ACTIVATION

    def _judge_trouble(self, trouble: CardTrouble, at: Stamp) -> Decision | None:
        if trouble.reason is TroubleReason.HOLD_STILL:
            return None
        verdict, reason = _TROUBLES[trouble.reason]
        record = self._record(at, verdict, reason, None, Credential(CredentialKind.UNREADABLE))
        return Decision(record, None, None, None)

    def _judge_card(self, card: CardRead, at: Stamp) -> Decision:
        digest = credential_digest(self._county_key, card.number)
        credential = Credential(_KINDS[card.document], digest, card.number[-4:])
        person = self.roster.find(digest) if self.roster is not None else None
        before = None
        if person is not None:
            before = self._seen.get((self._activation_number, person.number))
        verdict, reason = self._verdict(card, person, before, at)
        newly_seen = None
        if person is not None and before is None and verdict in PRESENT_UNLESS_STOPPED:
            newly_seen = Seen(self._activation_number, person.number, at.wall_ms)
        record = self._record(at, verdict, reason, person, credential)
        return Decision(record, person, before, newly_seen)

    def _verdict(
        self, card: CardRead, person: Person | None, before: Seen | None, at: Stamp
    ) -> tuple[Verdict, Reason]:
        if person is None:
            return Verdict.LOOK, self._why_unknown(card)
        if person.status is PersonStatus.CARD_LOST:
            return Verdict.STOP, Reason.CARD_LOST
        if before is not None:
            return Verdict.ALREADY, Reason.SEEN_BEFORE
        if person.point != self._point:
            return Verdict.LOOK, Reason.OTHER_POINT
        if card.valid_until is not None and card.valid_until < _date(at):
            return Verdict.LOOK, Reason.CARD_EXPIRED
        return Verdict.ACCEPTED, Reason.EXPECTED_HERE

    def _why_unknown(self, card: CardRead) -> Reason:
        if not card.number_is_valid:
            return Reason.BAD_CHECK_DIGIT
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
            activation=self._activation_number,
            point=self._point,
            lane=self._lane,
            verdict=verdict,
            reason=reason,
            roster_version=self.roster.version if self.roster is not None else 0,
            person=person.number if person is not None else None,
            credential=credential,
        )


def _date(at: Stamp) -> date:
    return datetime.fromtimestamp(at.wall_ms / 1000, CARD_ZONE).date()
