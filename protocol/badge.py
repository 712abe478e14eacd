"""Our own badge: one line of signed text, in a QR code or on a tag (docs/wire-format.md section 9).

    MT1: Base45(issuer 8 | badge id 5 | holder 16 | first day 2 | last day 2 | signature 64 | CRC 2)

99 bytes, 153 characters, all of them in a QR code's alphanumeric set: they fill version 6 at error
correction M (154). Whoever knows the county's issuers can check it without a network. It names its
holder by the keyed digest of their document number and by nothing else. It can be copied like any
picture.

The checksum tells a text that a scanner garbled, to be scanned again, from a forged one, which is
alarming. The number of bytes is odd: the last of Base45's characters is then a digit, never a space
that a scanner would trim.
"""

import binascii
import struct
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from enum import Enum
from typing import NamedTuple

from protocol import suites
from protocol.base45 import decode_base45, encode_base45
from protocol.errors import BadSignature, Malformed
from protocol.limits import BADGE_ID_BYTES, DIGEST_BYTES, KEY_ID_BYTES
from protocol.signed import Label, sign_bare, verify_bare
from protocol.suites import SigningKey, VerifyKey

PREFIX = "MT1:"
CARD_ZONE = timezone(timedelta(hours=8))
"""Days on badges, as on identity cards, are days in China."""

_BODY = struct.Struct(f">{KEY_ID_BYTES}s{BADGE_ID_BYTES}s{DIGEST_BYTES}sHH")
_SIGNATURE_BYTES = 64  # Ed25519
_CHECKSUM_BYTES = 2  # finds every change of one character: it touches two neighbouring bytes
_CHECKSUM_START = 0xFFFF  # CRC-16/IBM-3740, also known as CCITT-FALSE
BADGE_BYTES = _BODY.size + _SIGNATURE_BYTES + _CHECKSUM_BYTES
BADGE_CHARS = len(PREFIX) + len(encode_base45(bytes(BADGE_BYTES)))
_DAY_ZERO = date(1970, 1, 1)
LAST_POSSIBLE_DAY = _DAY_ZERO + timedelta(days=2**16 - 1)

# Crockford's 32: no I, L, O and U, which are misread or misheard.
_ID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID_MISREAD = str.maketrans("OIL", "011")
_ID_CHARS = 8  # five bits each
_ID_DASH_AT = 4

Issuers = Mapping[bytes, VerifyKey]
"""The keys whose badges are accepted, by key id."""


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says. `first_day` and `last_day` are both days on which it is good."""

    badge_id: bytes
    holder: bytes = field(repr=False)
    """Credential digest of the person's document number, as in the roster."""
    first_day: date
    last_day: date


class BadgeVerdict(Enum):
    """What a check of a badge comes to, worst first."""

    MALFORMED = "malformed"  # garbled on its way: scan it again
    UNKNOWN_ISSUER = "unknown_issuer"  # another county's, or older or newer than this node
    BAD_SIGNATURE = "bad_signature"  # nobody here made it
    REVOKED = "revoked"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    VALID = "valid"


GENUINE = frozenset(
    {
        BadgeVerdict.REVOKED,
        BadgeVerdict.NOT_YET_VALID,
        BadgeVerdict.EXPIRED,
        BadgeVerdict.VALID,
    }
)
"""An issuer of the county made it: what it says of its holder is true."""


class BadgeCheck(NamedTuple):
    """A verdict, and what the badge says: a mere claim unless the verdict is one of `GENUINE`."""

    verdict: BadgeVerdict
    badge: Badge | None
    """`None` when nothing could be read."""


def issuers_of(keys: Iterable[VerifyKey]) -> dict[bytes, VerifyKey]:
    """Issuing keys by their ids."""
    return {suites.key_id(key): key for key in keys}


def encode_badge(badge: Badge, key: SigningKey) -> str:
    """The text of a badge, signed. The same badge and key give the same text.

    Raises `ValueError` for a day beyond the year 2149 or before 1970, and for a field of a wrong
    length.
    """
    if (len(badge.badge_id), len(badge.holder)) != (BADGE_ID_BYTES, DIGEST_BYTES):
        raise ValueError("a badge id or digest of the wrong length")
    days = (_day_number(badge.first_day), _day_number(badge.last_day))
    body = _BODY.pack(suites.key_id(key.public_key()), badge.badge_id, badge.holder, *days)
    signed = body + sign_bare(Label.BADGE, body, key)
    return PREFIX + encode_base45(signed + _checksum(signed))


