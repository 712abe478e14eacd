"""The station: which card gets which verdict, and what is remembered of it."""

from datetime import UTC, date, datetime

import pytest

from drivers.readers.base import CardTrouble, DocumentKind, TroubleReason
from protocol.codec import encode_record
from protocol.records import CredentialKind
from protocol.roster import PersonStatus
from protocol.verdict import Reason, Verdict
from terminal.station import NO_ACTIVATION, Decision, Seen, SeenElsewhere, Station
from tests.badges import credentials
from tests.musters import (
    ACTIVATION,
    NAMES,
    NUMBERS,
    STRANGER,
    card,
    person,
    roster,
    stamp,
)
from tests.parties import NOW_MS


@pytest.fixture
def station() -> Station:
    made = Station("qingshan", 2, credentials())
    made.roster, made.activation = roster(), ACTIVATION
    return made


def scan(station: Station, *args: int | str, at_ms: int = NOW_MS, **kwargs: object) -> Decision:
    decision = station.judge(card(*args, **kwargs), stamp(at_ms))  # type: ignore[arg-type]
    assert decision is not None
    station.confirm(decision)
    return decision


def verdict(decision: Decision) -> tuple[Verdict, Reason]:
    return decision.record.verdict, decision.record.reason


EXPIRED = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (card(1), (Verdict.ACCEPTED, Reason.EXPECTED_HERE)),
        (card(3), (Verdict.LOOK, Reason.OTHER_POINT)),
        (card(4), (Verdict.STOP, Reason.CARD_LOST)),
        (card(STRANGER), (Verdict.LOOK, Reason.NOT_ON_ROSTER)),
        (card("123", is_valid=False), (Verdict.LOOK, Reason.BAD_CHECK_DIGIT)),
        (card(1, until=EXPIRED), (Verdict.LOOK, Reason.CARD_EXPIRED)),
        (card(1, until=None, never_expires=True), (Verdict.ACCEPTED, Reason.EXPECTED_HERE)),
        (card(1, until=None), (Verdict.ACCEPTED, Reason.EXPECTED_HERE)),
        # Order: a lost card stops whatever else is wrong with it, another point before the date.
        (card(4, until=EXPIRED), (Verdict.STOP, Reason.CARD_LOST)),
        (card(3, until=EXPIRED), (Verdict.LOOK, Reason.OTHER_POINT)),
        (card(STRANGER, until=EXPIRED), (Verdict.LOOK, Reason.NOT_ON_ROSTER)),
        # The roster's word counts more than a check digit.
        (card(1, is_valid=False), (Verdict.ACCEPTED, Reason.EXPECTED_HERE)),
    ],
)
def test_every_card_has_its_verdict(
    station: Station, shown: object, expected: tuple[Verdict, Reason]
) -> None:
    decision = station.judge(shown, stamp())  # type: ignore[arg-type]
    assert decision is not None
    assert verdict(decision) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (TroubleReason.NOT_READABLE, (Verdict.LOOK, Reason.UNREADABLE)),
        (TroubleReason.CARD_REFUSED_READER, (Verdict.LOOK, Reason.UNREADABLE)),
        (TroubleReason.WRONG_CARD_TYPE, (Verdict.LOOK, Reason.UNREADABLE)),
        (TroubleReason.INFO_ERROR, (Verdict.LOOK, Reason.UNREADABLE)),
        (TroubleReason.UNKNOWN_LAYOUT, (Verdict.LOOK, Reason.UNKNOWN_LAYOUT)),
        (TroubleReason.POSSIBLY_FORGED, (Verdict.STOP, Reason.POSSIBLY_FORGED)),
        (TroubleReason.HOLD_STILL, None),
    ],
)
def test_every_trouble_has_its_verdict(
    station: Station, reason: TroubleReason, expected: tuple[Verdict, Reason] | None
) -> None:
    decision = station.judge(CardTrouble(reason), stamp())
    assert (decision and verdict(decision)) == expected
    if decision is not None:
        credential = decision.record.credential
        assert (credential.kind, credential.digest, credential.last4) == (
            CredentialKind.UNREADABLE,
            b"",
            "",
        )


def test_every_trouble_and_document_is_known(station: Station) -> None:
    """A reason added to the readers must not become a KeyError at the assembly point."""
    for reason in TroubleReason:
        station.judge(CardTrouble(reason), stamp())
    for kind in DocumentKind:
        station.judge(card(1, kind=kind), stamp())


def test_the_second_scan_is_already_here_and_names_the_first(station: Station) -> None:
    scan(station, 1)
    again = scan(station, 1, at_ms=NOW_MS + 60_000)
    assert verdict(again) == (Verdict.ALREADY, Reason.SEEN_BEFORE)
    assert again.seen_before == Seen(ACTIVATION.number, 1, NOW_MS)
    assert again.newly_seen is None


def test_judging_alone_changes_nothing(station: Station) -> None:
    """Until a record is durable nobody was here."""
    for _ in range(2):
        decision = station.judge(card(1), stamp())
        assert decision is not None
        assert verdict(decision) == (Verdict.ACCEPTED, Reason.EXPECTED_HERE)
    assert station.present() == 0


def test_a_lost_card_is_stopped_every_time_and_counts_nobody(station: Station) -> None:
    for _ in range(2):
        decision = scan(station, 4)
        assert verdict(decision) == (Verdict.STOP, Reason.CARD_LOST)
        assert decision.newly_seen is None
    assert station.present() == 0


def test_a_card_reported_lost_after_its_owner_came_is_stopped(station: Station) -> None:
    scan(station, 1)
    station.roster = roster(2, person(1, status=PersonStatus.CARD_LOST))
    assert verdict(scan(station, 1)) == (Verdict.STOP, Reason.CARD_LOST)


