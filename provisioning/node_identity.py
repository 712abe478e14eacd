"""A node's keys: made here, vouched for by the county authority, written to its identity folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from protocol.keys import (
    Enrolment,
    IdentityFile,
    OpeningKey,
    Role,
    SigningKey,
    encode_identity,
    issue_enrolment,
)
from protocol.radio_keys import group_radio_key, node_radio_key
from provisioning.authority import Authority, Credentials
from provisioning.layout import NODE_IDENTITY
from runtime.files import SECRET_MODE, write_atomic
from runtime.tls import CA, NODE_CERTIFICATE, NODE_KEY


@dataclass(frozen=True)
class NodeIdentity:
    """All that makes a node who it is."""

    enrolment: bytes
    """Signed by the authority; what the other end is given."""
    identity: bytes = field(repr=False)
    credentials: Credentials
    trust_pem: bytes


def create_node(
    authority: Authority,
    *,
    county: str,
    node: str,
    role: Role,
    point: str,
    peers: Sequence[bytes],
    radio_address: int,
    now: datetime,
) -> NodeIdentity:
    """Draw a node's keys and enrol them; `peers` are enrolments it shall trust."""
    signing, opening = SigningKey.generate(), OpeningKey.generate()
    enrolment = Enrolment(
        county,
        node,
        role,
        signing.public_key().public_bytes_raw(),
        opening.public_key().public_bytes_raw(),
        point,
        int(now.timestamp() * 1000),
        radio_address,
    )
    secrets = IdentityFile(
        county,
        node,
        signing.private_bytes_raw(),
        opening.private_bytes_raw(),
        authority.county_key,
        authority.statement_key.public_key().public_bytes_raw(),
        tuple(peers),
        (authority.badge_key.public_key().public_bytes_raw(),),
        radio_address,
        authority.radio_key
        if role is Role.GATEWAY
        else node_radio_key(authority.radio_key, county, node),
        group_radio_key(authority.radio_key, county),
    )
    return NodeIdentity(
        issue_enrolment(authority.statement_key, enrolment),
        encode_identity(secrets),
        authority.issue_node(node, now),
        authority.trust_pem,
    )


def save_node(folder: Path, node: NodeIdentity) -> None:
    """Write an identity folder. Raises `OSError`."""
    write_atomic(folder / NODE_IDENTITY, node.identity, mode=SECRET_MODE)
    write_atomic(folder / NODE_KEY, node.credentials.key_pem, mode=SECRET_MODE)
    write_atomic(folder / NODE_CERTIFICATE, node.credentials.chain_pem)
    write_atomic(folder / CA, node.trust_pem)
