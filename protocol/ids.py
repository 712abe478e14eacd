"""Names and numbers that identify nodes, records and keys."""

import re
from typing import NamedTuple, NewType

from protocol.errors import Malformed
from protocol.limits import MAX_NAME_CHARS

Name = NewType("Name", str)
"""A node, county or point: lower-case letters, digits and inner dashes, at most 32 characters.

One MQTT topic level, one certificate common name, one folder: nothing in it needs escaping, and
neither of MQTT's wildcards can be spelt.
"""

NAME_PATTERN = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_NAME = re.compile(NAME_PATTERN)

MAX_EPOCH = 2**32 - 1
MAX_SEQ = 2**48 - 1  # fits SQLite's integer and eight bytes of a nonce with room to spare


class RecordId(NamedTuple):
    """What makes a record unique in the county for ever.

    `epoch` is drawn at random whenever an outbox is created anew; `seq` is gapless from 1 and
    assigned inside the transaction that stores the record.
    """

    node: Name
    epoch: int
    seq: int

    def __str__(self) -> str:
        """`node.epoch.seq`, the epoch in hexadecimal."""
        return f"{self.node}.{self.epoch:08x}.{self.seq}"


def parse_name(text: str) -> Name:
    """Check a name; raises `Malformed`, whose text leaves it out."""
    if len(text) > MAX_NAME_CHARS or _NAME.fullmatch(text) is None:
        raise Malformed(
            "not a name: lower-case letters, digits and inner dashes, "
            f"at most {MAX_NAME_CHARS} characters"
        )
    return Name(text)
