"""Badges, codes and tags at the station: whose they are, and what they are worth."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.base import CardRead, CodeRead, ReaderEvent, TagRead
from protocol.codec import encode_record
from protocol.keys import credential_digest
from protocol.records import CheckIn, CredentialKind, Stamp, TimeSource
from protocol.roster import PersonStatus
from protocol.suites import SigningKey
from protocol.verdict import Reason, Verdict
from terminal.station import Decision, Station
from tests.badges import (
    FIRST_DAY,
    LAST_DAY,
    badge,
    badge_text,
    credentials,
    forged_text,
)
from tests.musters import ACTIVATION, NAMES, NUMBERS, STRANGER, card, person, roster, stamp
from tests.parties import COUNTY_KEY, NOW_MS

THIEF = SigningKey.from_private_bytes(bytes(32))
UID = bytes.fromhex("04a22f1b5c6780")
STAFF_CODE = "QH-2026/0042"
OVER = badge_text(1, first=FIRST_DAY, last=FIRST_DAY)
TO_COME = badge_text(1, first=LAST_DAY, last=LAST_DAY)
CLOCK_UNSET = Stamp(NOW_MS, 0, 1, TimeSource.UNSET, 2**32 - 1)


def code(text: str) -> CodeRead:
    return CodeRead(text)


def tag(text: str | None = None, uid: bytes = UID) -> TagRead:
    return TagRead(uid, text)


@pytest.fixture
def station() -> Station:
    made = Station("qingshan", 2, credentials())
    made.roster, made.activation = roster(), ACTIVATION
    made.credentials.revoked = frozenset({badge(2).badge_id})
    return made


def judge(station: Station, event: ReaderEvent, at: Stamp | None = None) -> Decision:
    decision = station.judge(event, at or stamp())
    assert decision is not None
    station.confirm(decision)
    return decision


def verdict(record: CheckIn) -> tuple[Verdict, Reason]:
    return record.verdict, record.reason


GOOD, LOOK, STOP = Verdict.ACCEPTED, Verdict.LOOK, Verdict.STOP


@pytest.mark.parametrize(
    ("event", "expected", "whose"),
    [
        (code(badge_text(1)), (GOOD, Reason.EXPECTED_HERE), 1),
        (code(badge_text(1).lower() + "\r"), (GOOD, Reason.EXPECTED_HERE), 1),
        (tag(badge_text(1)), (GOOD, Reason.EXPECTED_HERE), 1),
        (code(badge_text(3)), (LOOK, Reason.OTHER_POINT), 3),
        # A badge may be what replaces the lost card; what stops a badge is its own list.
        (code(badge_text(4)), (GOOD, Reason.EXPECTED_HERE), 4),
        (code(badge_text(2)), (STOP, Reason.CARD_REVOKED), 2),
        (tag(badge_text(2)), (STOP, Reason.CARD_REVOKED), 2),
        (code(OVER), (LOOK, Reason.CARD_EXPIRED), 1),
        (code(TO_COME), (LOOK, Reason.NOT_YET_VALID), 1),
        (code(badge_text(3, last=FIRST_DAY)), (LOOK, Reason.OTHER_POINT), 3),
        (code(badge_text(2, last=FIRST_DAY)), (STOP, Reason.CARD_REVOKED), 2),
        (code(forged_text(badge_text(1), THIEF)), (STOP, Reason.POSSIBLY_FORGED), None),
        (tag(forged_text(badge_text(1), THIEF)), (STOP, Reason.POSSIBLY_FORGED), None),
        (code(forged_text(badge_text(2), THIEF)), (STOP, Reason.POSSIBLY_FORGED), None),
        (code(badge_text(1, key=THIEF)), (LOOK, Reason.UNKNOWN_ISSUER), None),
        (code(NUMBERS[0]), (GOOD, Reason.EXPECTED_HERE), 1),
        (code(f" {NUMBERS[0].lower()}\r\n"), (GOOD, Reason.EXPECTED_HERE), 1),
        (code(NUMBERS[3]), (STOP, Reason.CARD_LOST), 4),
        (code(STRANGER), (LOOK, Reason.NOT_ON_ROSTER), None),
        (code("https://example.org/我"), (LOOK, Reason.NOT_ON_ROSTER), None),
        (tag(), (LOOK, Reason.NOT_ON_ROSTER), None),
        (tag("some other text"), (LOOK, Reason.NOT_ON_ROSTER), None),
        (tag(uid=b""), (LOOK, Reason.NOT_ON_ROSTER), None),
    ],
)
def test_everything_presented_has_its_verdict(
    station: Station, event: ReaderEvent, expected: tuple[Verdict, Reason], whose: int | None
) -> None:
    record = judge(station, event).record
    assert (verdict(record), record.person) == (expected, whose)


@pytest.mark.parametrize(
    "event",
    [
        code(badge_text(1)[:-1]),
        code(badge_text(1)[:60] + "x" + badge_text(1)[61:]),
        code(badge_text(1).replace("MT1:", "MT1>")),
        tag(badge_text(1)[:100]),
        code(""),
        code(" \r\n"),
    ],
)
def test_what_a_scanner_garbled_is_scanned_again_and_not_recorded(
    station: Station, event: ReaderEvent
) -> None:
    assert station.judge(event, stamp()) is None


@pytest.mark.parametrize("text", [forged_text(badge_text(1), THIEF), badge_text(1, key=THIEF)])
def test_a_claim_nobody_vouches_for_counts_nobody(station: Station, text: str) -> None:
    """Nor at the county, which goes by the digest in the record."""
    record = judge(station, code(text)).record
    assert (record.credential.kind, record.credential.digest) == (CredentialKind.BADGE, b"")
    assert record.credential.last4 == "6101"  # to be told on the telephone
    assert station.present() == 0


@pytest.mark.parametrize("event", [code(OVER), code(TO_COME), code(badge_text(1))])
def test_without_a_clock_to_believe_no_day_is_wrong(station: Station, event: CodeRead) -> None:
    """Otherwise one dead battery makes a whole township suspect."""
    record = judge(station, event, CLOCK_UNSET).record
    assert verdict(record) == (GOOD, Reason.EXPECTED_HERE)
    assert record.at.source is TimeSource.UNSET


def test_without_a_clock_to_believe_a_card_is_not_expired_either(station: Station) -> None:
    expired = card(1, until=FIRST_DAY)
    assert verdict(judge(station, expired, CLOCK_UNSET).record) == (GOOD, Reason.EXPECTED_HERE)


@pytest.mark.parametrize("text", [badge_text(2), forged_text(badge_text(1), THIEF)])
def test_no_clock_helps_a_revoked_or_forged_badge(station: Station, text: str) -> None:
    assert judge(station, code(text), CLOCK_UNSET).record.verdict is STOP


def test_a_badge_is_good_through_its_last_day_in_china(station: Station) -> None:
    text = badge_text(1, last=LAST_DAY)
    midnight_ms = 1_830_268_800_000  # 2027-12-31T16:00:00Z, the end of that day in China
    assert judge(station, code(text), stamp(midnight_ms)).record.reason is Reason.CARD_EXPIRED
    assert judge(station, code(text), stamp(midnight_ms - 1)).record.reason is Reason.SEEN_BEFORE


@pytest.mark.parametrize("source", [TimeSource.RTC, TimeSource.NTP, TimeSource.GNSS])
def test_any_source_of_time_is_believed(station: Station, source: TimeSource) -> None:
    at = msgspec.structs.replace(stamp(), source=source)
    assert judge(station, code(OVER), at).record.reason is Reason.CARD_EXPIRED


def test_a_person_is_one_person_whatever_they_present(station: Station) -> None:
    tagged = msgspec.structs.replace(
        person(1),
        other_digests=(
            credential_digest(COUNTY_KEY, "04A22F1B5C6780"),
            credential_digest(COUNTY_KEY, STAFF_CODE),
        ),
    )
    station.roster = roster(2, tagged)
    first: ReaderEvent = code(badge_text(1))
    assert judge(station, first).record.verdict is GOOD
    for event in (tag(), code(STAFF_CODE.lower()), card(1), code(NUMBERS[0]), tag(badge_text(1))):
        record = judge(station, event).record
        assert (verdict(record), record.person) == ((Verdict.ALREADY, Reason.SEEN_BEFORE), 1)
    assert station.present() == 1


def test_a_lost_card_stops_the_second_credential_too(station: Station) -> None:
    """Nobody can tell which of the two the county was told of."""
    lost = msgspec.structs.replace(
        person(4, status=PersonStatus.CARD_LOST),
        other_digests=(credential_digest(COUNTY_KEY, UID.hex()),),
    )
    station.roster = roster(2, lost)
    assert verdict(judge(station, tag()).record) == (STOP, Reason.CARD_LOST)


def test_a_badge_without_a_roster_is_recorded_for_the_county(station: Station) -> None:
    station.roster = None
    record = judge(station, code(badge_text(1))).record
    assert verdict(record) == (LOOK, Reason.NO_ROSTER)
    assert record.credential.digest == person(1).digest
    assert verdict(judge(station, code(badge_text(2))).record) == (STOP, Reason.CARD_REVOKED)


@pytest.mark.parametrize(
    ("event", "kind", "last4"),
    [
        (code(badge_text(1)), CredentialKind.BADGE, "6101"),
        (tag(badge_text(1)), CredentialKind.BADGE, "6101"),
        (code(STAFF_CODE.lower()), CredentialKind.CODE, "0042"),
        (code("我的名片：王建伟"), CredentialKind.CODE, ""),
        (code("BEGIN:VCARD\nN:WANG"), CredentialKind.CODE, ""),
        (tag(), CredentialKind.TAG, "6780"),
        (tag(STAFF_CODE), CredentialKind.TAG, "6780"),
        (tag(STAFF_CODE, uid=b""), CredentialKind.CODE, "0042"),
        (tag(badge_text(1), uid=b""), CredentialKind.BADGE, "6101"),
    ],
)
def test_what_is_kept_of_it(
    station: Station, event: ReaderEvent, kind: CredentialKind, last4: str
) -> None:
    kept = judge(station, event).record.credential
    assert (kept.kind, kept.last4) == (kind, last4)
    assert len(kept.digest) == 16


@pytest.mark.parametrize("event", [code(NUMBERS[0]), tag(), code(badge_text(1)), code(STAFF_CODE)])
def test_nothing_of_it_is_in_a_repr_or_a_record(
    station: Station, event: CodeRead | TagRead
) -> None:
    decision = judge(station, event)
    secret = event.text if isinstance(event, CodeRead) else event.uid.hex()
    told = repr(decision) + repr(event) + repr(station.credentials) + repr(station)
    presented = station.credentials.presented(event, None)
    for text in (secret, secret.upper()):
        assert text not in told + repr(presented)
        assert text.encode() not in encode_record(decision.record)
    assert NAMES[0] not in told


@given(st.text(max_size=300), st.none() | st.text(max_size=200), st.binary(max_size=10))
def test_whatever_a_reader_reports_is_judged(text: str, ndef: str | None, uid: bytes) -> None:
    station = Station("qingshan", 2, credentials())
    station.roster = roster()
    events: list[CardRead | CodeRead | TagRead] = [CodeRead(text), TagRead(uid, ndef)]
    for event in events:
        decision = station.judge(event, stamp())
        if decision is not None:
            encode_record(decision.record)
            assert decision.record.verdict is LOOK
