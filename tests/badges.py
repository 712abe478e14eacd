"""Badges for tests: an issuer, its badges, and ways in which scanners spoil them."""

import binascii
from collections.abc import Iterable
from datetime import date, timedelta

from protocol.badge import PREFIX, Badge, encode_badge, issuers_of
from protocol.base45 import decode_base45, encode_base45
from protocol.keys import credential_digest
from protocol.revocations import pack_revocations
from protocol.signed import Label, sign_bare
from protocol.suites import SigningKey
from terminal.credentials import Credentials
from tests.musters import NUMBERS
from tests.parties import BADGE_KEY, COUNTY, COUNTY_KEY, NOW_MS

ISSUERS = issuers_of([BADGE_KEY.public_key()])
FIRST_DAY, LAST_DAY = date(2026, 1, 1), date(2027, 12, 31)
"""Good at `NOW_MS`, which is in September 2026."""
_SAID_BYTES = 33  # docs/wire-format.md section 9: all that the signature covers
ONE_DAY = timedelta(days=1)


def credentials() -> Credentials:
    """What a station of the tests' county goes by."""
    return Credentials(COUNTY_KEY, ISSUERS)


def badge(number: int = 1, *, first: date = FIRST_DAY, last: date = LAST_DAY) -> Badge:
    """The badge of person 1 to 4 of `tests.musters`; its id ends in the person's number."""
    holder = credential_digest(COUNTY_KEY, NUMBERS[number - 1])
    return Badge(bytes([1, 2, 3, 4, number]), holder, first, last)


def badge_text(number: int = 1, *, key: SigningKey = BADGE_KEY, **days: date) -> str:
    """The same, as its code says it."""
    return encode_badge(badge(number, **days), key)


def forged_text(genuine: str, thief: SigningKey) -> str:
    """What a badge says, under the name of its issuer, signed by a thief; checksum and all."""
    said = decode_base45(genuine.removeprefix(PREFIX))[:_SAID_BYTES]
    signed = said + sign_bare(Label.BADGE, said, thief)
    checksum = binascii.crc_hqx(signed, 0xFFFF).to_bytes(2, "big")
    return PREFIX + encode_base45(signed + checksum)


def revocations(
    version: int,
    badge_ids: Iterable[bytes] = (),
    *,
    key: SigningKey = BADGE_KEY,
    county: str = COUNTY,
) -> bytes:
    """A list of revoked badges."""
    return pack_revocations(county, version, NOW_MS, badge_ids, key)
