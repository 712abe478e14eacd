"""MQTT: the first way to the gateway."""

import logging
import ssl
from collections.abc import Callable
from random import Random

from protocol import topics
from protocol.health import Heartbeat, pack_heartbeat
from protocol.keys import Identity
from protocol.limits import MAX_IN_FLIGHT
from protocol.topics import Down, Up
from runtime.backoff import Backoff
from runtime.config import BrokerSettings
from runtime.mqtt import MqttConnection, MqttOptions, Will
from terminal.links.base import LinkListener

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_LIMIT_S = 0.5, 30.0
WILL_DELAY_S = 10  # a short cut is not worth an alarm
ONLINE, OFFLINE, LOST = b"online", b"offline", b"lost"


class MqttLink:
    """Implements `terminal.links.base.Link` and `runtime.mqtt.MqttHandler`."""

    def __init__(
        self,
        identity: Identity,
        broker: BrokerSettings,
        *,
        tls: Callable[[], ssl.SSLContext],
        listener: LinkListener,
    ) -> None:
        county, node = identity.county, identity.node
        self._identity, self._listener = identity, listener
        self._records_topic = topics.up(county, node, Up.RECORDS)
        self._health_topic = topics.up(county, node, Up.HEALTH)
        self._state_topic = topics.up(county, node, Up.STATE)
        options = MqttOptions(
            client_id=node,
            host=broker.host,
            port=broker.port,
            tls=tls,
            will=Will(self._state_topic, LOST, WILL_DELAY_S),
            farewell=OFFLINE,
            subscriptions=(topics.all_down(county, node), topics.any_gateway_state(county)),
        )
        self._told_reason: str | None = None
        """Why there is no broker, as the log says already: an attempt in vain every half a minute
        is no news for as long as the network is away."""
        self._connection = MqttConnection(
            options, self, Backoff(RETRY_FIRST_S, RETRY_LIMIT_S, Random())
        )

    async def run(self) -> None:
        """See `Link.run`."""
        await self._connection.run()

    def send_envelope(self, message: bytes) -> None:
        """See `Link.send_envelope`."""
        self._connection.publish(self._records_topic, message)

    def send_heartbeat(self, heartbeat: Heartbeat) -> None:
        """See `Link.send_heartbeat`."""
        if self._connection.is_up:
            message = pack_heartbeat(heartbeat, self._identity.signing_key)
            self._connection.publish(self._health_topic, message, qos=0)

    def connected(self, receive_maximum: int) -> None:
        """See `MqttHandler.connected`."""
        log.info("connected to the county's broker")
        self._told_reason = None
        self._connection.publish(self._state_topic, ONLINE, retain=True)
        self._listener.link_up(min(MAX_IN_FLIGHT, receive_maximum))

    def disconnected(self, reason: str, *, refused: bool) -> None:
        """See `MqttHandler.disconnected`."""
        if reason != self._told_reason:
            log.info("no broker: %s", reason, extra={"refused": refused})
            self._told_reason = reason
        self._listener.link_down(refused=refused)

    def message(self, topic: str, payload: bytes, acknowledge: Callable[[], None]) -> None:
        """See `MqttHandler.message`."""
        acknowledge()
        channel = topics.parse_down(topic)
        if channel is None:
            self._listener.gateway_state(is_online=payload == ONLINE)
        elif not payload:
            return  # a cleared topic
        elif channel is Down.RECEIPT:
            self._listener.receipt(payload)
        elif channel is Down.REFUSAL:
            self._listener.refusal(payload)
        elif channel is Down.ROSTER:
            self._listener.roster_part(payload)
        elif channel is Down.REVOCATIONS:
            self._listener.revocations(payload)
        elif channel is Down.BULLETIN:
            self._listener.bulletin(payload)
        else:
            self._listener.activation(payload)

    def published(self, mid: int, *, refused: bool) -> None:
        """See `MqttHandler.published`. A PUBACK is not a receipt: nothing is settled here."""
        if refused:
            log.error("the broker refuses message %d: check its access list", mid)
            self._listener.turned_away()
