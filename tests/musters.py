"""A small muster for tests of the terminal and the gateway: people, their cards, a roster."""

from datetime import date

from drivers.readers.base import CardRead, DocumentKind
from protocol.downlink import Activation, Mode
from protocol.keys import credential_digest
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, TimeSource
from protocol.roster import Person, PersonStatus, Point, Roster
from protocol.verdict import Reason, Verdict
from tests.parties import COUNTY_KEY, NOW_MS

QINGSHAN = Point("qingshan", "青山镇", "Qingshan")
SHIQIAO = Point("shiqiao", "石桥镇", "Shiqiao")
NUMBERS = ("11010519491231002X", "440308199901101512", "810000199408230021", "911124198108030024")
"""Sample numbers of hw/sdt-reader.md, section 7."""
NAMES = ("王建伟", "李芳", "陈大文", "白求恩")
STRANGER = "110105194912310038"
ACTIVATION = Activation(7, "演练", "Drill", Mode.DRILL, NOW_MS, 90, 60)


def person(
    number: int, *, point: str = "qingshan", status: PersonStatus = PersonStatus.EXPECTED
) -> Person:
    """Person 1 to 4."""
    digest = credential_digest(COUNTY_KEY, NUMBERS[number - 1])
    return Person(number, digest, NAMES[number - 1], "一排", point, "班长", status)


def roster(version: int = 1, *people: Person) -> Roster:
    """Persons 1 and 2 at Qingshan, 3 at Shiqiao, and 4's card lost, unless told otherwise."""
    usual = (
        person(1),
        person(2),
        person(3, point="shiqiao"),
        person(4, status=PersonStatus.CARD_LOST),
    )
    return Roster(version, NOW_MS, [QINGSHAN, SHIQIAO], people or usual)


def card(
    number: int | str = 1,
    *,
    is_valid: bool = True,
    until: date | None = date(2040, 1, 1),
    never_expires: bool = False,
    kind: DocumentKind = DocumentKind.RESIDENT,
) -> CardRead:
    """The card of person 1 to 4, or of somebody with this document number."""
    digits = number if isinstance(number, str) else NUMBERS[number - 1]
    name = "路人" if isinstance(number, str) else NAMES[number - 1]
    return CardRead(kind, digits, is_valid, name, date(2020, 1, 1), until, never_expires)


def stamp(at_ms: int = NOW_MS) -> Stamp:
    """A moment."""
    return Stamp(at_ms, at_ms % 10**6, 1, TimeSource.NTP, 20)


def check_in(
    number: int | None = 1,
    *,
    at_ms: int = NOW_MS,
    point: str = "qingshan",
    verdict: Verdict = Verdict.ACCEPTED,
    reason: Reason = Reason.EXPECTED_HERE,
    activation: int = ACTIVATION.number,
    digest: bytes | None = None,
) -> CheckIn:
    """The record of a scan of person 1 to 4, or of a card given by `digest`."""
    if digest is None:
        digest = person(number).digest if number is not None else b""
    return CheckIn(
        stamp(at_ms),
        activation,
        point,
        1,
        verdict,
        reason,
        1,
        number,
        Credential(CredentialKind.RESIDENT_ID, digest, "002X"),
    )
