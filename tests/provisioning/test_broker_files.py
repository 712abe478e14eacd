"""The broker's configuration and access list, as text."""

from dataclasses import replace
from pathlib import Path

import pytest
from paho.mqtt.client import topic_matches_sub

from protocol import topics
from protocol.limits import MAX_IN_FLIGHT, MAX_MESSAGE_BYTES
from protocol.topics import Down, Up
from provisioning.broker import BrokerPlan, access_list, broker_config
from provisioning.errors import BadPlan

PLAN = BrokerPlan(Path("/srv/county/broker"), "mosquitto", ("192.0.2.7",), 8883)


def settings(plan: BrokerPlan = PLAN) -> dict[str, str]:
    text = broker_config(plan)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len({line.split()[0] for line in lines}) == len(lines), "a setting is given twice"
    return dict(line.split(" ", 1) for line in lines)


def test_nobody_gets_in_without_a_certificate() -> None:
    conf = settings()
    assert conf["allow_anonymous"] == "false"
    assert conf["require_certificate"] == "true"
    assert conf["use_identity_as_username"] == "true"
    assert conf["use_username_as_clientid"] == "true"
    assert conf["tls_version"] == "tlsv1.3"


def test_the_limits_are_those_of_the_protocol() -> None:
    conf = settings()
    assert int(conf["max_packet_size"]) > MAX_MESSAGE_BYTES
    assert int(conf["max_inflight_messages"]) == MAX_IN_FLIGHT


def test_every_file_is_named_absolutely() -> None:
    conf = settings(replace(PLAN, folder=Path("/srv/my county/broker")))
    for key in ("acl_file", "cafile", "certfile", "keyfile", "crlfile"):
        assert conf[key].startswith("/srv/my county/broker/")


@pytest.mark.parametrize(
    ("hosts", "listener"),
    [
        (("192.0.2.7",), "8883 192.0.2.7"),
        (("2001:db8::7",), "8883 2001:db8::7"),
        (("gateway.example",), "8883"),
        (("192.0.2.7", "gateway.example"), "8883"),
    ],
)
def test_it_listens_where_it_is_reached(hosts: tuple[str, ...], listener: str) -> None:
    assert settings(replace(PLAN, hosts=hosts))["listener"] == listener


@pytest.mark.parametrize("folder", [Path("county/broker"), Path("/srv/a\nuser root")])
def test_a_folder_mosquitto_cannot_be_told_is_refused(folder: Path) -> None:
    with pytest.raises(BadPlan):
        broker_config(replace(PLAN, folder=folder))


def rules(user: str) -> list[tuple[str, str]]:
    """What the list grants a node, as (verb, topic filter), by mosquitto's rules."""
    granted: list[tuple[str, str]] = []
    section = ""
    for line in access_list("demo", "gateway").splitlines():
        match line.split():
            case ["user", name]:
                section = name
            case ["pattern", verb, pattern]:
                granted.append((verb, pattern.replace("%u", user)))
            case ["topic", verb, pattern]:
                assert section, "a topic line before any user is for anonymous clients only"
                if section == user:
                    granted.append((verb, pattern))
    return granted


def may(user: str, verb: str, topic: str) -> bool:
    return any(topic_matches_sub(pattern, topic) for v, pattern in rules(user) if v == verb)


@pytest.mark.parametrize("channel", Up)
def test_every_uplink_channel_is_granted_to_its_node_alone(channel: Up) -> None:
    topic = topics.up("demo", "t1", channel)
    assert may("t1", "write", topic)
    assert may("gateway", "read", topic)
    assert not may("t2", "write", topic)
    assert not may("t2", "read", topic)
    assert not may("gateway", "write", topic)


@pytest.mark.parametrize("channel", Down)
@pytest.mark.parametrize("part", [None, 3])
def test_every_downlink_channel_is_for_its_node_alone(channel: Down, part: int | None) -> None:
    topic = topics.down("demo", "t1", channel, part)
    assert may("t1", "read", topic)
    assert may("gateway", "write", topic)
    assert not may("t1", "write", topic)
    assert not may("t2", "read", topic)


def test_a_gateways_state_is_its_own_to_say_and_everybodys_to_hear() -> None:
    topic = topics.gateway_state("demo", "gateway")
    assert may("gateway", "write", topic)
    assert may("t1", "read", topic)
    assert not may("t1", "write", topic)
    assert not may("gateway", "write", topics.gateway_state("demo", "other"))


def test_another_county_is_out_of_reach() -> None:
    for user in ("t1", "gateway"):
        for verb in ("read", "write"):
            assert not may(user, verb, topics.up("other", "t1", Up.RECORDS))
            assert not may(user, verb, topics.down("other", "t1", Down.RECEIPT))
