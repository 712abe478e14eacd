"""Check-ins as a terminal makes them, and outboxes full of them."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from protocol.codec import encode_record
from protocol.envelope import Origin, RecordSealer
from protocol.keys import Identity
from protocol.limits import KEY_ID_BYTES
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, TimeSource
from protocol.verdict import Reason, Verdict
from terminal.outbox import RECORDS_PER_KEY
from terminal.outbox_file import OutboxFile, Row

FIRST_ACTIVATION = 1


def check_in(number: int, people: int, point: str, wall_ms: int) -> CheckIn:
    """The check-in of one of `people` rostered people."""
    person = number % people + 1
    return CheckIn(
        at=Stamp(wall_ms, 86_400_000 + number, 0x5EED5EED, TimeSource.GNSS, 20),
        activation=FIRST_ACTIVATION,
        point=point,
        lane=1,
        verdict=Verdict.ACCEPTED,
        reason=Reason.EXPECTED_HERE,
        roster_version=1,
        person=person,
        credential=Credential(
            CredentialKind.RESIDENT_ID, (person * 0x9E3779B97F4A7C15).to_bytes(16, "big"), "123X"
        ),
    )


def bodies(count: int, people: int, point: str) -> list[bytes]:
    """Encoded check-ins."""
    now_ms = time.time_ns() // 1_000_000
    return [encode_record(check_in(n, people, point, now_ms + n)) for n in range(count)]


def fill_outbox(path: Path, identity: Identity, records: Sequence[bytes]) -> None:
    """Make an outbox that holds `records`, sealed as `Outbox.append` seals them."""
    file = OutboxFile(path)
    origin = Origin(identity.county, identity.node, file.epoch)
    for first_seq, chunk in _chunks(records, RECORDS_PER_KEY):
        sealer = RecordSealer(origin, identity.peers, first_seq.to_bytes(KEY_ID_BYTES, "big"))
        file.begin()
        key = file.add_key(sealer.wrapped)
        rows = [Row(n, key, n, sealer.seal(n, body)) for n, body in enumerate(chunk, first_seq)]
        file.add_rows(rows, ())
        file.commit()
    file.close()


def _chunks(records: Sequence[bytes], size: int) -> Iterator[tuple[int, Sequence[bytes]]]:
    for start in range(0, len(records), size):
        yield start + 1, records[start : start + size]
