"""The gateway's end of MQTT while there is no broker."""

import logging
import ssl
from collections.abc import Callable

import pytest

from gateway.intake import Reply
from gateway.links.mqtt import MqttLink
from protocol.topics import Down
from tests.parties import Parties


class SpyListener:
    """Counts how often the link came up."""

    def __init__(self) -> None:
        self.ups = 0

    def link_up(self) -> None:
        self.ups += 1

    def health(self, node: str, message: bytes) -> None:
        raise AssertionError(node, message)

    def state(self, node: str, state: str) -> None:
        raise AssertionError(node, state)


@pytest.fixture
def link() -> MqttLink:
    parties = Parties()
    return MqttLink(parties.gateway, "127.0.0.1", 1, ssl.create_default_context, SpyListener())


@pytest.mark.parametrize(
    "say",
    [
        lambda link: link.send_down("t1", Down.BULLETIN, b"signed"),
        lambda link: link.answer(Reply("t1", is_receipt=True, message=b"signed")),
    ],
)
def test_what_is_said_without_a_broker_is_no_error_and_no_news(
    link: MqttLink, say: Callable[[MqttLink], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    say(link)
    assert not caplog.records


def test_the_log_of_a_gateway_without_broker_says_so_once(
    link: MqttLink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for reason in ("lost", "nobody there", "nobody there"):
        link.disconnected(reason, refused=False)
    link.connected(20)
    link.disconnected("nobody there", refused=False)
    assert [record.getMessage() for record in caplog.records] == [
        "no broker: lost",
        "no broker: nobody there",
        "connected to the broker",
        "no broker: nobody there",
    ]
