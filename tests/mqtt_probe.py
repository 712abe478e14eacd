"""An MQTT client under a test's control: says what the broker answered and what it delivered."""

import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

ANSWER_LIMIT_S = 10.0
NOT_AUTHORISED = 135  # MQTT 5.0, 3.4.2.1


def node_context(identity: Path) -> ssl.SSLContext:
    """Plain mutual TLS with a node's files, without any rule of ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(identity / "ca.pem")
    context.load_cert_chain(identity / "tls.crt", identity / "tls.key")
    return context


class Probe:
    """One client. `connect` says whether the broker let it in."""

    def __init__(self, port: int, context: ssl.SSLContext | None, client_id: str = "") -> None:
        self.dropped = threading.Event()
        self.received: list[tuple[str, bytes]] = []
        self.failure: OSError | None = None
        self._port = port
        self._answers: Queue[tuple[str, int]] = Queue()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        if context is not None:
            self._client.tls_set_context(context)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._delivered = threading.Condition()

    def connect(self) -> bool:
        """Whether a CONNACK with success came; the other end hanging up is a no."""
        try:
            self._client.connect("127.0.0.1", self._port)
        except OSError as error:
            self.failure = error
            return False
        self._client.loop_start()
        kind, code = self._answer()
        return kind == "connect" and code == 0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Publish at QoS 1; the reason code in the PUBACK."""
        self._client.publish(topic, payload, qos=1, retain=retain)
        kind, code = self._answer()
        assert kind == "publish", f"the broker answered {kind} {code}"
        return code

    def subscribe(self, topic: str) -> None:
        """Subscribe at QoS 1 and wait for the broker's answer, whatever it is."""
        self._client.subscribe(topic, qos=1)
        kind, _ = self._answer()
        assert kind == "subscribe"

    def wait_for(self, payload: bytes) -> list[tuple[str, bytes]]:
        """Everything delivered up to and including `payload`."""
        self.wait_until(lambda _, body: body == payload)
        return list(self.received)

    def wait_until(self, wanted: Callable[[str, bytes], bool]) -> None:
        """Wait for a message whose topic and payload are wanted, unless it has come already."""
        with self._delivered:
            found = self._delivered.wait_for(
                lambda: any(wanted(*each) for each in self.received), ANSWER_LIMIT_S
            )
        assert found, "it was never delivered"

    def close(self) -> None:
        """Leave, and end the client's thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> "Probe":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self) -> tuple[str, int]:
        try:
            return self._answers.get(timeout=ANSWER_LIMIT_S)
        except Empty:
            raise AssertionError("the broker did not answer") from None

    def _on_connect(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._answers.put(("connect", code.value))

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        _flags: DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.dropped.set()
        self._answers.put(("disconnect", code.value))

    def _on_publish(
        self,
        _client: Client,
        _data: Any,
        _mid: int,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._answers.put(("publish", code.value))

    def _on_subscribe(
        self,
        _client: Client,
        _data: Any,
        _mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._answers.put(("subscribe", codes[0].value))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._delivered:
            self.received.append((message.topic, bytes(message.payload)))
            self._delivered.notify_all()
