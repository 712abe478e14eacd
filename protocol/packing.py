"""msgpack to structures, with every way in which that can fail folded into one."""

from typing import TypeVar

import msgspec

from protocol.errors import Malformed

T = TypeVar("T")

UNREADABLE = (
    msgspec.DecodeError,
    UnicodeDecodeError,  # text that is not UTF-8
    RecursionError,  # arrays nested a thousand deep where a field may be skipped
)
"""What msgspec raises for bytes somebody else chose."""


def decode_as(data: bytes, shape: type[T]) -> T:
    """Decode one structure. Raises `Malformed`, which says nothing about what `data` holds."""
    try:
        return msgspec.msgpack.decode(data, type=shape)
    except UNREADABLE:
        # `from None`: the cause may quote the value, and a traceback ends up in a log.
        raise Malformed(f"not a well-formed {shape.__name__.lstrip('_')}") from None
