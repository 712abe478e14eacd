"""The list of revoked badges that the county put here for the terminals: a file, looked at again.

`muster provision badge revoke` writes it. It is passed on as it came, signed by the badge issuer:
whoever can write the file can hold a list back, but cannot revoke or free a badge.
"""

import logging
from pathlib import Path

from protocol.errors import ProtocolError
from protocol.keys import Identity
from protocol.revocations import unpack_revocations

log = logging.getLogger(__name__)

_FileState = tuple[int, int]
"""Time of the last change in nanoseconds, and size in bytes."""


class RevocationFile:
    """The newest list that was seen in a file. A running gateway never goes back."""

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path, self._identity = path, identity
        self._state: _FileState | None = None
        self._version = 0
        self.message: bytes | None = None
        """The list as it goes out; `None` before there is one."""
        self.rescan()

    def rescan(self) -> bool:
        """Look at the file again if it changed; returns whether it holds a newer list."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return False
        state = (status.st_mtime_ns, status.st_size)
        if state == self._state:
            return False
        self._state = state
        try:
            return self._take(self._path.read_bytes())
        except (ProtocolError, OSError) as error:
            log.warning("list of revoked badges refused: %s", error)
            return False

    def _take(self, message: bytes) -> bool:
        identity = self._identity
        version = unpack_revocations(message, identity.county, identity.badge_issuers).version
        if version < self._version:
            log.warning("list of revoked badges refused: it is older than the one before")
        if version <= self._version:
            return False
        self._version, self.message = version, message
        return True
