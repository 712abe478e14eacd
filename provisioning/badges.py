"""Issues and revokes the badges of a county, and remembers them: `authority/badges.*`.

    badges.issued     every badge, one to a line, as its code says it
    badges.revoked    the newest list of revoked ones, signed; a copy goes to the gateway's folder

A badge is remembered before it is printed, or nobody could revoke it. A list is kept at the
authority before the gateway gets it, or a later one might go back.
"""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from protocol.badge import (
    CARD_ZONE,
    GENUINE,
    LAST_POSSIBLE_DAY,
    Badge,
    Issuers,
    badge_id_text,
    check_badge,
    encode_badge,
    issuers_of,
)
from protocol.limits import BADGE_ID_BYTES, MAX_REVOKED_BADGES
from protocol.revocations import pack_revocations, unpack_revocations
from provisioning.authority import Authority
from provisioning.county import County, load_county
from provisioning.errors import BadPlan, NoSuchCounty
from provisioning.layout import CountyFolder
from provisioning.vault import load_authority
from runtime.files import SECRET_MODE, write_atomic


@dataclass(frozen=True, slots=True)
class IssuedBadge:
    """A badge and its text, which is as good as the badge itself."""

    badge: Badge
    text: str = field(repr=False)
    is_new: bool = False
    """Made just now, not one the holder had already."""


@dataclass(frozen=True, slots=True)
class RevokedBadges:
    """The list as it stands."""

    version: int
    badge_ids: frozenset[bytes]
    message: bytes = field(default=b"", repr=False)
    """As it is published; empty while there is none."""


class BadgeOffice:
    """One county's badges. `open_office` lets one in at a time."""

    def __init__(self, paths: CountyFolder, county: County, authority: Authority) -> None:
        self._paths, self._key = paths, authority.badge_key
        self.county, self.county_key = county, authority.county_key
        self._issuers: Issuers = issuers_of([self._key.public_key()])
        self.revoked = self._load_revoked()
        self.issued = self._load_issued()

    def issue(
        self, holders: Iterable[bytes], last_day: date, now: datetime, *, renew: bool
    ) -> list[IssuedBadge]:
        """A badge for each holder (credential digests), in their order.

        Who has one that is still good gets it again, unless `renew`. Raises `BadPlan`, `OSError`.
        """
        today = day_of(now)
        if not today <= last_day <= LAST_POSSIBLE_DAY:
            raise BadPlan(f"badges cannot end on {last_day}: it is {today}")
        held = {} if renew else self._good(today)
        taken = {each.badge.badge_id for each in self.issued}
        wanted = list(holders)
        new = {
            holder: self._make(holder, today, last_day, taken)
            for holder in dict.fromkeys(wanted)
            if holder not in held
        }
        self._remember(list(new.values()))
        return [held.get(holder) or new[holder] for holder in wanted]

    def revoke(self, badge_ids: Iterable[bytes], now: datetime) -> RevokedBadges:
        """Put badges on the list for ever and publish it; the same again does no harm.

        Raises `BadPlan` for a badge that was never issued here, `OSError`.
        """
        wanted = set(badge_ids)
        strange = wanted - {each.badge.badge_id for each in self.issued}
        if strange:
            names = ", ".join(sorted(map(badge_id_text, strange)))
            raise BadPlan(f"never issued here: {names}; see `muster provision badge list`")
        if not wanted <= self.revoked.badge_ids:
            self._publish(self.revoked.badge_ids | wanted, now)
        if self._paths.gateway.exists():
            write_atomic(self._paths.gateway_revoked_badges, self.revoked.message)
        return self.revoked

    def _publish(self, badge_ids: frozenset[bytes], now: datetime) -> None:
        if len(badge_ids) > MAX_REVOKED_BADGES:
            raise BadPlan(f"a list holds at most {MAX_REVOKED_BADGES} revoked badges")
        version, issued_ms = self.revoked.version + 1, int(now.timestamp() * 1000)
        message = pack_revocations(self.county.county, version, issued_ms, badge_ids, self._key)
        write_atomic(self._paths.revoked_badges, message)
        self.revoked = RevokedBadges(version, badge_ids, message)

    def _make(self, holder: bytes, today: date, last_day: date, taken: set[bytes]) -> IssuedBadge:
        badge_id = secrets.token_bytes(BADGE_ID_BYTES)
        while badge_id in taken:
            badge_id = secrets.token_bytes(BADGE_ID_BYTES)
        taken.add(badge_id)
        badge = Badge(badge_id, holder, today, last_day)
        return IssuedBadge(badge, encode_badge(badge, self._key), is_new=True)

    def _remember(self, new: Sequence[IssuedBadge]) -> None:
        if not new:
            return
        lines = "".join(f"{each.text}\n" for each in (*self.issued, *new))
        write_atomic(self._paths.issued_badges, lines.encode(), mode=SECRET_MODE)
        self.issued = [*self.issued, *(IssuedBadge(each.badge, each.text) for each in new)]

    def _good(self, today: date) -> dict[bytes, IssuedBadge]:
        """Each holder's badge, the last that was issued and still counts."""
        return {
            each.badge.holder: each
            for each in self.issued
            if each.badge.badge_id not in self.revoked.badge_ids and each.badge.last_day >= today
        }

    def _load_issued(self) -> list[IssuedBadge]:
        path = self._paths.issued_badges
        lines = path.read_text("ascii", "replace").splitlines() if path.exists() else []
        return [self._issued(path, number, line) for number, line in enumerate(lines, 1)]

    def _issued(self, path: Path, number: int, line: str) -> IssuedBadge:
        verdict, badge = check_badge(line, self._issuers, (), None)
        if badge is None or verdict not in GENUINE:
            raise NoSuchCounty(f"{path}: line {number} is no badge of this county")
        return IssuedBadge(badge, line)

    def _load_revoked(self) -> RevokedBadges:
        path = self._paths.revoked_badges
        if not path.exists():
            return RevokedBadges(0, frozenset())
        message = path.read_bytes()
        held = unpack_revocations(message, self.county.county, self._issuers)
        return RevokedBadges(held.version, frozenset(held.badge_ids), message)


@contextmanager
def open_office(folder: Path) -> Iterator[BadgeOffice]:
    """The badge office of the county in `folder`, closed to others meanwhile.

    Raises `ProvisioningError`, `ConfigError`, `ProtocolError` for a damaged list, `OSError`.
    """
    paths = CountyFolder(folder)
    county, authority = load_county(folder), load_authority(paths.authority)
    lock = os.open(paths.authority, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield BadgeOffice(paths, county, authority)
    finally:
        os.close(lock)


def day_of(now: datetime) -> date:
    """The day on which badges begin and end."""
    return now.astimezone(CARD_ZONE).date()
