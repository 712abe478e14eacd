"""Keys of radio frames: one secret for a county, one of it for each node, one of that for each use.

    county radio key ─► node's radio key ─► frames up │ receipts        (that node and gateways)
                    └─► group radio key  ─► frames to all │ frames between neighbours   (everybody)

A gateway holds the county radio key and derives the rest. A node is given its own key and the
group's, so a stolen terminal opens and forges no other's frames up, and no other's receipts. What
comes under the group key is the word of *some* node of the county and no more.

Every key holds for one **epoch** of its sender: for a terminal that of its outbox, which is drawn
anew whenever the file with its counters is lost.
"""

import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.ids import MAX_EPOCH
from protocol.limits import RAW_KEY_BYTES

TAG_BYTES = 8  # flooding one channel, half a chance of one forgery takes 10^10 years
RECEIPT_TAG_BYTES = 4  # the frame around it has a tag of its own, which a stranger has to beat too
MAX_ADDRESS = 2**16 - 1
EPOCH_BYTES = 4
_NODE, _GROUP, _FRAMES = b"muster/1 radio node\0", b"muster/1 radio group\0", b"muster/1 radio\0"
_RECEIPTS = b"muster/1 radio receipts\0"


class Direction(IntEnum):
    """Who speaks to whom: the upper half of a frame's first byte."""

    UP = 1  # terminal to gateway
    ALL = 2  # gateway to every terminal
    PEER = 3  # terminal to the terminals that hear it


@dataclass(frozen=True)
class LinkKey:
    """The key of one sender's frames in one direction, for one epoch.

    `address` is the sender's short address. The key comes from the sender's own radio key for `UP`,
    from the group's for `ALL` and `PEER`.
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

    `radio_key` is the node's for `UP`, the group's for `ALL` and `PEER`. Raises `ValueError` for an
    address that has no 16 bits or an epoch that has no 32.
    """
    if not (0 <= address <= MAX_ADDRESS and 0 <= epoch <= MAX_EPOCH):
        raise ValueError("radio addresses have 16 bits, epochs 32")
    info = _FRAMES + direction.to_bytes(1, "big") + epoch.to_bytes(EPOCH_BYTES, "big")
    return LinkKey(direction, address, epoch, _derive(radio_key, info))


def receipt_key(radio_key: bytes, epoch: int) -> bytes:
    """What the receipts for one outbox of a node are tagged with; `radio_key` is the node's."""
    return _derive(radio_key, _RECEIPTS + epoch.to_bytes(EPOCH_BYTES, "big"))


def receipt_tag(key: bytes, said: bytes) -> bytes:
    """The tag of what a gateway says to one terminal; compare it with `hmac.compare_digest`."""
    return hmac.digest(key, said, "sha256")[:RECEIPT_TAG_BYTES]


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), RAW_KEY_BYTES, salt=None, info=info).derive(secret)
