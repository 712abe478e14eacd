"""The peer of `end_to_end`: a mosquitto bridge, edge broker to central broker, QoS 1, no TLS.

One record per message, nothing ever dropped (`max_queued_messages 0`). The hand-made publisher and
subscriber do next to nothing, so that the brokers are what is measured. A PUBACK of a broker says
nothing about storage: the peer promises far less than a receipt does.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.ports import free_port
from tests.broker_process import BrokerProcess

TOPIC = b"muster/1/demo/up/qingshan-1/records"
SETTLE_S = 1.0  # the bridge connects and subscribes
LIMIT_S = 60.0
READ_BYTES = 65_536
WINDOW = 1000  # publishes sent before the PUBACKs of the last ones are read
PUBACK_BYTES = 4
_CONNECT, _PUBLISH, _PUBLISH_QOS1, _SUBSCRIBE = 0x10, 0x30, 0x32, 0x82  # MQTT 3.1.1, section 2.2


@contextmanager
def bridged(folder: Path) -> Iterator[tuple[int, int]]:
    """Two brokers with a bridge between them; yields the ports of the edge and the centre."""
    edge_port, central_port = free_port(), free_port()
    common = "allow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\n"
    central, edge = (folder / name / "mosquitto.conf" for name in ("central", "edge"))
    for conf in (central, edge):
        conf.parent.mkdir(parents=True)
    central.write_text(f"listener {central_port} 127.0.0.1\n{common}")
    edge.write_text(
        f"listener {edge_port} 127.0.0.1\n{common}"
        f"connection centre\naddress 127.0.0.1:{central_port}\ntopic # out 1\n"
        "restart_timeout 1\n"
    )
    with BrokerProcess(central), BrokerProcess(edge):
        time.sleep(SETTLE_S)
        yield edge_port, central_port


def messages_per_s(ports: tuple[int, int], record: bytes, count: int) -> float:
    """Publish `count` records at the edge; the rate at which they have reached the centre."""
    edge_port, central_port = ports
    with _client(edge_port, b"pub") as publisher, _client(central_port, b"sub") as subscriber:
        subscriber.sendall(_packet(_SUBSCRIBE, struct.pack(">H", 1) + _text(TOPIC) + b"\0"))
        subscriber.recv(READ_BYTES)
        size_bytes = len(_packet(_PUBLISH, _text(TOPIC) + record))
        start_s = time.perf_counter()
        sender = threading.Thread(target=_publish, args=(publisher, record, count))
        sender.start()
        missing_bytes = size_bytes * count
        while missing_bytes > 0:
            missing_bytes -= len(subscriber.recv(READ_BYTES))
        took_s = time.perf_counter() - start_s
        sender.join()
    return count / took_s


def _publish(publisher: socket.socket, record: bytes, count: int) -> None:
    acknowledged = 0
    for start in range(0, count, WINDOW):
        burst = range(start, min(count, start + WINDOW))
        publisher.sendall(
            b"".join(
                _packet(_PUBLISH_QOS1, _text(TOPIC) + struct.pack(">H", n % 0xFFFF + 1) + record)
                for n in burst
            )
        )
        while acknowledged < burst.stop * PUBACK_BYTES:
            acknowledged += len(publisher.recv(READ_BYTES))


def _client(port: int, name: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), LIMIT_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(_packet(_CONNECT, _text(b"MQTT") + b"\x04\x02\0\0" + _text(name)))
    client.recv(READ_BYTES)
    return client


def _packet(kind: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(digits) + body


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
