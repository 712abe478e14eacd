"""Puts the bulletin together: activation, notices, and what changed in the roster."""

import msgspec

from gateway.store.bulletins import BulletinStore
from gateway.store.rosters import RosterStore
from protocol.bulletin import Bulletin, Notice, RosterChange, change_between, pack_bulletin
from protocol.downlink import Activation
from protocol.keys import Identity
from protocol.roster import Roster


class Bulletins:
    """The bulletin of one county, as it goes out."""

    def __init__(
        self,
        identity: Identity,
        store: BulletinStore,
        rosters: RosterStore,
        activation: Activation,
    ) -> None:
        self._identity, self._store, self._rosters = identity, store, rosters
        self._activation = activation
        self._change: tuple[int, RosterChange | None] = (0, None)
        """By version, because it takes two whole rosters to work out."""
        self.number = 0
        """Of the bulletin in force."""
        self.ended_ms = 0
        """When the activation was ended; 0: it runs."""
        self.message = b""
        """For a broker: signed, naming nobody."""
        self.radio_message = b""
        """For radio, whose frames are sealed: with the change of the roster, which has names."""

    def refresh(self, roster: Roster, now_ms: int) -> bool:
        """Look at what there is to say; returns whether that is something new.

        Raises `StoreError`.
        """
        self.ended_ms = self._store.ended_ms(self._activation.number)
        notices = self._store.notices()
        said = (self._activation, self.ended_ms, notices, roster.version, roster.issued_ms)
        number, issued_ms = self._store.issue(msgspec.msgpack.encode(said), now_ms)
        if number == self.number:
            return False
        self.number = number
        change = self._change_to(roster)
        self.message = self._packed(issued_ms, notices, roster, None)
        self.radio_message = self._packed(issued_ms, notices, roster, change)
        return True

    def _packed(
        self,
        issued_ms: int,
        notices: tuple[Notice, ...],
        roster: Roster,
        change: RosterChange | None,
    ) -> bytes:
        identity = self._identity
        bulletin = Bulletin(
            identity.county,
            self.number,
            issued_ms,
            self._activation,
            self.ended_ms,
            notices,
            roster.version,
            change,
        )
        return pack_bulletin(bulletin, identity.signing_key)

    def _change_to(self, roster: Roster) -> RosterChange | None:
        if self._change[0] != roster.version:
            change = None
            if roster.version > 1:
                before = self._rosters.load(tuple(roster.points.values()), roster.version - 1)
                change = change_between(before, roster)
            self._change = (roster.version, change)
        return self._change[1]
