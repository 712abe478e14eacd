"""The gateway's end of MQTT: sorts what terminals say, publishes what the gateway answers."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from gateway.intake import Incoming, Reply
from protocol import topics
from protocol.errors import ProtocolError
from protocol.keys import Identity
from protocol.topics import Down, Up
from runtime.backoff import Backoff
from runtime.mqtt import MqttConnection, MqttOptions, Will

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 7 * 24 * 3600  # the broker keeps messages while the gateway is being replaced
RECEIVE_MAXIMUM = 100  # unacknowledged messages in hand: one commit's worth
RETRY_FIRST_S, RETRY_LIMIT_S = 0.2, 5.0
ONLINE, OFFLINE = b"online", b"offline"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A records message and the way to tell the broker that it is safe."""

    incoming: Incoming
    acknowledge: Callable[[], None] = field(repr=False)


class Listener(Protocol):
    """Who wants to know what else happens on the link."""

    def link_up(self) -> None:
        """Connected: whatever is retained must be published again."""

    def health(self, node: str, message: bytes) -> None:
        """A terminal's heartbeat, unverified."""

    def state(self, node: str, state: str) -> None:
        """A terminal came, went or was lost, by its own or the broker's word."""


class MqttLink:
    """Implements `runtime.mqtt.MqttHandler` for a gateway."""

    def __init__(
        self,
        identity: Identity,
        host: str,
        port: int,
        tls: Callable[[], ssl.SSLContext],
        listener: Listener,
    ) -> None:
        self._county = identity.county
        self._listener = listener
        self._state_topic = topics.gateway_state(identity.county, identity.node)
        self.arrived: asyncio.Queue[Arrived] = asyncio.Queue()
        options = MqttOptions(
            client_id=identity.node,
            host=host,
            port=port,
            tls=tls,
            will=Will(self._state_topic, OFFLINE, delay_s=0),
            farewell=OFFLINE,
            session_expiry_s=SESSION_EXPIRY_S,
            manual_ack=True,
            receive_maximum=RECEIVE_MAXIMUM,
            subscriptions=(topics.all_up(identity.county),),
        )
        self._told_reason: str | None = None
        """Why there is no broker, as the log says already."""
        self._connection = MqttConnection(
            options, self, Backoff(RETRY_FIRST_S, RETRY_LIMIT_S, Random())
        )

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await self._connection.run()

    def answer(self, reply: Reply) -> None:
        """Publish a receipt or a refusal. A terminal that is away will ask again by sending."""
        channel = Down.RECEIPT if reply.is_receipt else Down.REFUSAL
        topic = topics.down(self._county, reply.node, channel)
        self._publish(topic, reply.message, retain=False)

    def send_down(self, node: str, channel: Down, message: bytes, part: int | None = None) -> None:
        """Publish something retained for one terminal; an empty message clears it."""
        self._publish(topics.down(self._county, node, channel, part), message, retain=True)

    def connected(self, receive_maximum: int) -> None:  # noqa: ARG002  # the gateway sends little
        """See `MqttHandler.connected`."""
        log.info("connected to the broker")
        self._told_reason = None
        self._publish(self._state_topic, ONLINE, retain=True)
        self._listener.link_up()

    def disconnected(self, reason: str, *, refused: bool) -> None:
        """See `MqttHandler.disconnected`."""
        if reason != self._told_reason:
            log.warning("no broker: %s", reason, extra={"refused": refused})
            self._told_reason = reason
        while not self.arrived.empty():  # the broker delivers them again
            self.arrived.get_nowait()

    def message(self, topic: str, payload: bytes, acknowledge: Callable[[], None]) -> None:
        """See `MqttHandler.message`."""
        try:
            up = topics.parse_up(topic)
        except ProtocolError as error:
            log.warning("message on an unknown topic: %s", error)
            acknowledge()
            return
        if up.channel is Up.RECORDS:
            self.arrived.put_nowait(Arrived(Incoming(up.node, payload), acknowledge))
            return
        if up.channel is Up.HEALTH:
            self._listener.health(up.node, payload)
        else:
            self._listener.state(up.node, payload.decode("ascii", errors="replace"))
        acknowledge()

    def published(self, mid: int, *, refused: bool) -> None:
        """See `MqttHandler.published`."""
        if refused:
            log.error("the broker refuses message %d: check its access list", mid)

    def _publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        # Away, and the log says so: terminals send again, and what is retained goes out anew.
        with contextlib.suppress(ConnectionError):
            self._connection.publish(topic, payload, retain=retain)
