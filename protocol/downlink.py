"""What a gateway tells one terminal: sealed to it, signed by the gateway.

Rosters hold names, so they travel and rest sealed; a terminal keeps the message as it came.
"""

from enum import IntEnum
from typing import TypeVar

import msgspec
from msgspec import Struct

from protocol import suites
from protocol.errors import CannotOpen, Malformed
from protocol.keys import Peer
from protocol.roster import RosterPart
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import OpeningKey, SigningKey, VerifyKey


class Mode(IntEnum):
    """How serious an activation is; stamped on every screen."""

    REAL = 1
    DRILL = 2
    TEST = 3


class Activation(Struct, frozen=True, array_like=True):
    """One muster: why people are called, since when, and what is aimed for."""

    number: int
    title_zh: str
    title_en: str
    mode: Mode
    started_ms: int
    target_percent: int
    target_minutes: int


Content = TypeVar("Content", RosterPart, Activation)


class Downlink(Struct, frozen=True, array_like=True):
    """Something sealed to one terminal."""

    county: str
    node: str
    recipient: bytes
    sealed: bytes


def pack_downlink(
    content: RosterPart | Activation, county: str, peer: Peer, key: SigningKey
) -> bytes:
    """Seal to one terminal and sign as the gateway."""
    node = peer.enrolment.node
    plain = msgspec.msgpack.encode(content)
    sealed = suites.hpke_seal(peer.sealing_key, plain, _info(county, node, type(content)))
    return encode_signed(Label.DOWNLINK, Downlink(county, node, peer.sealing_key_id, sealed), key)


def unpack_downlink(
    message: bytes, shape: type[Content], gateway: VerifyKey, node: str, opening: OpeningKey
) -> Content:
    """Verify and open what the gateway sent to `node`; raises `ProtocolError`."""
    downlink = decode_signed(Label.DOWNLINK, message, gateway, Downlink)
    if downlink.node != node:
        raise CannotOpen("sealed to another node")
    plain = suites.hpke_open(opening, downlink.sealed, _info(downlink.county, node, shape))
    try:
        return msgspec.msgpack.decode(plain, type=shape)
    except msgspec.DecodeError as error:
        raise Malformed(f"content is no {shape.__name__}") from error


def _info(county: str, node: str, shape: type[object]) -> bytes:
    return f"muster/1 downlink\0{county}\0{node}\0{shape.__name__}".encode()
