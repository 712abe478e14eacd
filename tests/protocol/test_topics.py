"""Topics are built and taken apart, and nothing can be smuggled into one."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import topics
from protocol.errors import Malformed
from protocol.ids import Name
from protocol.topics import Down, Up, UpTopic
from tests.protocol.strategies import names

SMUGGLED = ["", "+", "#", "a/b", "a+", "a#", "A", "a\0", "a\n", "$share", "名", "x" * 33]


@given(names, names, st.sampled_from(Up))
def test_an_uplink_topic_comes_back(county: str, node: str, channel: Up) -> None:
    parsed = topics.parse_up(topics.up(county, node, channel))
    assert parsed == UpTopic(Name(county), Name(node), channel)


@given(names, names, st.sampled_from([Down.RECEIPT, Down.REFUSAL, Down.ACTIVATION]))
def test_a_downlink_topic_comes_back(county: str, node: str, channel: Down) -> None:
    assert topics.parse_down(topics.down(county, node, channel)) is channel


@given(names, names, st.integers(0, 1000))
def test_a_roster_comes_in_numbered_parts(county: str, node: str, part: int) -> None:
    assert topics.parse_down(topics.down(county, node, Down.ROSTER, part)) is Down.ROSTER


@pytest.mark.parametrize("name", SMUGGLED)
def test_no_builder_takes_what_is_no_name(name: str) -> None:
    builders: list[Callable[[], str]] = [
        lambda: topics.up(name, "n", Up.RECORDS),
        lambda: topics.up("c", name, Up.RECORDS),
        lambda: topics.down(name, "n", Down.RECEIPT),
        lambda: topics.down("c", name, Down.RECEIPT),
        lambda: topics.all_up(name),
        lambda: topics.all_down(name, "n"),
        lambda: topics.all_down("c", name),
        lambda: topics.gateway_state(name, "g"),
        lambda: topics.gateway_state("c", name),
        lambda: topics.any_gateway_state(name),
    ]
    for build in builders:
        with pytest.raises(Malformed):
            build()


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "muster/1",
        "muster/1/c/up/n",
        "muster/1/c/up/n/records/more",
        "muster/2/c/up/n/records",
        "muster/1/c/dn/n/records",
        "muster/1/c/up/n/secrets",
        "muster/1/c/up/+/records",
        "muster/1//up/n/records",
        "/muster/1/c/up/n/records",
    ],
)
def test_what_is_no_uplink_topic(topic: str) -> None:
    with pytest.raises(Malformed):
        topics.parse_up(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "muster/1/c/gw/g/state",
        "muster/1/c/up/n/receipt",
        "muster/2/c/dn/n/receipt",
        "other/1/c/dn/n/receipt",
        "muster/1/c/dn/n/secret",
        "muster/1/c/dn/n/receipt/1",
        "muster/1/c/dn/n/roster",
        "muster/1/c/dn/n/roster/x",
        "muster/1/c/dn/n/roster/1/2",
        "muster/1/c/dn/N/receipt",
    ],
)
def test_what_is_no_downlink_topic(topic: str) -> None:
    assert topics.parse_down(topic) is None


@given(st.text())
def test_parsing_is_total(topic: str) -> None:
    assert topics.parse_down(topic) is None
    with pytest.raises(Malformed):
        topics.parse_up(topic)


def test_subscriptions_match_what_is_published() -> None:
    assert topics.all_up("c") == "muster/1/c/up/+/+"
    assert topics.all_down("c", "n") == "muster/1/c/dn/n/#"
    assert topics.all_down("c", topics.ACL_USER) == "muster/1/c/dn/%u/#"
    assert topics.gateway_state("c", "g") == "muster/1/c/gw/g/state"
    assert topics.any_gateway_state("c") == "muster/1/c/gw/+/state"
