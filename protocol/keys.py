"""Who a node is: its public keys, vouched for by the county authority.

Works on bytes, never on files.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import msgspec
from msgspec import Struct

from protocol import suites
from protocol.errors import Malformed
from protocol.ids import parse_name
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import OpeningKey, SealingKey, SigningKey, VerifyKey


class Role(IntEnum):
    """What a node may do."""

    TERMINAL = 1
    GATEWAY = 2


class Enrolment(Struct, frozen=True, array_like=True):
    """The county authority's word on one node's keys."""

    county: str
    node: str
    role: Role
    signing_public: bytes
    sealing_public: bytes
    point: str
    """The assembly point a terminal serves; empty for a gateway."""
    issued_ms: int


@dataclass(frozen=True)
class Peer:
    """A node whose enrolment has been verified."""

    enrolment: Enrolment

    @cached_property
    def verify_key(self) -> VerifyKey:
        """The key its statements verify with."""
        return VerifyKey.from_public_bytes(self.enrolment.signing_public)

    @cached_property
    def sealing_key(self) -> SealingKey:
        """The key to seal to, so that only this node can open."""
        return SealingKey.from_public_bytes(self.enrolment.sealing_public)

    @cached_property
    def sealing_key_id(self) -> bytes:
        """Names the sealing key inside an envelope."""
        return suites.key_id(self.sealing_key)


def issue_enrolment(authority: SigningKey, enrolment: Enrolment) -> bytes:
    """Sign an enrolment as the county authority."""
    return encode_signed(Label.ENROLMENT, enrolment, authority)


def verify_enrolment(authority: VerifyKey, message: bytes) -> Peer:
    """Check the authority's signature and the names; raises `ProtocolError`."""
    enrolment = decode_signed(Label.ENROLMENT, message, authority, Enrolment)
    parse_name(enrolment.county)
    parse_name(enrolment.node)
    if len(enrolment.signing_public) != 32 or len(enrolment.sealing_public) != 32:
        raise Malformed("enrolment holds a key of the wrong size")
    return Peer(enrolment)


class IdentityFile(Struct, frozen=True, array_like=True):
    """Everything a node keeps secret except its TLS key; one file, readable by the node only."""

    county: str
    node: str
    signing_private: bytes
    opening_private: bytes
    county_key: bytes
    """Keys the credential digests of the whole county."""
    authority_public: bytes
    peers: tuple[bytes, ...]
    """Enrolments: for a terminal those of its gateways, for a gateway none (it has a folder)."""


@dataclass(frozen=True)
class Identity:
    """A node's own keys, ready for use."""

    county: str
    node: str
    signing_key: SigningKey
    opening_key: OpeningKey
    county_key: bytes
    authority: VerifyKey
    peers: tuple[Peer, ...]


def encode_identity(file: IdentityFile) -> bytes:
    """The bytes of an identity file."""
    return msgspec.msgpack.encode(file)


def decode_identity(data: bytes) -> Identity:
    """Read an identity file and verify the enrolments in it; raises `ProtocolError`."""
    try:
        file = msgspec.msgpack.decode(data, type=IdentityFile)
    except msgspec.DecodeError as error:
        raise Malformed("not an identity file") from error
    authority = VerifyKey.from_public_bytes(file.authority_public)
    return Identity(
        file.county,
        file.node,
        SigningKey.from_private_bytes(file.signing_private),
        OpeningKey.from_private_bytes(file.opening_private),
        file.county_key,
        authority,
        tuple(verify_enrolment(authority, message) for message in file.peers),
    )


def credential_digest(county_key: bytes, number: str) -> bytes:
    """The keyed hash under which a document number is looked up, stored and compared."""
    return suites.keyed_digest(county_key, number.strip().upper())


__all__ = [
    "Enrolment",
    "Identity",
    "IdentityFile",
    "OpeningKey",
    "Peer",
    "Role",
    "SealingKey",
    "SigningKey",
    "VerifyKey",
    "credential_digest",
    "decode_identity",
    "encode_identity",
    "issue_enrolment",
    "verify_enrolment",
]
