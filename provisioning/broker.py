"""What mosquitto is told: `mosquitto.conf` and the access list. Pure text.

Measured against Debian's mosquitto 2.0.11; the attacks it must withstand are tests/attacks.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol import topics
from protocol.limits import MAX_IN_FLIGHT, MAX_MESSAGE_BYTES
from provisioning.errors import BadPlan

PACKET_MARGIN_BYTES = 1024  # MQTT header, the longest topic (about 120 bytes) and v5 properties
# What waits for a node that is away. The broker may forget it all: terminals keep every record
# until the gateway's signed receipt. So the bound protects the memory of a 512 MB board.
MAX_QUEUED_MESSAGES = 1000
MAX_QUEUED_BYTES = 32 * 1024 * 1024

MOSQUITTO_CONF = "mosquitto.conf"
ACL = "acl"
CA = "ca.pem"
SERVER_CERTIFICATE = "server.crt"
SERVER_KEY = "server.key"
CRL = "crl.pem"


@dataclass(frozen=True)
class BrokerPlan:
    """One broker: where its files lie, who runs it, where it listens."""

    folder: Path
    """Absolute; holds the access list, certificates and CRL under this module's names."""
    user: str
    """Owns the files: started as root, mosquitto becomes this user before it reads them."""
    hosts: Sequence[str]
    port: int


def broker_config(plan: BrokerPlan) -> str:
    """The text of `mosquitto.conf`. Raises `BadPlan` for a folder mosquitto cannot be told."""
    if not plan.folder.is_absolute() or not str(plan.folder).isprintable():
        raise BadPlan(f"mosquitto needs an absolute folder of printable characters: {plan.folder}")
    return f"""\
# Written by `muster provision county`. Start: mosquitto -c {plan.folder / MOSQUITTO_CONF}
# Paths are absolute, because mosquitto resolves them against the folder it is started in: after
# moving this folder, correct them.
user {plan.user}
log_dest stderr

# Nobody without a certificate of this county, and nobody under another's name.
per_listener_settings false
allow_anonymous false
acl_file {plan.folder / ACL}
listener {plan.port}{_bind_address(plan.hosts)}
tls_version tlsv1.3
cafile {plan.folder / CA}
certfile {plan.folder / SERVER_CERTIFICATE}
keyfile {plan.folder / SERVER_KEY}
# A new CRL counts from the next start. Restart, never reload: a CRL that cannot be read at a
# reload lets revoked nodes in again; at a start it stops the broker.
crlfile {plan.folder / CRL}
require_certificate true
use_identity_as_username true
# Without this a node could take another's client id and throw it off.
use_username_as_clientid true

# The broker is a cache. What must not be lost is in the terminals' outboxes and the gateway's
# ledger; the gateway publishes its retained messages again when it connects.
persistence false
max_packet_size {MAX_MESSAGE_BYTES + PACKET_MARGIN_BYTES}
max_inflight_messages {MAX_IN_FLIGHT}
max_queued_messages {MAX_QUEUED_MESSAGES}
max_queued_bytes {MAX_QUEUED_BYTES}
# A receipt is a small packet somebody waits for.
set_tcp_nodelay true
"""


def access_list(county: str, gateway: str) -> str:
    """The text of the access list: what it does not grant is refused.

    `%u` is the name in the client's certificate. mosquitto grants every subscription and filters
    at delivery, so only deliveries prove anything.
    """
    # Every channel, also those of later versions: an upgrade must not need a new access list.
    own_uplink, own_downlink = (f"{topics.ROOT}/{county}/{way}/%u/#" for way in ("up", "dn"))
    return f"""\
# Every node, under the name in its certificate. `pattern`, because a `topic` line above the first
# `user` line would be for anonymous clients only.
pattern write {own_uplink}
pattern read {own_downlink}
pattern read {topics.any_gateway_state(county)}

user {gateway}
topic read {topics.ROOT}/{county}/up/#
topic write {topics.ROOT}/{county}/dn/#
topic write {topics.gateway_state(county, gateway)}
"""


def _bind_address(hosts: Sequence[str]) -> str:
    """One IP address: there only. A name, or several addresses: everywhere.

    A machine's own name often resolves to loopback (Debian's 127.0.1.1), where no terminal is.
    """
    if len(hosts) != 1:
        return ""
    try:
        ipaddress.ip_address(hosts[0])
    except ValueError:
        return ""
    return f" {hosts[0]}"
