"""MQTT 5 over paho, driven by the asyncio loop; the only file that imports paho.

Every connection is a fresh paho client: nothing is queued inside paho, and nothing survives in it
across a reconnect. Who needs durability keeps it elsewhere (`terminal.outbox`, `gateway.store`).
"""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from runtime.backoff import Backoff
from runtime.threads import in_daemon_thread
from runtime.tls import explain

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_S = 30
HOUSEKEEPING_S = 1.0  # paho checks its keepalive this often
UNSPECIFIED = 0x80  # MQTT 5, section 2.4: what paho says of a socket that ended
DEFAULT_RECEIVE_MAXIMUM = 65_535  # MQTT 5, section 3.2.2.3.3


class MqttRefused(ConnectionError):
    """The broker answered and will not have us, or cannot be who it should be."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we vanish."""

    topic: str
    payload: bytes
    delay_s: int


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """One client of one broker."""

    client_id: str
    host: str
    port: int
    tls: Callable[[], ssl.SSLContext]
    """Called for every connection: certificates may be renewed, clocks set."""
    will: Will | None = None
    farewell: bytes | None = None
    """What is left on the will's topic when we go on purpose."""
    session_expiry_s: int = 0
    """Above 0 the broker keeps subscriptions and undelivered messages that long."""
    manual_ack: bool = False
    receive_maximum: int = 20
    subscriptions: tuple[str, ...] = ()


class MqttHandler(Protocol):
    """What happens on a connection; every call comes from the event loop and must not block."""

    def connected(self, receive_maximum: int) -> None:
        """CONNACK and SUBACK are in; `receive_maximum` is how many unacknowledged QoS 1
        messages the broker takes at once."""

    def disconnected(self, reason: str, *, refused: bool) -> None:
        """The connection or the attempt is over; the next attempt follows by itself."""

    def message(self, topic: str, payload: bytes, acknowledge: Callable[[], None]) -> None:
        """A message. With `manual_ack` the broker keeps it until `acknowledge` is called."""

    def published(self, mid: int, *, refused: bool) -> None:
        """The broker has answered a QoS 1 publish. It says nothing about storage anywhere."""


