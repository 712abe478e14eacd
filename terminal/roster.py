"""The terminal's copy of the roster and the activation, kept as they came: sealed and signed.

Changes that came by radio since the last whole roster are kept beside it, sealed to the terminal.
"""

import logging
from pathlib import Path

import msgspec

from protocol import suites
from protocol.bulletin import RosterChange, changed
from protocol.downlink import Activation, Content, unpack_downlink
from protocol.errors import OtherRoster, ProtocolError
from protocol.keys import Identity
from protocol.packing import decode_as
from protocol.roster import Roster, RosterPart, join_parts
from runtime.files import SECRET_MODE, write_atomic

log = logging.getLogger(__name__)

ROSTER_FILE = "roster.sealed"
CHANGES_FILE = "roster-changes.sealed"
ACTIVATION_FILE = "activation.sealed"
_SEALED_CHANGES = b"muster/1 roster changes at rest\0"
_NEVER = (0, 0)  # older than anything that was issued


class RosterBook:
    """Collects the parts of a roster and installs a version once it is complete."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder, self._identity = folder, identity
        self._parts: dict[int, tuple[RosterPart, bytes]] = {}
        self._changes: list[RosterChange] = []
        """Made to the roster that is on the disk, in this order."""
        self.roster: Roster | None = None
        self.activation: Activation | None = None
        self._load()

    def take_roster_part(self, message: bytes) -> bool:
        """Take one part; returns whether a newer roster is now installed.

        Raises `ProtocolError` for anything that is not the gateway's word to this terminal.
        """
        part = self._open(message, RosterPart)
        held = _issue(self.roster) if self.roster is not None else _NEVER
        collecting = max((_issue(other) for other, _ in self._parts.values()), default=_NEVER)
        if _issue(part) <= held or _issue(part) < collecting:
            return False  # the broker still retains some of the roster before
        if _issue(part) > collecting:
            self._parts.clear()
        self._parts[part.part] = (part, message)
        if len(self._parts) < part.parts:
            return False
        self.roster = join_parts([each for each, _ in self._parts.values()])
        messages = [message for _, message in self._parts.values()]
        self._parts.clear()
        self._save(ROSTER_FILE, msgspec.msgpack.encode(messages))
        self._changes.clear()
        (self._folder / CHANGES_FILE).unlink(missing_ok=True)
        return True

    def take_change(self, change: RosterChange) -> bool:
        """Change the roster at hand; returns whether it was the one the change is of.

        The change must come out of a verified bulletin. Raises `Malformed` for one that cannot be.
        """
        if self.roster is None:
            return False
        try:
            self.roster = changed(self.roster, change)
        except OtherRoster:  # this one came already, or the one before it did not
            return False
        self._changes.append(change)
        public = self._identity.opening_key.public_key()
        encoded = msgspec.msgpack.encode(self._changes)
        self._save(CHANGES_FILE, suites.hpke_seal(public, encoded, _SEALED_CHANGES))
        return True

    def take_activation(self, message: bytes) -> bool:
        """Take an activation; returns whether it is a newer one. Raises likewise.

        A broker may replay what it once retained: an older muster never comes back.
        """
        activation = self._open(message, Activation)
        if self.activation is not None and start_of(activation) <= start_of(self.activation):
            return False
        self.activation = activation
        self._save(ACTIVATION_FILE, message)
        return True

    def _load(self) -> None:
        for name, load in (
            (ACTIVATION_FILE, self._load_activation),
            (ROSTER_FILE, self._load_roster),
            (CHANGES_FILE, self._load_changes),
        ):
            path = self._folder / name
            try:
                if path.exists():
                    load(path.read_bytes())
            except (ProtocolError, OSError) as error:
                log.warning("%s is unusable and will be fetched again: %s", name, error)

    def _load_activation(self, message: bytes) -> None:
        self.activation = self._open(message, Activation)

    def _load_roster(self, data: bytes) -> None:
        messages = decode_as(data, list[bytes])
        self.roster = join_parts([self._open(message, RosterPart) for message in messages])

    def _load_changes(self, sealed: bytes) -> None:
        plain = suites.hpke_open(self._identity.opening_key, sealed, _SEALED_CHANGES)
        for change in decode_as(plain, list[RosterChange]):
            if self.roster is not None:
                self.roster = changed(self.roster, change)
                self._changes.append(change)

    def _open(self, message: bytes, shape: type[Content]) -> Content:
        identity = self._identity
        gateway = identity.peers[0].verify_key
        return unpack_downlink(message, shape, gateway, identity.node, identity.opening_key)

    def _save(self, name: str, data: bytes) -> None:
        try:
            write_atomic(self._folder / name, data, mode=SECRET_MODE)
        except OSError as error:
            log.warning("%s is used, but could not be stored: %s", name, error)


def _issue(roster: Roster | RosterPart) -> tuple[int, int]:
    """What makes one newer: a county whose database is new counts its versions from 1 again."""
    return roster.issued_ms, roster.version


def start_of(activation: Activation) -> tuple[int, int]:
    """What makes one activation newer: it began later."""
    return activation.started_ms, activation.number
