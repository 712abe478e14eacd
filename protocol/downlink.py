"""What a gateway tells one terminal: sealed to it, signed by the gateway.

Rosters hold names, so they travel and rest sealed; a terminal keeps the message as it came.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from protocol import suites
from protocol.errors import CannotOpen
from protocol.fields import Count, KeyId, Milliseconds, NameText, Text
from protocol.keys import Peer
from protocol.packing import decode_as
from protocol.roster import RosterPart
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import OpeningKey, SigningKey, VerifyKey


class Mode(IntEnum):
    """How serious an activation is; stamped on every screen."""

    REAL = 1
    DRILL = 2
    TEST = 3


Percent = Annotated[int, Meta(ge=1, le=100)]
Minutes = Annotated[int, Meta(ge=1, le=24 * 60)]


class Activation(Struct, frozen=True, array_like=True):
    """One muster: why people are called, since when, and what is aimed for."""

    number: Count
    title_zh: Text
    title_en: Text
    mode: Mode
    started_ms: Milliseconds
    target_percent: Percent
    target_minutes: Minutes


Content = TypeVar("Content", RosterPart, Activation)

_CONTENT_NAMES: dict[type[RosterPart | Activation], str] = {
    RosterPart: "roster",
    Activation: "activation",
}
"""Bound into the seal, so that one kind of content cannot be opened as another."""


class Downlink(Struct, frozen=True, array_like=True):
    """Something sealed to one terminal."""

    county: NameText
    node: NameText
    recipient: KeyId
    sealed: bytes


@dataclass(frozen=True, slots=True)
class EncodedContent:
    """Content as it is before it is sealed: the same for every terminal."""

    shape: type[RosterPart | Activation]
    plain: bytes = field(repr=False)


def encode_content(content: RosterPart | Activation) -> EncodedContent:
    """Encode once what goes to many terminals.

    Raises `Malformed` for content out of bounds: better here than at every terminal.
    """
    plain = msgspec.msgpack.encode(content)
    decode_as(plain, type(content))
    return EncodedContent(type(content), plain)


def pack_downlink(content: EncodedContent, county: str, peer: Peer, key: SigningKey) -> bytes:
    """Seal to one terminal and sign as the gateway."""
    node = peer.enrolment.node
    sealed = suites.hpke_seal(peer.sealing_key, content.plain, _info(county, node, content.shape))
    return encode_signed(Label.DOWNLINK, Downlink(county, node, peer.sealing_key_id, sealed), key)


def unpack_downlink(
    message: bytes, shape: type[Content], gateway: VerifyKey, node: str, opening: OpeningKey
) -> Content:
    """Verify and open what the gateway sent to `node`; raises `ProtocolError`."""
    downlink = decode_signed(Label.DOWNLINK, message, gateway, Downlink)
    if downlink.node != node:
        raise CannotOpen("sealed to another node")
    plain = suites.hpke_open(opening, downlink.sealed, _info(downlink.county, node, shape))
    return decode_as(plain, shape)


def _info(county: str, node: str, shape: type[RosterPart | Activation]) -> bytes:
    return f"muster/1 downlink\0{county}\0{node}\0{_CONTENT_NAMES[shape]}".encode()
