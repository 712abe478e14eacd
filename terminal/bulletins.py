"""The terminal's copy of the county's bulletin, kept sealed to itself: a change names people."""

import logging
from pathlib import Path

from protocol import suites
from protocol.bulletin import Bulletin, unpack_bulletin
from protocol.errors import ProtocolError
from protocol.keys import Identity
from protocol.radio_news import Pieces, unpack_piece
from runtime.files import SECRET_MODE, write_atomic

log = logging.getLogger(__name__)

BULLETIN_FILE = "bulletin.sealed"
_SEALED = b"muster/1 bulletin at rest\0"


class BulletinBook:
    """The newest bulletin that was heard of; it never goes back to an older one."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._path, self._identity = folder / BULLETIN_FILE, identity
        self._pieces = Pieces()
        self.bulletin = self._load()

    @property
    def number(self) -> int:
        """Of the bulletin in force, 0 without one."""
        return self.bulletin.number if self.bulletin is not None else 0

    def take_piece(self, content: bytes) -> bool:
        """Take a piece heard by radio; returns whether a newer bulletin is whole now.

        Raises `ProtocolError` for what is no piece, and if what the pieces make is not the
        gateway's word: then all of it is forgotten and collected anew.
        """
        message = self._pieces.take(unpack_piece(content))
        return message is not None and self.take(message)

    def take(self, message: bytes) -> bool:
        """Take a whole bulletin; returns whether it is newer than the one before, or says more.

        Raises `ProtocolError` for anything that is not the gateway's word to the county.
        """
        offered, held = self._open(message), self.bulletin
        if held is not None and _rank(offered) <= _rank(held):
            return False
        self.bulletin = offered
        self._save(message)
        return True

    def _load(self) -> Bulletin | None:
        opening = self._identity.opening_key
        try:
            if not self._path.exists():
                return None
            return self._open(suites.hpke_open(opening, self._path.read_bytes(), _SEALED))
        except (ProtocolError, OSError) as error:
            log.warning("%s is unusable and will be fetched again: %s", BULLETIN_FILE, error)
            return None

    def _save(self, message: bytes) -> None:
        sealed = suites.hpke_seal(self._identity.opening_key.public_key(), message, _SEALED)
        try:
            write_atomic(self._path, sealed, mode=SECRET_MODE)
        except OSError as error:
            log.warning("%s is used, but could not be stored: %s", BULLETIN_FILE, error)

    def _open(self, message: bytes) -> Bulletin:
        identity = self._identity
        return unpack_bulletin(message, identity.county, identity.peers[0].verify_key)


def _rank(bulletin: Bulletin) -> tuple[int, int, bool]:
    """What makes one newer: a county whose database is new counts from 1 again.

    By radio it says what changed in the roster, which a broker must not know.
    """
    return bulletin.issued_ms, bulletin.number, bulletin.change is not None
