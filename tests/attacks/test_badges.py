"""Who wants to be somebody else with a badge, or to keep a revoked one good."""

import binascii
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drivers.readers.base import CodeRead, TagRead
from gateway.revocations import RevocationFile
from protocol.badge import PREFIX, Badge, encode_badge
from protocol.base45 import decode_base45, encode_base45
from protocol.errors import ProtocolError
from protocol.keys import Identity, credential_digest, decode_identity
from protocol.records import CheckIn, Stamp, TimeSource
from protocol.revocations import pack_revocations
from protocol.roster import Person, Point, Roster
from protocol.suites import SigningKey
from protocol.verdict import PRESENT_UNLESS_STOPPED, Reason, Verdict
from provisioning.badges import open_office
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import IDENTITY, NODE_IDENTITY, CountyFolder
from provisioning.plans import CountyPlan, TerminalPlan
from provisioning.vault import load_authority
from terminal.credentials import Credentials
from terminal.revocations import RevocationBook
from terminal.station import Station
from tests.badges import forged_text
from tests.musters import NUMBERS

NOW = datetime.now(UTC)
POINT = "town-hall"
FAR_AHEAD = 10**6


class Victim:
    """A county with a terminal, one person on its roster, and that person's badge."""

    def __init__(self, folder: Path) -> None:
        create_county(folder / "county", CountyPlan(), NOW)
        self.county = CountyFolder(folder / "county")
        node = create_terminal(self.county.folder, TerminalPlan("t1", POINT), NOW)
        self.terminal = identity_in(node)
        self.gateway = identity_in(self.county.gateway)
        self.holder = credential_digest(self.terminal.county_key, NUMBERS[0])
        self.badge = self.issue(self.holder)
        self.data = folder / "data"
        self.data.mkdir()

    def issue(self, holder: bytes) -> str:
        with open_office(self.county.folder) as office:
            (issued,) = office.issue([holder], (NOW + timedelta(days=9)).date(), NOW, renew=True)
        return issued.text

    def revoke_all(self) -> bytes:
        """The list that goes out."""
        with open_office(self.county.folder) as office:
            return office.revoke([each.badge.badge_id for each in office.issued], NOW).message

    def scan(self, text: str, source: TimeSource = TimeSource.NTP) -> CheckIn | None:
        credentials = Credentials(self.terminal.county_key, self.terminal.badge_issuers)
        credentials.revoked = RevocationBook(self.data, self.terminal).revoked
        station = Station(POINT, 1, credentials)
        person = Person(1, self.holder, "王建伟", "一排", POINT)
        station.roster = Roster(1, 1, [Point(POINT, "镇政府", "Town hall")], [person])
        at = Stamp(int(NOW.timestamp() * 1000), 0, 0, source, 0)
        verdicts = [station.judge(event, at) for event in (CodeRead(text), TagRead(b"uid!", text))]
        records = [decision.record if decision is not None else None for decision in verdicts]
        assert records[0] == records[1]  # a tag is worth what its text is
        return records[0]


def identity_in(folder: Path) -> Identity:
    return decode_identity((folder / IDENTITY / NODE_IDENTITY).read_bytes())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    return Victim(tmp_path_factory.mktemp("victim"))


@pytest.fixture
def victim(made: Victim) -> Iterator[Victim]:
    yield made
    for path in (*made.data.iterdir(), made.county.revoked_badges):
        path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    return Victim(tmp_path_factory.mktemp("other"))


def counted(record: CheckIn | None) -> bool:
    """Whether the county would count somebody of the roster as present."""
    return (
        record is not None
        and record.verdict in PRESENT_UNLESS_STOPPED
        and (record.person is not None or bool(record.credential.digest))
    )


def test_the_control_a_good_badge_is_accepted(victim: Victim) -> None:
    record = victim.scan(victim.badge)
    assert record is not None
    assert (record.verdict, record.person) == (Verdict.ACCEPTED, 1)
    assert counted(record)