class MqttConnection:
    """Keeps one connection to a broker for as long as `run` runs."""

    def __init__(self, options: MqttOptions, handler: MqttHandler, backoff: Backoff) -> None:
        self._options, self._handler, self._backoff = options, handler, backoff
        self._client: Client | None = None

    @property
    def is_up(self) -> bool:
        """Whether `publish` reaches a broker."""
        return self._client is not None

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Hand a message to the broker; returns its mid. Raises `ConnectionError` when down."""
        if self._client is None:
            raise ConnectionError("not connected")
        return self._client.publish(topic, payload, qos, retain).mid

    async def run(self) -> None:
        """Connect, serve, reconnect with backoff; until cancelled, then say goodbye."""
        while True:
            attempt = _Attempt(self._options, self._handler)
            try:
                await attempt.open()
                self._client = attempt.client
                self._backoff.reset()
                self._handler.connected(attempt.receive_maximum)
                reason, refused = await attempt.closed()
            except (OSError, ValueError) as error:  # ValueError: paho on an unusable host name
                refused = isinstance(error, MqttRefused | ssl.SSLError)
                reason = f"{explain(error)} ({error})"
            finally:
                self._client = None
                attempt.close()
            self._handler.disconnected(reason, refused=refused)
            await asyncio.sleep(self._backoff.next_s())


class _Attempt:
    """One paho client from socket to disconnect."""

    def __init__(self, options: MqttOptions, handler: MqttHandler) -> None:
        self._options, self._handler = options, handler
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[tuple[str, bool]] = self._loop.create_future()
        self._housekeeping: asyncio.TimerHandle | None = None
        self._thread = threading.get_ident()
        self._is_closed = False
        self.receive_maximum = DEFAULT_RECEIVE_MAXIMUM
        self.client = self._make_client()

    async def open(self) -> None:
        """Connect and subscribe. Raises `MqttRefused` or another `OSError`."""
        options = self._options
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = options.session_expiry_s
        properties.ReceiveMaximum = options.receive_maximum
        self.client.tls_set_context(options.tls())
        # Into a black hole the handshake takes `KEEPALIVE_S`, which must not delay our end.
        await in_daemon_thread(partial(self._connect, properties))
        self._watch_socket()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._ready
        except TimeoutError as error:
            raise ConnectionError("the broker does not answer") from error

    async def closed(self) -> tuple[str, bool]:
        """Wait for the end: the reason, and whether the broker refused us."""
        return await self._ended

    def close(self) -> None:
        """Say goodbye if there is still somebody to say it to; free everything."""
        self._is_closed = True
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        if self._ready.done() and not self._ready.cancelled() and self._ready.exception() is None:
            if self._options.will is not None and self._options.farewell is not None:
                self.client.publish(self._options.will.topic, self._options.farewell, 1, True)
            self.client.disconnect()
            self.client.loop_write()
        held = self.client.socket()
        if held is not None:
            self._forget_socket(held)
            held.close()

    def _connect(self, properties: Properties) -> None:
        options = self._options
        self.client.connect(
            options.host,
            options.port,
            KEEPALIVE_S,
            clean_start=options.session_expiry_s == 0,
            properties=properties,
        )
        held = self.client.socket()
        if self._is_closed and held is not None:  # nobody waited for this thread
            held.close()

    def _make_client(self) -> Client:
        options = self._options
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            protocol=MQTTv5,
            reconnect_on_failure=False,
            manual_ack=options.manual_ack,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)  # the window is the caller's, never paho's queue
        if options.will is not None:
            properties = _properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = options.will.delay_s
            client.will_set(options.will.topic, options.will.payload, 1, True, properties)
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = lambda _client, _data, sock: self._forget_socket(sock)
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_socket_open(self, _client: Client, _data: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # paho leaves 40 ms stalls

    def _watch_socket(self) -> None:
        sock = self.client.socket()
        if sock is None:
            raise MqttRefused("the broker closed the connection during the handshake")
        self._loop.add_reader(sock, self._on_readable)
        self._loop.add_writer(sock, self._on_writable)
        self._keep_house()

    def _is_ours(self, sock: Any) -> bool:
        """Whether the loop may watch it: not during `connect`, which has a thread of its own, and
        not when paho, once it is collected, says goodbye to a socket that is closed."""
        return sock.fileno() >= 0 and threading.get_ident() == self._thread

    def _forget_socket(self, sock: Any) -> None:
        if self._is_ours(sock):
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)

    def _on_register_write(self, _client: Client, _data: Any, sock: Any) -> None:
        if self._is_ours(sock):
            self._loop.add_writer(sock, self._on_writable)

    def _on_unregister_write(self, _client: Client, _data: Any, sock: Any) -> None:
        if self._is_ours(sock):
            self._loop.remove_writer(sock)

    def _on_writable(self) -> None:
        self.client.loop_write()

    def _on_readable(self) -> None:
        self.client.loop_read()
        # Bytes that TLS has already decrypted never wake the selector again.
        while isinstance(sock := self.client.socket(), ssl.SSLSocket) and sock.pending():
            self.client.loop_read()

    def _keep_house(self) -> None:
        self.client.loop_misc()
        self._housekeeping = self._loop.call_later(HOUSEKEEPING_S, self._keep_house)

    def _on_connect(
        self,
        client: Client,
        _data: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._end(f"the broker refuses: {code}", refused=True)
            return
        granted = getattr(properties, "ReceiveMaximum", None)
        if granted is not None:
            self.receive_maximum = granted
        if self._options.subscriptions:
            client.subscribe([(topic, 1) for topic in self._options.subscriptions])
        else:
            self._ready.set_result(None)

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            self._end("the broker refuses a subscription", refused=True)
        elif not self._ready.done():
            self._ready.set_result(None)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._ready.done():
            why = "" if code == UNSPECIFIED else f": {code}"
            self._end(f"the connection was lost{why}", refused=False)
        else:
            # TLS 1.3 reports a refused client certificate only after the handshake.
            self._end("closed before CONNACK: certificate revoked or expired?", refused=True)

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        mid, qos = message.mid, message.qos

        def acknowledge() -> None:
            if client.is_connected():
                client.ack(mid, qos)

        self._handler.message(message.topic, bytes(message.payload), acknowledge)

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Any
    ) -> None:
        self._handler.published(mid, refused=code.is_failure)

    def _end(self, reason: str, *, refused: bool) -> None:
        if not self._ready.done():
            error = MqttRefused(reason) if refused else ConnectionError(reason)
            self._ready.set_exception(error)
        if not self._ended.done():
            self._ended.set_result((reason, refused))


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho's own gap
