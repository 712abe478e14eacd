"""What was presented: a document, a badge, a code or a tag, as a credential and its flaws. Pure.

What a badge claims is taken for true only when an issuer of the county signed it. A code or tag
proves nothing: it is a key to the roster, like a number that is read out.
"""

from dataclasses import dataclass
from datetime import date

from drivers.readers.base import CardRead, CodeRead, DocumentKind, TagRead
from protocol.badge import (
    GENUINE,
    BadgeVerdict,
    Issuers,
    badge_id_text,
    check_badge,
    is_badge_like,
)
from protocol.keys import credential_digest
from protocol.records import Credential, CredentialKind
from protocol.verdict import Reason

LAST_CHARS = 4

_KINDS = {
    DocumentKind.RESIDENT: CredentialKind.RESIDENT_ID,
    DocumentKind.HMT_PERMIT: CredentialKind.HMT_PERMIT,
    DocumentKind.FOREIGN_2017: CredentialKind.FOREIGN_2017,
    DocumentKind.FOREIGN_2023: CredentialKind.FOREIGN_2023,
    DocumentKind.TRAVEL_DOCUMENT: CredentialKind.TRAVEL_DOCUMENT,
}
_STOPS = {
    BadgeVerdict.BAD_SIGNATURE: Reason.POSSIBLY_FORGED,
    BadgeVerdict.REVOKED: Reason.CARD_REVOKED,
}
_DOUBTS = {
    BadgeVerdict.NOT_YET_VALID: Reason.NOT_YET_VALID,
    BadgeVerdict.EXPIRED: Reason.CARD_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential, and what is wrong with it before anybody looks into the roster."""

    credential: Credential
    stop: Reason | None = None
    """Stops whoever presents it."""
    doubt: Reason | None = None
    """To be looked at, though the person is expected here."""
    if_unknown: Reason | None = None
    """A better reason than "not on the roster" for finding nobody."""


class Credentials:
    """Turns what readers report into credentials, by the county's key and its badge issuers."""

    def __init__(self, county_key: bytes, issuers: Issuers) -> None:
        self._county_key, self._issuers = county_key, issuers
        self.revoked: frozenset[bytes] = frozenset()
        """Ids of badges that are no longer good."""

    def presented(
        self, event: CardRead | CodeRead | TagRead, today: date | None
    ) -> Presented | None:
        """The credential presented; `None` for one garbled on its way: present it once more.

        `today` is `None` when the clock is not to be believed: then nothing is too old or too new.
        """
        if isinstance(event, CardRead):
            return self._document(event, today)
        if isinstance(event, CodeRead):
            return self._code(event.text, today)
        # A tag without an identifier of its own, such as a phone, is no more than its text.
        if event.text is not None and (not event.uid or is_badge_like(event.text)):
            return self._code(event.text, today)
        return Presented(self._named(CredentialKind.TAG, event.uid.hex()))

    def _document(self, card: CardRead, today: date | None) -> Presented:
        until = card.valid_until
        is_expired = today is not None and until is not None and until < today
        return Presented(
            self._named(_KINDS[card.document], card.number),
            doubt=Reason.CARD_EXPIRED if is_expired else None,
            if_unknown=None if card.number_is_valid else Reason.BAD_CHECK_DIGIT,
        )

    def _code(self, text: str, today: date | None) -> Presented | None:
        if is_badge_like(text):
            return self._badge(text, today)
        if not text.strip():
            return None
        return Presented(self._named(CredentialKind.CODE, text))

    def _badge(self, text: str, today: date | None) -> Presented | None:
        verdict, badge = check_badge(text, self._issuers, self.revoked, today)
        if badge is None:
            return None
        # A claim that nobody vouches for must not count its holder as present.
        digest = badge.holder if verdict in GENUINE else b""
        last4 = badge_id_text(badge.badge_id)[-LAST_CHARS:]
        return Presented(
            Credential(CredentialKind.BADGE, digest, last4),
            stop=_STOPS.get(verdict),
            doubt=_DOUBTS.get(verdict),
            if_unknown=(Reason.UNKNOWN_ISSUER if verdict is BadgeVerdict.UNKNOWN_ISSUER else None),
        )

    def _named(self, kind: CredentialKind, number: str) -> Credential:
        spelt = number.strip().upper()
        # Only what can be read out; the end of any other text may be somebody's name.
        last4 = spelt[-LAST_CHARS:] if spelt.isascii() and spelt.isprintable() else ""
        return Credential(kind, credential_digest(self._county_key, number), last4)