def test_nobody_signs_a_badge_but_the_issuer(victim: Victim) -> None:
    """Not a terminal, the gateway or the authority's other key: a stolen node makes no badges."""
    authority = load_authority(victim.county.authority)
    for thief in (
        SigningKey.generate(),
        victim.terminal.signing_key,
        victim.gateway.signing_key,
        authority.statement_key,
    ):
        own = encode_badge(
            Badge(bytes(5), victim.holder, date(2020, 1, 1), date(2100, 1, 1)), thief
        )
        record = victim.scan(own)
        assert record is not None
        assert (record.verdict, record.reason) == (Verdict.LOOK, Reason.UNKNOWN_ISSUER)
        assert not counted(record)
        record = victim.scan(forged_text(victim.badge, thief))
        assert record is not None
        assert (record.verdict, record.reason) == (Verdict.STOP, Reason.POSSIBLY_FORGED)
        assert not counted(record)


def test_another_countys_badge_counts_nobody_here(victim: Victim, other: Victim) -> None:
    """Even one made for our person: whoever knows the digest, or the whole county key."""
    record = victim.scan(other.issue(victim.holder))
    assert record is not None
    assert (record.verdict, record.reason) == (Verdict.LOOK, Reason.UNKNOWN_ISSUER)
    assert not counted(record)


def test_parts_of_two_badges_are_not_a_third(victim: Victim) -> None:
    """Taken apart and put together with a right checksum: no field of one fits the other."""
    stranger = victim.issue(credential_digest(victim.terminal.county_key, NUMBERS[1]))
    ours, theirs = (decode_base45(text.removeprefix(PREFIX)) for text in (victim.badge, stranger))
    for start, end in ((0, 33), (8, 13), (13, 29), (29, 33), (33, 97)):
        signed = ours[:start] + theirs[start:end] + ours[end:97]
        if signed not in (ours[:97], theirs[:97]):
            checksum = binascii.crc_hqx(signed, 0xFFFF).to_bytes(2, "big")
            record = victim.scan(PREFIX + encode_base45(signed + checksum))
            assert record is not None
            assert record.reason is Reason.POSSIBLY_FORGED, (start, end)


def test_a_clock_turned_back_does_not_revive_a_revoked_badge(victim: Victim) -> None:
    (victim.data / "badges.revoked").write_bytes(victim.revoke_all())
    for source in TimeSource:
        record = victim.scan(victim.badge, source)
        assert record is not None
        assert (record.verdict, record.reason) == (Verdict.STOP, Reason.CARD_REVOKED)


def test_an_old_list_replayed_frees_nobody(victim: Victim) -> None:
    """By the broker, by the network, by a gateway restored from last year's backup."""
    authority = load_authority(victim.county.authority)
    old = pack_revocations("demo", 1, 0, [], authority.badge_key)
    victim.county.revoked_badges.write_bytes(old)
    new = victim.revoke_all()
    book = RevocationBook(victim.data, victim.terminal)
    assert book.take(old)
    assert book.take(new)
    for _ in range(2):
        assert not book.take(old)
        book = RevocationBook(victim.data, victim.terminal)  # the power was cut
    record = victim.scan(victim.badge)
    assert record is not None
    assert record.verdict is Verdict.STOP


def test_a_gateway_that_is_taken_over_frees_and_revokes_nobody(
    victim: Victim, other: Victim
) -> None:
    book = RevocationBook(victim.data, victim.terminal)
    book.take(victim.revoke_all())
    held = book.revoked
    for thief in (victim.gateway.signing_key, load_authority(other.county.authority).badge_key):
        for badge_ids in ([], [bytes(5)]):
            forged = pack_revocations("demo", FAR_AHEAD, 0, badge_ids, thief)
            with pytest.raises(ProtocolError):
                book.take(forged)
    assert book.revoked == held


def test_a_gateway_does_not_pass_an_older_list_on(victim: Victim) -> None:
    authority = load_authority(victim.county.authority)
    path = victim.data / "list"
    path.write_bytes(pack_revocations("demo", 5, 0, [bytes(5)], authority.badge_key))
    file = RevocationFile(path, victim.gateway)
    newest = file.message
    for message in (
        pack_revocations("demo", 4, 0, [], authority.badge_key),
        pack_revocations("demo", FAR_AHEAD, 0, [], victim.gateway.signing_key),
    ):
        path.write_bytes(message)
        os.utime(path, ns=(0, len(message)))
        assert not file.rescan()
    assert file.message == newest
