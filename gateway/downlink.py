"""What terminals must know before a muster: the roster and the activation, sealed to each."""

from collections.abc import Iterable

from gateway.links.mqtt import MqttLink
from protocol.downlink import Activation, pack_downlink
from protocol.keys import Identity, Peer
from protocol.roster import Roster, RosterPart
from protocol.topics import Down


class Downlink:
    """Publishes to every terminal; retained, so that one that is away finds it."""

    def __init__(self, identity: Identity, link: MqttLink, activation: Activation) -> None:
        self._identity, self._link, self._activation = identity, link, activation

    def send(self, peers: Iterable[Peer], roster: Roster, *, stale_parts: int = 0) -> None:
        """Send activation and roster; clears `stale_parts` of a longer roster before it."""
        parts = roster.split()
        for peer in peers:
            node = peer.enrolment.node
            self._link.send_down(node, Down.ACTIVATION, self._pack(self._activation, peer))
            for part in parts:
                self._link.send_down(node, Down.ROSTER, self._pack(part, peer), part.part)
            for number in range(len(parts), stale_parts):
                self._link.send_down(node, Down.ROSTER, b"", number)

    def _pack(self, content: Activation | RosterPart, peer: Peer) -> bytes:
        return pack_downlink(content, self._identity.county, peer, self._identity.signing_key)
