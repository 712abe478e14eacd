"""Bytes per record on the wire: a signed, sealed envelope of 100 check-ins against plain JSON."""

from pathlib import Path

import msgspec

from protocol.codec import decode_record
from protocol.envelope import pack_envelope
from protocol.keys import decode_identity
from terminal.outbox import Outbox
from tests.bench.county import PEOPLE, POINT, BenchCounty
from tests.bench.harness import Figure
from tests.bench.records import bodies, fill_outbox

WATCHDOG_S = 60
RECORDS = 100
MARK = 0.62


def measure(folder: Path) -> list[Figure]:
    """See the module."""
    terminal = BenchCounty(folder).add_terminal("tcp://127.0.0.1:9", 8081)
    identity = decode_identity((terminal / "identity" / "node.identity").read_bytes())
    records = bodies(RECORDS, PEOPLE, POINT.name)
    fill_outbox(folder / "outbox.db", identity, records)
    outbox = Outbox(folder / "outbox.db", identity.county, identity.node, identity.peers)
    batch = outbox.claim(0, RECORDS)
    if batch is None:
        raise RuntimeError("the outbox is empty")
    message = pack_envelope(
        outbox.origin, batch.first_seq, batch.rows, batch.keys, identity.signing_key
    )
    outbox.close()
    in_json = sum(len(msgspec.json.encode(_named(decode_record(body)))) for body in records)
    return [
        Figure(
            "record on the wire",
            len(message) / RECORDS,
            in_json / RECORDS,
            "bytes",
            "JSON, unsealed",
            MARK,
            less_is_better=True,
        )
    ]


def _named(value: object) -> object:
    """The record with its field names, as JSON objects would carry it."""
    if not isinstance(value, msgspec.Struct):
        return value
    return {name: _named(getattr(value, name)) for name in value.__struct_fields__}
