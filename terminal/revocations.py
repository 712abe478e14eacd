"""The terminal's copy of the list of revoked badges, kept as it came: signed."""

import logging
from pathlib import Path

from protocol.errors import ProtocolError
from protocol.keys import Identity
from protocol.revocations import Revocations, unpack_revocations
from runtime.files import write_atomic

log = logging.getLogger(__name__)

REVOCATIONS_FILE = "badges.revoked"


class RevocationBook:
    """The newest list that was heard of; it never goes back to an older one."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._path, self._identity = folder / REVOCATIONS_FILE, identity
        self._held = self._load()
        self.revoked = _ids(self._held)
        """Badges that are no longer good, by id."""

    @property
    def version(self) -> int:
        """Version of the list, 0 without one."""
        return self._held.version if self._held is not None else 0

    def take(self, message: bytes) -> bool:
        """Take a list; returns whether it is newer than the one before.

        Raises `ProtocolError` for anything that no badge issuer of the county signed.
        """
        offered = self._open(message)
        if offered.version <= self.version:
            return False  # what a broker retained, or somebody recorded, before
        self._held, self.revoked = offered, _ids(offered)
        try:
            write_atomic(self._path, message)
        except OSError as error:
            log.warning("%s is used, but could not be stored: %s", REVOCATIONS_FILE, error)
        return True

    def _load(self) -> Revocations | None:
        try:
            return self._open(self._path.read_bytes()) if self._path.exists() else None
        except (ProtocolError, OSError) as error:
            log.warning("%s is unusable and will be fetched again: %s", REVOCATIONS_FILE, error)
            return None

    def _open(self, message: bytes) -> Revocations:
        return unpack_revocations(message, self._identity.county, self._identity.badge_issuers)


def _ids(held: Revocations | None) -> frozenset[bytes]:
    return frozenset(held.badge_ids) if held is not None else frozenset()
