"""The county as this terminal hears it: verifies what a link delivers and acts on it.

Nothing is believed because it came through the broker.
"""

import logging
from collections.abc import Callable

from protocol.bulletin import Notice
from protocol.downlink import Activation
from protocol.errors import ProtocolError
from protocol.keys import Identity
from protocol.receipts import unpack_receipt, unpack_refusal
from runtime.clock import SystemClock
from terminal.bulletins import BulletinBook
from terminal.revocations import RevocationBook
from terminal.roster import RosterBook, start_of
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
        bulletins: BulletinBook,
        revocations: RevocationBook,
        station: Station,
        uplink: Uplink,
        clock: SystemClock,
        changed: Callable[[], None],
    ) -> None:
        self._node, self._gateway = identity.node, gateway_of(identity)
        self._rosters, self._bulletins = rosters, bulletins
        self._revocations = revocations
        self._station, self._uplink = station, uplink
        self._clock, self._changed = clock, changed
        self._gateway_is_online = True
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
        self._gateway_is_online = is_online
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

    def bulletin(self, message: bytes) -> None:
        """See `LinkListener.bulletin`."""
        self._take(self._bulletins.take, message)

    def news(self, content: bytes) -> None:
        """See `terminal.links.lora.RadioListener.news`."""
        self._take(self._bulletins.take_piece, content)

    def gateway_time(self, gateway_ms: int) -> None:
        """See `terminal.links.lora.RadioListener.gateway_time`."""
        self._clock.raise_floor(gateway_ms)

    @property
    def is_reached(self) -> bool:
        """Whether a gateway takes our records by network now."""
        return self.link is LinkState.UP and self._gateway_is_online

    @property
    def news_number(self) -> int:
        """Of the newest bulletin, 0 without one."""
        return self._bulletins.number

    @property
    def notice(self) -> Notice | None:
        """The county's newest word to everybody."""
        bulletin = self._bulletins.bulletin
        return bulletin.notices[0] if bulletin is not None and bulletin.notices else None

    @property
    def ended_ms(self) -> int | None:
        """When the station's activation was ended; None while it runs."""
        bulletin = self._bulletins.bulletin
        if bulletin is None or self._station.activation is None or not bulletin.ended_ms:
            return None
        is_about_it = start_of(bulletin.activation) == start_of(self._station.activation)
        return bulletin.ended_ms if is_about_it else None

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
        self._change_roster()
        station, rosters = self._station, self._rosters
        station.roster, station.activation = rosters.roster, self._latest_activation()
        station.credentials.revoked = self._revocations.revoked

    def _change_roster(self) -> None:
        """A bulletin changes the roster it is about, whichever of them came first."""
        bulletin = self._bulletins.bulletin
        if bulletin is None or bulletin.change is None:
            return
        try:
            self._rosters.take_change(bulletin.change)
        except ProtocolError as error:
            log.warning("the bulletin's change of the roster is of no use: %s", error)

    def _latest_activation(self) -> Activation | None:
        """A bulletin's is the gateway's word as well."""
        bulletin, activation = self._bulletins.bulletin, self._rosters.activation
        if bulletin is None:
            return activation
        if activation is None:
            return bulletin.activation
        return max(activation, bulletin.activation, key=start_of)