def test_somebody_moved_here_by_a_newer_roster(station: Station) -> None:
    """First a guest; after the roster says that this is their point, they count here."""
    assert verdict(scan(station, 3)) == (Verdict.LOOK, Reason.OTHER_POINT)
    assert (station.present(), station.expected()) == (0, 3)
    station.roster = roster(2, person(3))
    assert (station.present(), station.expected()) == (1, 1)
    assert verdict(scan(station, 3)) == (Verdict.ALREADY, Reason.SEEN_BEFORE)


def test_somebody_the_newer_roster_does_not_know_counts_nowhere(station: Station) -> None:
    scan(station, 1)
    station.roster = roster(2, person(2))
    assert station.present() == 0


def test_without_a_roster_a_card_is_recorded_and_looked_at(station: Station) -> None:
    station.roster = None
    decision = scan(station, 1)
    assert verdict(decision) == (Verdict.LOOK, Reason.NO_ROSTER)
    assert (decision.record.person, decision.record.roster_version) == (None, 0)
    assert decision.record.credential.digest == person(1).digest
    assert (station.present(), station.expected()) == (0, 0)


def test_without_an_activation_it_records_under_none(station: Station) -> None:
    station.activation = None
    assert scan(station, 1).record.activation == NO_ACTIVATION
    assert verdict(scan(station, 1)) == (Verdict.ALREADY, Reason.SEEN_BEFORE)
    station.activation = ACTIVATION
    assert verdict(scan(station, 1)) == (Verdict.ACCEPTED, Reason.EXPECTED_HERE)


def test_another_activation_starts_from_nobody_and_the_old_one_is_not_forgotten(
    station: Station,
) -> None:
    scan(station, 1)
    station.activation = type(ACTIVATION)(8, "", "", ACTIVATION.mode, NOW_MS, 90, 60)
    assert station.present() == 0
    assert verdict(scan(station, 1)) == (Verdict.ACCEPTED, Reason.EXPECTED_HERE)
    station.activation = ACTIVATION
    assert verdict(scan(station, 1)) == (Verdict.ALREADY, Reason.SEEN_BEFORE)


def test_a_restart_that_remembers_says_already_here(station: Station) -> None:
    station.remember([Seen(ACTIVATION.number, 2, NOW_MS - 5000)])
    decision = scan(station, 2)
    assert verdict(decision) == (Verdict.ALREADY, Reason.SEEN_BEFORE)
    assert decision.seen_before is not None
    assert decision.seen_before.first_ms == NOW_MS - 5000


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        # Midnight in China is 16:00 UTC the day before.
        (datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC), Reason.EXPECTED_HERE),
        (datetime(2026, 9, 30, 16, 0, 0, tzinfo=UTC), Reason.CARD_EXPIRED),
    ],
)
def test_a_card_is_good_through_its_last_day_in_china(
    station: Station, moment: datetime, reason: Reason
) -> None:
    at_ms = int(moment.timestamp() * 1000)
    assert scan(station, 1, at_ms=at_ms, until=date(2026, 9, 30)).record.reason is reason


def test_a_record_says_where_and_what_it_was_judged_by(station: Station) -> None:
    record = scan(station, 1).record
    assert (record.point, record.lane, record.activation) == ("qingshan", 2, ACTIVATION.number)
    assert (record.roster_version, record.person) == (1, 1)
    assert record.credential.last4 == "002X"


@pytest.mark.parametrize("number", [1, 3, 4, STRANGER])
def test_nothing_of_the_card_is_in_a_repr_or_a_record(station: Station, number: int | str) -> None:
    shown = card(number)
    decision = scan(station, number)
    told = repr(decision) + repr(shown) + repr(station) + repr(station.roster)
    assert shown.number not in told
    assert shown.name not in told
    body = encode_record(decision.record)
    assert shown.number.encode() not in body
    assert shown.name.encode() not in body


def test_the_same_number_is_found_however_it_is_spelt(station: Station) -> None:
    assert verdict(scan(station, NUMBERS[0].lower()))[0] is Verdict.ACCEPTED
    assert NAMES[0] not in repr(station.roster)


class FakeNeighbourhood:
    """Another lane that has seen everybody."""

    def first_seen(self, person: int) -> SeenElsewhere | None:
        return SeenElsewhere(person + 10, 0)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (card(1), (Verdict.ALREADY, Reason.SEEN_BEFORE)),
        (card(1, until=EXPIRED), (Verdict.LOOK, Reason.CARD_EXPIRED)),
        (card(3), (Verdict.LOOK, Reason.OTHER_POINT)),
        (card(4), (Verdict.STOP, Reason.CARD_LOST)),
        (card(STRANGER), (Verdict.LOOK, Reason.NOT_ON_ROSTER)),
    ],
)
def test_what_another_lane_says_changes_accepted_and_nothing_else(
    station: Station, shown: object, expected: tuple[Verdict, Reason]
) -> None:
    station.neighbourhood = FakeNeighbourhood()
    decision = station.judge(shown, stamp())  # type: ignore[arg-type]
    assert decision is not None
    assert verdict(decision) == expected
    assert (decision.seen_elsewhere is not None) == (expected[0] is Verdict.ALREADY)


def test_who_was_seen_elsewhere_is_seen_here_from_now_on(station: Station) -> None:
    station.neighbourhood = FakeNeighbourhood()
    first = scan(station, 1)
    assert first.seen_elsewhere == SeenElsewhere(11, 0)
    assert first.newly_seen == Seen(ACTIVATION.number, 1, NOW_MS)
    assert station.present() == 1
    again = scan(station, 1, at_ms=NOW_MS + 5000)
    assert (again.seen_elsewhere, again.seen_before) == (None, first.newly_seen)
    assert station.seen_here() == [first.newly_seen]
