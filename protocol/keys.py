"""Who a node is: its public keys, vouched for by the county authority.

Works on bytes, never on files.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from protocol import suites
from protocol.badge import Issuers, issuers_of
from protocol.errors import Malformed
from protocol.fields import Milliseconds, NameText, OptionalName, RawKey
from protocol.limits import MAX_BADGE_ISSUERS, MAX_RECIPIENTS
from protocol.packing import decode_as
from protocol.radio_keys import MAX_ADDRESS
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import OpeningKey, SealingKey, SigningKey, VerifyKey

GATEWAY_RADIO_ADDRESS = 0
RadioAddress = Annotated[int, Meta(ge=GATEWAY_RADIO_ADDRESS, le=MAX_ADDRESS)]


class Role(IntEnum):
    """What a node may do."""

    TERMINAL = 1
    GATEWAY = 2


class Enrolment(Struct, frozen=True, array_like=True):
    """The county authority's word on one node's keys."""

    county: NameText
    node: NameText
    role: Role
    signing_public: RawKey
    sealing_public: RawKey
    point: OptionalName
    """The assembly point a terminal serves; empty for a gateway."""
    issued_ms: Milliseconds
    radio_address: RadioAddress
    """Its short name in radio frames, unique in the county: 0 the gateway, terminals from 1."""


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
    """Check the authority's signature; raises `ProtocolError`."""
    enrolment = decode_signed(Label.ENROLMENT, message, authority, Enrolment)
    if (enrolment.role is Role.GATEWAY) != (enrolment.radio_address == GATEWAY_RADIO_ADDRESS):
        raise Malformed("radio address 0 is the gateway's, and nobody else's")
    return Peer(enrolment)


class IdentityFile(Struct, frozen=True, array_like=True):
    """Everything a node keeps secret except its TLS key; one file, readable by the node only."""

    county: NameText
    node: NameText
    signing_private: RawKey
    opening_private: RawKey
    county_key: RawKey
    """Keys the credential digests of the whole county."""
    authority_public: RawKey
    peers: Annotated[tuple[bytes, ...], Meta(max_length=MAX_RECIPIENTS)]
    """Enrolments: for a terminal those of its gateways, for a gateway none (it has a folder)."""
    badge_issuers: Annotated[tuple[RawKey, ...], Meta(max_length=MAX_BADGE_ISSUERS)]
    """Public keys whose badges and revocation lists count, and no others."""
    radio_address: RadioAddress
    radio_key: RawKey
    """Of radio frames: a terminal's own, a gateway's the county's, which all others follow from."""
    group_radio_key: RawKey
    """Of radio frames to everybody; every node of the county has it."""

    def __repr__(self) -> str:
        """The name only: keys must not reach a log through a repr."""
        return f"IdentityFile({self.county}, {self.node})"


@dataclass(frozen=True)
class Identity:
    """A node's own keys, ready for use."""

    county: str
    node: str
    signing_key: SigningKey = field(repr=False)
    opening_key: OpeningKey = field(repr=False)
    county_key: bytes = field(repr=False)
    authority: VerifyKey
    peers: tuple[Peer, ...]
    badge_issuers: Issuers
    radio_address: int
    radio_key: bytes = field(repr=False)
    """A terminal's own, or for a gateway the county's (`protocol.radio_keys`)."""
    group_radio_key: bytes = field(repr=False)


def encode_identity(file: IdentityFile) -> bytes:
    """The bytes of an identity file."""
    return msgspec.msgpack.encode(file)


def decode_identity(data: bytes) -> Identity:
    """Read an identity file and verify the enrolments in it; raises `ProtocolError`."""
    file = decode_as(data, IdentityFile)
    authority = VerifyKey.from_public_bytes(file.authority_public)
    peers = tuple(verify_enrolment(authority, message) for message in file.peers)
    if any(
        (peer.enrolment.county, peer.enrolment.role) != (file.county, Role.GATEWAY)
        for peer in peers
    ):
        raise Malformed("a peer is no gateway of this county")
    return Identity(
        file.county,
        file.node,
        SigningKey.from_private_bytes(file.signing_private),
        OpeningKey.from_private_bytes(file.opening_private),
        file.county_key,
        authority,
        peers,
        issuers_of(VerifyKey.from_public_bytes(key) for key in file.badge_issuers),
        file.radio_address,
        file.radio_key,
        file.group_radio_key,
    )


def credential_digest(county_key: bytes, number: str) -> bytes:
    """The keyed hash under which a document number is looked up, stored and compared."""
    return suites.keyed_digest(county_key, number.strip().upper())


__all__ = [
    "GATEWAY_RADIO_ADDRESS",
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
