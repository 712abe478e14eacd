"""Encodings a check-in might be sent in: rows of person, Unix second, point and verdict.

From what a program does that has not thought of radio to what one can do without knowing the
roster. A stranger is person `STRANGER`; none of them says who that is.
"""

import itertools
import json
import struct
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import cbor2
import msgspec

from protocol.octets import pack_number  # protobuf's varints are the same

STRANGER: Final = 2**16 - 1
Row = tuple[int, int, int, int]
Rows = Sequence[Row]

_WIRE_BYTES = 2  # protobuf: a length, then so many bytes
_WIRE_BITS = 3
_RAW_DEFLATE = -15


def in_verbose_json(rows: Rows) -> bytes:
    """As a web service would: ids, ISO time, names, the number of the card."""
    return json.dumps(
        [
            {
                "id": str(uuid.UUID(int=wall_s << 64 | person)),
                "idNumber": f"{person:018}",
                "time": datetime.fromtimestamp(wall_s, UTC).isoformat(),
                "point": f"point-{point}",
                "verdict": ("accepted", "already", "look", "stop")[verdict - 1],
            }
            for person, wall_s, point, verdict in rows
        ],
        separators=(",", ":"),
    ).encode()


def in_short_json(rows: Rows) -> bytes:
    """Roster numbers under keys of one letter."""
    return json.dumps(
        [dict(zip("ptav", row, strict=True)) for row in rows], separators=(",", ":")
    ).encode()


def in_protobuf(rows: Rows) -> bytes:
    """`repeated Row rows = 1`, in it four `uint32`. By hand: four lines instead of a compiler."""
    return b"".join(_field(1, _message(row)) for row in rows)


def in_protobuf_columns(rows: Rows) -> bytes:
    """`repeated uint32 ... [packed]` for each field, times as what passed since the one before."""
    people, times, points, verdicts = zip(*rows, strict=True)
    passed = [
        times[0],
        *(max(0, now - before) for before, now in itertools.pairwise(times)),
    ]
    columns = (people, passed, points, verdicts)
    return b"".join(
        _field(number, b"".join(map(pack_number, column)))
        for number, column in enumerate(columns, 1)
    )


def in_cbor_maps(rows: Rows) -> bytes:
    """Whole numbers as keys."""
    return cbor2.dumps([dict(enumerate(row)) for row in rows])


def in_cbor_arrays(rows: Rows) -> bytes:
    """No keys."""
    return cbor2.dumps(rows)


def in_msgpack_arrays(rows: Rows) -> bytes:
    """The same in MessagePack."""
    return msgspec.msgpack.encode(rows)


def in_struct(rows: Rows) -> bytes:
    """Point once; person 2 bytes, second 4, verdict 1."""
    return bytes([rows[0][2]]) + b"".join(
        struct.pack(">HIB", person, wall_s, verdict) for person, wall_s, _, verdict in rows
    )


def in_deflated_struct(rows: Rows) -> bytes:
    """The same in columns, compressed without a header."""
    people, times, _, verdicts = zip(*rows, strict=True)
    count = len(rows)
    plain = struct.pack(f">B{count}H{count}I{count}B", rows[0][2], *people, *times, *verdicts)
    deflate = zlib.compressobj(level=9, wbits=_RAW_DEFLATE)
    return deflate.compress(plain) + deflate.flush()


ENCODINGS: Mapping[str, Callable[[Rows], bytes]] = {
    "JSON": in_verbose_json,
    "JSON, short keys": in_short_json,
    "protobuf": in_protobuf,
    "CBOR maps": in_cbor_maps,
    "CBOR arrays": in_cbor_arrays,
    "MessagePack arrays": in_msgpack_arrays,
    "fixed struct": in_struct,
    "struct, deflated": in_deflated_struct,
    "protobuf, columns": in_protobuf_columns,
}


def _message(row: Row) -> bytes:
    return b"".join(
        pack_number(number << _WIRE_BITS) + pack_number(value)
        for number, value in enumerate(row, 1)
    )


def _field(number: int, content: bytes) -> bytes:
    return pack_number(number << _WIRE_BITS | _WIRE_BYTES) + pack_number(len(content)) + content
