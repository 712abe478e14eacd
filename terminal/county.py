"""The county as this terminal hears it: verifies what a link delivers and acts on it.

Nothing is believed because it came through the broker.
"""

import logging
from collections.abc import Callable

from protocol.errors import ProtocolError
from protocol.keys import Identity
from protocol.receipts import unpack_receipt, unpack_refusal
from runtime.clock import SystemClock
from terminal.revocations import RevocationBook
from terminal.roster import RosterBook
from terminal.settings import gateway_of
from terminal.station import Station
from terminal.uplink import Uplink
from terminal.view import LinkState

log = logging.getLogger(__name__)


class County:
    """Implements `terminal.links.base.LinkListener`."""

    def __init__(
        self,
        identity: Identity,
        rosters: RosterBook,
        revocations: RevocationBook,
        station: Station,
        uplink: Uplink,
        clock: SystemClock,
        changed: Callable[[], None],
    ) -> None:
        self._node, self._gateway = identity.node, gateway_of(identity)
        self._rosters, self._revocations = rosters, revocations
        self._station, self._uplink = station, uplink
        self._clock, self._changed = clock, changed
        self.link = LinkState.DOWN
        self.refuses = False
        """The county put an envelope of ours into quarantine, and has not receipted since."""
        self._hand_over()

    def link_up(self, window: int) -> None:
        """See `LinkListener.link_up`."""
        self.link = LinkState.UP
        self._uplink.link_up(window)
        self._changed()

    def link_down(self, *, refused: bool) -> None:
        """See `LinkListener.link_down`."""
        self.link = LinkState.REFUSED if refused else LinkState.DOWN
        self._uplink.link_down()
        self._changed()

    def turned_away(self) -> None:
        """See `LinkListener.turned_away`."""
        self.link = LinkState.REFUSED
        self._changed()

    def gateway_state(self, *, is_online: bool) -> None:
        """See `LinkListener.gateway_state`."""
        self._uplink.gateway_state(is_online=is_online)

    def receipt(self, message: bytes) -> None:
        """See `LinkListener.receipt`."""
        if self._take_receipt(message) and self.link is LinkState.REFUSED:
            self.link = LinkState.UP  # what we publish gets through again

    def carried_receipt(self, message: bytes) -> None:
        """See `terminal.links.courier.CarriedListener.carried_receipt`."""
        self._take_receipt(message)

    def refusal(self, message: bytes) -> None:
        """See `LinkListener.refusal`."""
        try:
            refusal = unpack_refusal(message, self._gateway.verify_key)
        except ProtocolError as error:
            log.warning("refusal refused: %s", error)
            return
        if refusal.node != self._node:
            return
        log.error("the county refuses an envelope: %s", refusal.reason.name)
        self.refuses = True
        self._changed()

    def roster_part(self, message: bytes) -> None:
        """See `LinkListener.roster_part`."""
        self._take(self._rosters.take_roster_part, message)

    def activation(self, message: bytes) -> None:
        """See `LinkListener.activation`."""
        self._take(self._rosters.take_activation, message)

    def revocations(self, message: bytes) -> None:
        """See `LinkListener.revocations`."""
        self._take(self._revocations.take, message)

    def _take_receipt(self, message: bytes) -> bool:
        try:
            receipt = unpack_receipt(message, self._gateway.verify_key)
        except ProtocolError as error:
            log.warning("receipt refused: %s", error)
            return False
        if receipt.node != self._node:
            return False
        self.refuses = False
        self._clock.raise_floor(receipt.gateway_ms)
        self._uplink.receipt(receipt)
        return True

    def _take(self, take: Callable[[bytes], bool], message: bytes) -> None:
        try:
            is_new = take(message)
        except ProtocolError as error:
            log.warning("downlink refused: %s", error)
            return
        if is_new:
            self._hand_over()
            self._changed()

    def _hand_over(self) -> None:
        station, rosters = self._station, self._rosters
        station.roster, station.activation = rosters.roster, rosters.activation
        station.credentials.revoked = self._revocations.revoked
