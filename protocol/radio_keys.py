"""Keys of radio frames: one secret for a county, one of it for each node, one of that for each use.

    county radio key ─► node's radio key ─► frames up │ frames down      (that node and gateways)
                    └─► group radio key  ─► frames to all │ frames between neighbours   (everybody)

A gateway holds the county radio key and derives the rest. A node is given its own key and the
group's, so a stolen terminal opens and forges no other's frames up or down. What comes under the
group key is the word of *some* node of the county and no more: nothing is settled on it.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.limits import RAW_KEY_BYTES

TAG_BYTES = 8  # flooding one channel, half a chance of one forgery takes 10^10 years
MAX_ADDRESS = 2**16 - 1
MAX_KEY_EPOCH = 2**16 - 1
_NODE, _GROUP, _FRAMES = b"muster/1 radio node\0", b"muster/1 radio group\0", b"muster/1 radio\0"


class Direction(IntEnum):
    """Who speaks to whom: the upper half of a frame's first byte."""

    UP = 1  # terminal to gateway
    DOWN = 2  # gateway to one terminal
    ALL = 3  # gateway to every terminal
    PEER = 4  # terminal to the terminals that hear it


@dataclass(frozen=True)
class LinkKey:
    """The key of one direction of one node's frames, until its key epoch changes.

    `address` is the node's short address: of the terminal for `UP` and `DOWN`, of the sender for
    `ALL` and `PEER`, whose key is the group's.
    """

    direction: Direction
    address: int
    epoch: int
    key: bytes = field(repr=False)

    @cached_property
    def cipher(self) -> AESCCM:
        """AES-256-CCM with the radio's tag."""
        return AESCCM(self.key, tag_length=TAG_BYTES)


def node_radio_key(county_radio_key: bytes, county: str, node: str) -> bytes:
    """The secret of one node; it gets this and never the county's."""
    return _derive(county_radio_key, _NODE + county.encode() + b"\0" + node.encode())


def group_radio_key(county_radio_key: bytes, county: str) -> bytes:
    """The secret every node of the county holds."""
    return _derive(county_radio_key, _GROUP + county.encode())


def link_key(radio_key: bytes, direction: Direction, address: int, epoch: int) -> LinkKey:
    """The key of one direction.

    `radio_key` is the node's for `UP` and `DOWN`, the group's for `ALL` and `PEER`. The epoch goes
    up whenever a sender cannot be sure of its counter any more. Raises `ValueError` for an address
    or an epoch that has no 16 bits.
    """
    if not (0 <= address <= MAX_ADDRESS and 0 <= epoch <= MAX_KEY_EPOCH):
        raise ValueError("radio addresses and key epochs have 16 bits")
    info = _FRAMES + direction.to_bytes(1, "big") + epoch.to_bytes(2, "big")
    return LinkKey(direction, address, epoch, _derive(radio_key, info))


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), RAW_KEY_BYTES, salt=None, info=info).derive(secret)
