"""Records to canonical bytes and back (msgpack arrays by msgspec)."""

import msgspec

from protocol.records import CheckIn, Record, UnknownRecord

UNREADABLE_KIND = 0
"""Kind given to an authentic body that is no record at all."""

_ARRAY_OF_1_TO_15 = range(0x91, 0xA0)  # msgpack fixarray
_SMALL_INT = range(0x80)  # msgpack positive fixint

_encoder = msgspec.msgpack.Encoder()
_check_in = msgspec.msgpack.Decoder(CheckIn)
_any = msgspec.msgpack.Decoder(list[msgspec.Raw])
_int = msgspec.msgpack.Decoder(int)

encode_record = _encoder.encode
"""Encode a `Record` to the bytes that are sealed, stored and hashed."""


def kind_of(body: bytes) -> int:
    """The record kind of an encoded body, `UNREADABLE_KIND` if it has none. Never raises."""
    if len(body) > 1 and body[0] in _ARRAY_OF_1_TO_15 and body[1] in _SMALL_INT:
        return body[1]
    try:
        return _int.decode(_any.decode(body)[0])
    except (msgspec.DecodeError, IndexError):
        return UNREADABLE_KIND


def decode_record(body: bytes) -> Record | UnknownRecord:
    """Decode an authentic body. What this program cannot read comes back as `UnknownRecord`."""
    try:
        return _check_in.decode(body)
    except msgspec.DecodeError:
        return UnknownRecord(kind=kind_of(body), body=body)
