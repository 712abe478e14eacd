"""Compares what the county knows with what happened: the ledger with what people were shown, the
board with the story's truth. Reads the gateway's database from outside, as an auditor would.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.store.sqlite import SqliteLedger
from protocol.codec import decode_record
from protocol.ids import RecordId
from protocol.keys import credential_digest
from protocol.records import CheckIn
from sim.player import Acknowledged
from sim.truth import Truth


def read_ledger(path: Path) -> dict[RecordId, CheckIn]:
    """Every check-in of a ledger; raises `ValueError` if a record is there twice or unreadable."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        rows = db.execute(
            "SELECT node, epoch, seq, body FROM record JOIN stream ON stream.id = record.stream"
        ).fetchall()
    db.close()
    ledger: dict[RecordId, CheckIn] = {}
    for node, epoch, seq, body in rows:
        key = RecordId(node, epoch, seq)
        record = decode_record(body)
        if key in ledger or not isinstance(record, CheckIn):
            raise ValueError(f"record {key} is there twice, or unreadable")
        ledger[key] = record
    return ledger


def ledger_differences(
    ledger: Mapping[RecordId, CheckIn], acknowledged: Sequence[Acknowledged], county_key: bytes
) -> Iterator[str]:
    """One sentence per acknowledged tap that the ledger does not have, or has differently."""
    shown = Counter(each.seen.record_id for each in acknowledged)
    for key, times in shown.items():
        if times > 1:
            yield f"record {key} was shown for {times} different taps"
    for each in acknowledged:
        key = each.seen.record_id
        record = ledger.get(key)
        if record is None:
            yield f"record {key} was acknowledged and is not in the ledger"
        elif record.credential.digest != credential_digest(county_key, each.tap.who.id_number):
            yield f"record {key} is about another card than the one that was tapped"
        elif (record.verdict, record.point) != (each.seen.verdict, each.tap.point):
            yield f"record {key} has another verdict or point than was shown"


def chain_differences(path: Path) -> Iterator[str]:
    """What does not hold of the ledger's hash chain."""
    ledger = SqliteLedger(path)
    yield from ledger.verify_chain()
    ledger.close()


def board_differences(board: Mapping[str, Any], truth: Truth) -> Iterator[str]:
    """One sentence per number on the board that is not what the story says."""
    for name in ("expected", "present", "missing"):
        if board[name] != getattr(truth, name):
            yield f"board: {name} is {board[name]}, should be {getattr(truth, name)}"
    rows = {row["point"]["name"]: row for row in board["points"]}
    for point, expected in truth.points.items():
        for name in ("expected", "here", "elsewhere", "missing", "guests"):
            found = rows[point][name]
            if found != getattr(expected, name):
                yield f"board: {point}: {name} is {found}, should be {getattr(expected, name)}"
