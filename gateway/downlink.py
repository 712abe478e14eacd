"""What terminals must know: roster and activation, sealed to each, and which badges are revoked."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from protocol.downlink import Activation, EncodedContent, encode_content, pack_downlink
from protocol.keys import Identity, Peer
from protocol.roster import Roster
from protocol.topics import Down

Publish = Callable[[str, Down, bytes, int | None], None]
"""Node, channel, message (empty: clear it), number of the part; retained."""


class Downlink:
    """Publishes to every terminal; retained, so that one that is away finds it.

    A roster is sealed anew for each terminal, which takes a while for a large county: that happens
    on a worker thread, one terminal at a time, and only publishing on the event loop.
    """

    def __init__(self, identity: Identity, publish: Publish, activation: Activation) -> None:
        self._identity, self._publish = identity, publish
        self._activation = activation
        self._asked: tuple[Sequence[Peer], Roster] | None = None
        self._is_asked = asyncio.Event()
        self._most_parts = 0
        """Of any roster that was sent: what a shorter one leaves retained must be cleared."""

    def send(self, peers: Iterable[Peer], roster: Roster) -> None:
        """Have activation and roster sent; takes the place of whatever is still being sent."""
        self._asked = (list(peers), roster)
        self._is_asked.set()

    def send_to_all(self, peers: Iterable[Peer], channel: Down, message: bytes) -> None:
        """Send at once what is signed already and the same for everybody."""
        for peer in peers:
            self._publish(peer.enrolment.node, channel, message, None)

    async def run(self) -> None:
        """Send what is asked for, until cancelled."""
        while True:
            await self._is_asked.wait()
            self._is_asked.clear()
            if self._asked is not None:
                await self._send_all(*self._asked)

    async def _send_all(self, peers: Sequence[Peer], roster: Roster) -> None:
        activation, parts = await asyncio.to_thread(self._encoded, roster)
        self._most_parts = max(self._most_parts, len(parts))
        for peer in peers:
            first, *packed = await asyncio.to_thread(self._packed, [activation, *parts], peer)
            if self._is_asked.is_set():
                return  # something newer: a terminal must not end with the older
            node = peer.enrolment.node
            self._publish(node, Down.ACTIVATION, first, None)
            for number in range(self._most_parts):
                message = packed[number] if number < len(packed) else b""
                self._publish(node, Down.ROSTER, message, number)

    def _encoded(self, roster: Roster) -> tuple[EncodedContent, list[EncodedContent]]:
        return encode_content(self._activation), [encode_content(part) for part in roster.split()]

    def _packed(self, contents: Sequence[EncodedContent], peer: Peer) -> list[bytes]:
        county, key = self._identity.county, self._identity.signing_key
        return [pack_downlink(content, county, peer, key) for content in contents]
