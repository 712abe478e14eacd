"""Every MQTT topic, built and parsed here and nowhere else (docs/wire-format.md section 6).

muster/1/{county}/up/{node}/{channel}      terminal to gateway
muster/1/{county}/dn/{node}/{channel}      gateway to terminal
muster/1/{county}/gw/{gateway}/state       retained: is a gateway listening?

Builders raise `Malformed` for a name that is none: no wildcard and no slash gets into a topic.
"""

import re
from enum import Enum
from typing import NamedTuple

from protocol.errors import Malformed
from protocol.ids import NAME_PATTERN, Name, parse_name

ROOT = "muster/1"
ACL_USER = "%u"
"""What mosquitto's access rules put in place of a name: whoever is connected."""
_DOWN = re.compile(
    rf"{ROOT}/{NAME_PATTERN}/dn/{NAME_PATTERN}/"
    # Only a roster comes in parts.
    r"(?:(receipt|refusal|activation|revocations|bulletin)|(roster)/[0-9]{1,4})"
)


class Up(Enum):
    """Channels a terminal publishes on."""

    RECORDS = "records"
    HEALTH = "health"
    STATE = "state"


class Down(Enum):
    """Channels a terminal listens on."""

    RECEIPT = "receipt"
    REFUSAL = "refusal"
    ROSTER = "roster"
    ACTIVATION = "activation"
    REVOCATIONS = "revocations"
    BULLETIN = "bulletin"


class UpTopic(NamedTuple):
    """A parsed uplink topic."""

    county: Name
    node: Name
    channel: Up


def up(county: str, node: str, channel: Up) -> str:
    """Topic of one uplink channel."""
    return f"{ROOT}/{parse_name(county)}/up/{parse_name(node)}/{channel.value}"


def down(county: str, node: str, channel: Down, part: int | None = None) -> str:
    """Topic of one downlink channel; `part` numbers the pieces of a roster."""
    topic = f"{ROOT}/{parse_name(county)}/dn/{parse_name(node)}/{channel.value}"
    return topic if part is None else f"{topic}/{part}"


def all_up(county: str) -> str:
    """Subscription of a gateway: everything the county's terminals say."""
    return f"{ROOT}/{parse_name(county)}/up/+/+"


def all_down(county: str, node: str) -> str:
    """Subscription of a terminal: everything said to it; with `ACL_USER`, the rule for them all."""
    whose = node if node == ACL_USER else parse_name(node)
    return f"{ROOT}/{parse_name(county)}/dn/{whose}/#"


def gateway_state(county: str, gateway: str) -> str:
    """Retained topic on which a gateway says that it is there."""
    return f"{ROOT}/{parse_name(county)}/gw/{parse_name(gateway)}/state"


def any_gateway_state(county: str) -> str:
    """Subscription of a terminal to whichever gateway serves the county."""
    return f"{ROOT}/{parse_name(county)}/gw/+/state"


def parse_up(topic: str) -> UpTopic:
    """Take an uplink topic apart; raises `Malformed`."""
    parts = topic.split("/")
    if len(parts) != 6 or "/".join(parts[:2]) != ROOT or parts[3] != "up":
        raise Malformed("not an uplink topic")
    try:
        channel = Up(parts[5])
    except ValueError as error:
        raise Malformed("no such uplink channel") from error
    return UpTopic(parse_name(parts[2]), parse_name(parts[4]), channel)


def parse_down(topic: str) -> Down | None:
    """Which downlink channel a topic is; `None` for any other topic."""
    found = _DOWN.fullmatch(topic)
    return Down(found[1] or found[2]) if found else None
