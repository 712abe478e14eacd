"""The county's list of revoked badges: all of them, signed by a badge issuer, with a version.

It names badges by their ids and nobody by name, so it travels in the clear. A newer list holds all
that the one before it held; nobody goes back to an older one.
"""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from protocol import suites
from protocol.badge import Issuers
from protocol.errors import BadSignature
from protocol.fields import BadgeId, Count, KeyId, Milliseconds, NameText
from protocol.limits import MAX_REVOKED_BADGES
from protocol.signed import Label, decode_signed, encode_signed, peek
from protocol.suites import SigningKey


class Revocations(Struct, frozen=True, array_like=True):
    """Badges that are no longer good, whoever holds them."""

    county: NameText
    issuer: KeyId
    """Names the key that signs this list; it speaks for the badges of every issuer."""
    version: Count
    issued_ms: Milliseconds
    badge_ids: Annotated[tuple[BadgeId, ...], Meta(max_length=MAX_REVOKED_BADGES)]


class _Issued(Struct, frozen=True, array_like=True):
    # Read before the rest is verified: whose key to verify with.
    county: NameText
    issuer: KeyId


def pack_revocations(
    county: str, version: int, issued_ms: int, badge_ids: Iterable[bytes], key: SigningKey
) -> bytes:
    """Sign a list as a badge issuer. Raises `ValueError` for more than a list can hold."""
    ordered = tuple(sorted(set(badge_ids)))
    if len(ordered) > MAX_REVOKED_BADGES:
        raise ValueError(f"a list holds at most {MAX_REVOKED_BADGES} revoked badges")
    issuer = suites.key_id(key.public_key())
    return encode_signed(
        Label.REVOCATIONS, Revocations(county, issuer, version, issued_ms, ordered), key
    )


def unpack_revocations(message: bytes, county: str, issuers: Issuers) -> Revocations:
    """Verify a list of this county's; raises `ProtocolError`."""
    claimed = peek(message, _Issued)
    key = issuers.get(claimed.issuer)
    if key is None or claimed.county != county:
        raise BadSignature("signed by no badge issuer of this county")
    return decode_signed(Label.REVOCATIONS, message, key, Revocations)
