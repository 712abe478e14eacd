"""The badge office: every badge remembered, none twice, and a list that only grows."""

import stat
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from protocol.badge import LAST_POSSIBLE_DAY, BadgeVerdict, check_badge
from protocol.errors import BadSignature
from protocol.keys import decode_identity
from protocol.revocations import unpack_revocations
from provisioning.badges import BadgeOffice, day_of, open_office
from provisioning.bundle import create_county, create_terminal
from provisioning.errors import BadPlan, NoSuchCounty
from provisioning.layout import IDENTITY, CountyFolder
from provisioning.plans import CountyPlan, TerminalPlan
from provisioning.vault import load_authority
from runtime.release import RELEASED
from tests.badges import revocations

NOW = RELEASED + timedelta(days=10)
TODAY = day_of(NOW)
LAST_DAY = TODAY + timedelta(days=100)
LATER = NOW + timedelta(days=101)
HOLDERS = [bytes([number] * 16) for number in range(3)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("badges") / "county"
    create_county(folder, CountyPlan(), NOW)
    return folder


@pytest.fixture
def county(made: Path) -> Iterator[CountyFolder]:
    """The module's county, without any badge."""
    paths = CountyFolder(made)
    yield paths
    for path in (paths.issued_badges, paths.revoked_badges, paths.gateway_revoked_badges):
        path.unlink(missing_ok=True)


@pytest.fixture
def office(county: CountyFolder) -> Iterator[BadgeOffice]:
    with open_office(county.folder) as opened:
        yield opened


def issue(office: BadgeOffice, *, renew: bool = False) -> list[bytes]:
    """Ids of the badges the three holders get."""
    issued = office.issue(HOLDERS, LAST_DAY, NOW, renew=renew)
    return [each.badge.badge_id for each in issued]


def test_a_badge_is_good_at_every_terminal_of_the_county(
    office: BadgeOffice, county: CountyFolder
) -> None:
    node = create_terminal(county.folder, TerminalPlan("t1", "town-hall"), NOW)
    identities = [node / IDENTITY, county.gateway / IDENTITY]
    issued = office.issue(HOLDERS, LAST_DAY, NOW, renew=False)
    for folder in identities:
        issuers = decode_identity((folder / "node.identity").read_bytes()).badge_issuers
        for holder, each in zip(HOLDERS, issued, strict=True):
            check = check_badge(each.text, issuers, (), TODAY)
            assert (check.verdict, check.badge) == (BadgeVerdict.VALID, each.badge)
            assert (each.badge.holder, each.is_new) == (holder, True)
            assert (each.badge.first_day, each.badge.last_day) == (TODAY, LAST_DAY)


def test_another_county_does_not_know_it(office: BadgeOffice, tmp_path: Path) -> None:
    create_county(tmp_path / "other", CountyPlan(), NOW)
    gateway = CountyFolder(tmp_path / "other").gateway / IDENTITY / "node.identity"
    issuers = decode_identity(gateway.read_bytes()).badge_issuers
    (one, *_) = office.issue(HOLDERS, LAST_DAY, NOW, renew=False)
    assert check_badge(one.text, issuers, (), TODAY).verdict is BadgeVerdict.UNKNOWN_ISSUER


def test_printing_again_gives_the_same_badge(office: BadgeOffice, county: CountyFolder) -> None:
    first = issue(office)
    assert issue(office) == first
    again = BadgeOffice(county, office.county, load_authority(county.authority))
    repeated = again.issue(HOLDERS, LAST_DAY + timedelta(days=9), NOW, renew=False)
    assert [each.badge.badge_id for each in repeated] == first
    assert not any(each.is_new for each in repeated)
    assert len(again.issued) == len(HOLDERS)


def test_renewing_makes_new_ones_and_they_are_the_ones_printed_next(office: BadgeOffice) -> None:
    first = issue(office)
    second = issue(office, renew=True)
    assert set(first).isdisjoint(second)
    assert issue(office) == second
    assert len(office.issued) == 2 * len(HOLDERS)


def test_who_lost_a_badge_gets_a_new_one(office: BadgeOffice) -> None:
    first = issue(office)
    office.revoke([first[1]], NOW)
    second = issue(office)
    assert (second[0], second[2]) == (first[0], first[2])
    assert second[1] not in first


def test_whose_badge_is_over_gets_a_new_one(office: BadgeOffice) -> None:
    first = issue(office)
    later = office.issue(HOLDERS, day_of(LATER), LATER, renew=False)
    assert {each.badge.badge_id for each in later}.isdisjoint(first)


def test_a_person_who_is_in_the_file_twice_gets_one_badge(office: BadgeOffice) -> None:
    twice = office.issue([HOLDERS[0]] * 2, LAST_DAY, NOW, renew=True)
    assert twice[0].badge == twice[1].badge
    assert len(office.issued) == 1


@pytest.mark.parametrize(
    "last_day", [TODAY - timedelta(days=1), LAST_POSSIBLE_DAY + timedelta(days=1)]
)
def test_a_badge_that_cannot_end_then_is_not_made(
    office: BadgeOffice, county: CountyFolder, last_day: date
) -> None:
    with pytest.raises(BadPlan, match="cannot end on"):
        office.issue(HOLDERS, last_day, NOW, renew=False)
    assert not county.issued_badges.exists()


def test_the_list_grows_and_is_the_same_at_the_gateway(
    office: BadgeOffice, county: CountyFolder
) -> None:
    one, two, _ = issue(office)
    issuers = decode_identity((county.gateway / IDENTITY / "node.identity").read_bytes())
    for version, revoked in ((1, [two]), (2, [one])):
        held = office.revoke(revoked, NOW)
        message = county.gateway_revoked_badges.read_bytes()
        assert message == county.revoked_badges.read_bytes() == held.message
        listed = unpack_revocations(message, "demo", issuers.badge_issuers)
        assert (listed.version, set(listed.badge_ids)) == (version, set(held.badge_ids))
    assert office.revoked.badge_ids == {one, two}


def test_revoking_again_only_brings_the_gateway_its_copy_back(
    office: BadgeOffice, county: CountyFolder
) -> None:
    one, *_ = issue(office)
    first = office.revoke([one], NOW)
    county.gateway_revoked_badges.unlink()
    assert office.revoke([one], NOW) == first
    assert county.gateway_revoked_badges.read_bytes() == first.message


def test_a_badge_nobody_issued_is_not_revoked_by_a_slip(
    office: BadgeOffice, county: CountyFolder
) -> None:
    one, *_ = issue(office)
    with pytest.raises(BadPlan, match="never issued here: 0000-0000"):
        office.revoke([one, bytes(5)], NOW)
    assert not county.revoked_badges.exists()


def test_without_the_gateway_the_list_waits_at_the_authority(
    office: BadgeOffice, county: CountyFolder
) -> None:
    one, *_ = issue(office)
    away = county.folder / "away"
    county.gateway.rename(away)
    try:
        office.revoke([one], NOW)
    finally:
        away.rename(county.gateway)
    assert county.revoked_badges.exists()
    assert not county.gateway_revoked_badges.exists()


def test_what_is_as_good_as_a_badge_is_private(office: BadgeOffice, county: CountyFolder) -> None:
    issue(office)
    assert stat.S_IMODE(county.issued_badges.stat().st_mode) == 0o600
    assert stat.S_IMODE(county.authority.stat().st_mode) == 0o700


@pytest.mark.parametrize("harm", ["cut", "foreign", "binary"])
def test_a_damaged_register_stops_before_anything_is_issued(
    office: BadgeOffice, county: CountyFolder, harm: str
) -> None:
    issue(office)
    lines = county.issued_badges.read_text().splitlines()
    bad = {"cut": lines[1][:-1], "foreign": "MT1:ABC", "binary": "\xff\x00"}[harm]
    county.issued_badges.write_text("\n".join([lines[0], bad, lines[2]]), "latin-1")
    with pytest.raises(NoSuchCounty, match="line 2 is no badge"):
        BadgeOffice(county, office.county, load_authority(county.authority))


def test_a_list_that_somebody_else_signed_stops(office: BadgeOffice, county: CountyFolder) -> None:
    county.revoked_badges.write_bytes(revocations(1))
    with pytest.raises(BadSignature):
        BadgeOffice(county, office.county, load_authority(county.authority))


def test_two_at_once_take_turns(county: CountyFolder) -> None:
    """Else the later would forget what the earlier issued."""
    entered, may_leave = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with open_office(county.folder) as office:
            entered.set()
            may_leave.wait(10)
            order.append("first")
            issue(office)

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(10)
    threading.Timer(0.05, may_leave.set).start()
    with open_office(county.folder) as office:
        order.append("second")
        assert len(office.issued) == len(HOLDERS)
    thread.join()
    assert order == ["first", "second"]


def test_a_county_without_a_badge_key_is_named(made: Path, tmp_path: Path) -> None:
    key = CountyFolder(made).authority / "badge.key"
    moved = key.rename(tmp_path / "badge.key")
    try:
        with pytest.raises(NoSuchCounty, match=r"badge\.key is missing"), open_office(made):
            pass
    finally:
        moved.rename(key)