def is_badge_like(text: str) -> bool:
    """Whether this is meant to be a badge: our prefix, or all of its length but one wrong letter.

    A scanner that types for the wrong keyboard gets the colon wrong first.
    """
    clean = _clean(text)
    return clean.startswith(PREFIX) or (
        len(clean) == BADGE_CHARS and clean.startswith(PREFIX.rstrip(":"))
    )


def check_badge(
    text: str, issuers: Issuers, revoked: Container[bytes], today: date | None
) -> BadgeCheck:
    """Check a badge as it was scanned. Never raises.

    Lower case, blanks and line ends around it are what scanners do to a text and do no harm.
    `today` is `None` when the clock is not to be believed: then no day is too early or too late.
    """
    try:
        body, signature = _taken_apart(text)
    except Malformed:
        return BadgeCheck(BadgeVerdict.MALFORMED, None)
    issuer, badge_id, holder, first, last = _BODY.unpack(body)
    badge = Badge(badge_id, holder, _day(first), _day(last))
    key = issuers.get(issuer)
    if key is None:
        return BadgeCheck(BadgeVerdict.UNKNOWN_ISSUER, badge)
    try:
        verify_bare(Label.BADGE, body, signature, key)
    except BadSignature:
        return BadgeCheck(BadgeVerdict.BAD_SIGNATURE, badge)
    return BadgeCheck(_standing(badge, revoked, today), badge)


def badge_id_text(badge_id: bytes) -> str:
    """A badge's id as it is printed and read out: `7K3M-9QXA`."""
    number = int.from_bytes(badge_id, "big")
    digits = "".join(_ID_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_ID_CHARS)))
    return f"{digits[:_ID_DASH_AT]}-{digits[_ID_DASH_AT:]}"


def parse_badge_id(text: str) -> bytes:
    """Undo `badge_id_text`, with or without dash, in any case. Raises `Malformed`."""
    digits = text.strip().upper().replace("-", "").translate(_ID_MISREAD)
    if len(digits) != _ID_CHARS or not set(digits) <= set(_ID_ALPHABET):
        raise Malformed(f"not the id of a badge: {_ID_CHARS} characters, such as 7K3M-9QXA")
    number = 0
    for digit in digits:
        number = number << 5 | _ID_ALPHABET.index(digit)
    return number.to_bytes(BADGE_ID_BYTES, "big")


def _clean(text: str) -> str:
    # Only US-ASCII: among other letters are some whose upper case is an ASCII letter.
    return text.strip().upper() if text.isascii() else text


def _taken_apart(text: str) -> tuple[bytes, bytes]:
    clean = _clean(text)
    if not clean.startswith(PREFIX) or len(clean) != BADGE_CHARS:
        raise Malformed("not a whole badge")
    data = decode_base45(clean.removeprefix(PREFIX))
    signed, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if checksum != _checksum(signed):
        raise Malformed("garbled: the checksum does not match")
    return signed[: _BODY.size], signed[_BODY.size :]


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, _CHECKSUM_START).to_bytes(_CHECKSUM_BYTES, "big")


def _standing(badge: Badge, revoked: Container[bytes], today: date | None) -> BadgeVerdict:
    if badge.badge_id in revoked:
        return BadgeVerdict.REVOKED
    if today is not None and today < badge.first_day:
        return BadgeVerdict.NOT_YET_VALID
    if today is not None and today > badge.last_day:
        return BadgeVerdict.EXPIRED
    return BadgeVerdict.VALID


def _day_number(day: date) -> int:
    if not _DAY_ZERO <= day <= LAST_POSSIBLE_DAY:
        raise ValueError(f"a badge cannot name the day {day}")
    return (day - _DAY_ZERO).days


def _day(number: int) -> date:
    return _DAY_ZERO + timedelta(days=number)
