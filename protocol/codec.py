"""Records to canonical bytes and back (msgpack arrays by msgspec)."""

from collections.abc import Callable, Mapping

import msgspec

from protocol.packing import UNREADABLE
from protocol.records import CheckIn, Record, Undo, UnknownRecord

UNREADABLE_KIND = 0
"""Kind given to an authentic body that is no record at all."""

_ARRAY_OF_1_TO_15 = range(0x91, 0xA0)  # msgpack fixarray
_ARRAY_16 = 0xDC
_KINDS = range(1, 0x80)  # msgpack positive fixint

_encoder = msgspec.msgpack.Encoder()
_decoders: Mapping[int, Callable[[bytes], Record]] = {
    1: msgspec.msgpack.Decoder(CheckIn).decode,
    2: msgspec.msgpack.Decoder(Undo).decode,
}
"""By kind: a decoder of one type is faster than one that chooses."""

encode_record = _encoder.encode
"""Encode a `Record` to the bytes that are sealed, stored and hashed."""


def kind_of(body: bytes) -> int:
    """The record kind of an encoded body, `UNREADABLE_KIND` if it has none. Never raises.

    Reads the one or two headers that the wire format allows, so that no body, however built, can
    be of one kind here and of another to a decoder.
    """
    if len(body) > 1 and body[0] in _ARRAY_OF_1_TO_15 and body[1] in _KINDS:
        return body[1]
    if len(body) > 3 and body[0] == _ARRAY_16 and body[3] in _KINDS:
        return body[3]
    return UNREADABLE_KIND


def decode_record(body: bytes) -> Record | UnknownRecord:
    """Decode an authentic body. What this program cannot read comes back as `UnknownRecord`."""
    kind = kind_of(body)
    decode = _decoders.get(kind)
    if decode is None:
        return UnknownRecord(kind, body)
    try:
        return decode(body)
    except UNREADABLE:
        return UnknownRecord(kind, body)
