"""The terminal's end of MQTT: which topic reaches which listener. No broker here."""

import logging
import ssl

import pytest

from protocol import topics
from protocol.topics import Down, Up
from runtime.config import BrokerSettings
from terminal.links.mqtt import MqttLink
from tests.parties import COUNTY, GATEWAY, Parties


class SpyListener:
    """Notes everything."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def link_up(self, window: int) -> None:
        self.told.append(("up", window))

    def link_down(self, *, refused: bool) -> None:
        self.told.append(("down", refused))

    def turned_away(self) -> None:
        self.told.append(("turned away",))

    def gateway_state(self, *, is_online: bool) -> None:
        self.told.append(("gateway", is_online))

    def receipt(self, message: bytes) -> None:
        self.told.append((Down.RECEIPT, message))

    def refusal(self, message: bytes) -> None:
        self.told.append((Down.REFUSAL, message))

    def roster_part(self, message: bytes) -> None:
        self.told.append((Down.ROSTER, message))

    def activation(self, message: bytes) -> None:
        self.told.append((Down.ACTIVATION, message))

    def revocations(self, message: bytes) -> None:
        self.told.append((Down.REVOCATIONS, message))

    def bulletin(self, message: bytes) -> None:
        self.told.append((Down.BULLETIN, message))


class SpyConnection:
    """Notes what is published."""

    is_up = True

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, bool]] = []

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        self.published.append((topic, payload, retain))
        return qos


class Rig:
    def __init__(self) -> None:
        self.listener, self.connection = SpyListener(), SpyConnection()
        self.link = MqttLink(
            Parties().terminal("t1"),
            BrokerSettings("127.0.0.1"),
            tls=ssl.create_default_context,
            listener=self.listener,
        )
        self.link._connection = self.connection  # type: ignore[assignment]

    def hear(self, topic: str, payload: bytes) -> int:
        """How often the message was acknowledged."""
        acknowledged: list[int] = []
        self.link.message(topic, payload, lambda: acknowledged.append(1))
        return len(acknowledged)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize("channel", Down)
def test_every_channel_reaches_its_listener(rig: Rig, channel: Down) -> None:
    part = 3 if channel is Down.ROSTER else None
    topic = topics.down(COUNTY, "t1", channel, part)
    assert rig.hear(topic, b"sealed") == 1
    assert rig.hear(topic, b"") == 1  # a topic that was cleared says nothing
    assert rig.listener.told == [(channel, b"sealed")]


@pytest.mark.parametrize(("state", "is_online"), [(b"online", True), (b"offline", False)])
def test_a_gateway_comes_and_goes(rig: Rig, state: bytes, is_online: bool) -> None:
    rig.hear(topics.gateway_state(COUNTY, GATEWAY), state)
    assert rig.listener.told == [("gateway", is_online)]


@pytest.mark.parametrize(("granted", "window"), [(5, 5), (20, 20), (65_535, 20)])
def test_the_window_is_the_smaller_of_both_ends(rig: Rig, granted: int, window: int) -> None:
    rig.link.connected(granted)
    assert rig.connection.published == [(topics.up(COUNTY, "t1", Up.STATE), b"online", True)]
    assert rig.listener.told == [("up", window)]


def test_envelopes_go_to_the_records_topic(rig: Rig) -> None:
    rig.link.send_envelope(b"signed")
    assert rig.connection.published == [(topics.up(COUNTY, "t1", Up.RECORDS), b"signed", False)]


def test_a_lost_link_is_passed_on(rig: Rig) -> None:
    rig.link.disconnected("gone", refused=False)
    rig.link.disconnected("revoked", refused=True)
    assert rig.listener.told == [("down", False), ("down", True)]


def test_the_log_of_a_terminal_without_network_says_so_once(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for reason in ("lost", "nobody there", "nobody there", "nobody there"):
        rig.link.disconnected(reason, refused=False)
    rig.link.connected(20)
    rig.link.disconnected("nobody there", refused=False)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "no broker: lost",
        "no broker: nobody there",
        "connected to the county's broker",
        "no broker: nobody there",
    ]


def test_a_puback_is_no_receipt_but_a_refused_one_is_an_alarm(rig: Rig) -> None:
    rig.link.published(1, refused=False)
    assert rig.listener.told == []
    rig.link.published(2, refused=True)
    assert rig.listener.told == [("turned away",)]
