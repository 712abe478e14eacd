"""Makes radio.json, the golden vectors of docs/wire-format.md sections 10 to 13.

    python -m tests.vectors.make_radio_vectors

Run it by hand, and only when the wire format changes on purpose. All bytes are hexadecimal.
"""

from typing import Any

from protocol.codec import encode_record
from protocol.frames import FrameSealer, open_frame
from protocol.packed import Numbered, pack_batch, unpack_batch
from protocol.radio_keys import (
    Direction,
    group_radio_key,
    link_key,
    node_radio_key,
    receipt_key,
)
from protocol.radio_schedule import Flags, ScheduleHead, Turn, pack_schedule, unpack_schedule
from protocol.radio_up import (
    Fare,
    HeardNode,
    Progress,
    SealedRows,
    Status,
    UpKind,
    split_parts,
)
from protocol.records import (
    CheckIn,
    Credential,
    CredentialKind,
    Record,
    Stamp,
    TimeSource,
    Undo,
    UnknownRecord,
)
from protocol.replay import ReplayWindow
from protocol.roster import Person, Point, Roster
from protocol.roster_order import RosterOrder
from protocol.verdict import Reason, Verdict
from tests.vectors.make_vectors import AT_MS, COUNTY, EPOCH, NODE, WARNING, save, secret

Json = dict[str, Any]  # any JSON object: vectors have as many shapes as the wire

COUNTY_RADIO_KEY = secret("county radio")
NODE_KEY = node_radio_key(COUNTY_RADIO_KEY, COUNTY, NODE)
GROUP_KEY = group_radio_key(COUNTY_RADIO_KEY, COUNTY)
ADDRESS = 0x0103
FRAMES = [
    (Direction.UP, 1, 0x0001_0000_0007, b"content", False),
    (Direction.UP, 7, 0xFF_FFFF, b"", True),
    (Direction.ALL, 0, 0x100_0000, bytes(237), True),
    (Direction.PEER, 2, 0, b"\xff", False),
]
WINDOWS = [5, 5, 9, 6, 70, 6, 7, 2**24 + 1, 2**24 - 62, 2**24 - 63, 2**24 + 65]

ROSTER = Roster(
    3, AT_MS,
    [Point("qingshui", "清水镇", "Qingshui"), Point("baihe", "白河乡", "Baihe")],
    [
        Person(
            1000 + number, secret(f"person {number}")[:16], "", f"unit {number % 4}",
            "baihe" if number % 10 == 9 else "qingshui",
            other_digests=(secret(f"tag {number}")[:16],) if number % 5 == 0 else (),
        )
        for number in range(60)
    ],
)  # fmt: skip
ORDER = RosterOrder(ROSTER)


def check_in(person: int | None, after_s: float, **changes: Any) -> CheckIn:
    """A usual one, but for the changes."""
    card = Credential(
        CredentialKind.RESIDENT_ID,
        secret("a stranger" if person is None else f"person {person - 1000}")[:16],
        "12X4" if person is None else "",
    )
    usual: Json = {
        "at": stamp(after_s), "activation": 7, "point": "qingshui", "lane": 1,
        "verdict": Verdict.ACCEPTED, "reason": Reason.EXPECTED_HERE, "roster_version": 3,
        "person": person, "credential": card,
    }  # fmt: skip
    return CheckIn(**{**usual, **changes})


def stamp(after_s: float, source: TimeSource = TimeSource.GNSS) -> Stamp:
    """So long after the muster began."""
    after_ms = int(after_s * 1000)
    return Stamp(AT_MS + after_ms, 500_000 + after_ms, 0xDEADBEEF, source, 25)


def undo(seq: int, taken_back: CheckIn, after_s: float) -> Undo:
    """A moment later, at the same lane."""
    return Undo(stamp(after_s), 7, "qingshui", 1, seq, taken_back.person, taken_back.credential)


STRANGER = check_in(None, 41, verdict=Verdict.LOOK, reason=Reason.NOT_ON_ROSTER)
TAG = Credential(CredentialKind.TAG, secret("tag 5")[:16])
BATCHES: dict[str, list[tuple[int, Record | UnknownRecord]]] = {
    "one": [(1, check_in(1000, 0))],
    "a squad, then others": [
        (seq, check_in(1000 + person, 3.2 * seq))
        for seq, person in enumerate([0, 8, 4, 12, 20, 16, 33, 34, 38, 30, 47, 1, 55], 41)
    ],
    "every oddity": [
        (300, check_in(1001, 0)),
        (301, check_in(1001, 2, verdict=Verdict.ALREADY, reason=Reason.SEEN_BEFORE)),
        (302, check_in(1009, 9.9, verdict=Verdict.LOOK, reason=Reason.OTHER_POINT)),
        (303, check_in(1005, 30, credential=TAG, lane=2)),
        (310, STRANGER),
        (311, undo(310, STRANGER, 44)),
        (312, undo(17, check_in(1044, 0), 45)),
        (313, check_in(1002, 20, at=stamp(-20, TimeSource.UNSET))),
        (314, check_in(1003, 4000, at=stamp(4000, TimeSource.UNSET))),
        (315, UnknownRecord(99, bytes.fromhex("926301"))),
        (316, check_in(77, 4001)),
    ],
    "nothing but bodies": [(5, UnknownRecord(99, bytes.fromhex("926301")))],
    "another point and roster version": [
        (70_000, check_in(1000, 5, point="上河口", roster_version=2))
    ],
}


STATUS = Status(
    waiting=318,
    oldest_s=95,
    fare=Fare.READER_READY | Fare.CLOCK_TRUSTED,
    battery_percent=74,
    roster_version=3,
    news=2,
    airtime_percent=17,
    heard=(HeardNode(0, -101, 12), HeardNode(0x0104, -87, 3)),
)
SEALED = SealedRows(secret("key id")[:8], 300, (b"first sealed", b"second sealed"))
UP_CONTENTS = [
    ("status", UpKind.STATUS, Progress(0, 3), STATUS.pack()),
    ("sealed", UpKind.SEALED, Progress(15, 70), SEALED.pack()),
    *(
        (f"piece {part.place}", UpKind.PART, Progress(1 - part.place, 0), part.pack())
        for part in split_parts(UpKind.KEY, b"a wrapped key, as in an envelope", 9, 20)
    ),
]
RECEIPT_KEY = receipt_key(NODE_KEY, EPOCH)
HEAD = ScheduleHead(AT_MS // 1000, 1.3)
TURNS = [
    Turn(ADDRESS, 10, Flags.EPOCH_KNOWN | Flags.SAY_STATUS, 700, ((1, 3), (300, 587))),
    Turn(ADDRESS),
]


def build() -> Json:
    """What radio.json holds."""
    return {
        "warning": WARNING,
        "county": COUNTY,
        "node": NODE,
        "county_radio_key": COUNTY_RADIO_KEY.hex(),
        "node_radio_key": NODE_KEY.hex(),
        "group_radio_key": GROUP_KEY.hex(),
        "frames": [_frame(*each) for each in FRAMES],
        "windows": _windows(),
        "roster": {
            "version": ROSTER.version,
            "issued_ms": ROSTER.issued_ms,
            "points": list(ROSTER.points),
            "people": [
                [each.number, each.digest.hex(), each.unit, each.point,
                 [other.hex() for other in each.other_digests]]
                for each in ROSTER.people
            ],
            "order": [each.number for each in ORDER.people],
            "fingerprint": ORDER.fingerprint.hex(),
        },
        "batches": [
            _batch(name, story) for name, story in BATCHES.items()
        ],
        "up": [
            {"name": name, "kind": kind, "left": progress.left, "backlog": progress.backlog,
             "content": (progress.pack() + packed).hex()}
            for name, kind, progress, packed in UP_CONTENTS
        ],
        "schedule": _schedule(),
    }  # fmt: skip


def _frame(
    direction: Direction, kind: int, counter: int, content: bytes, names_epoch: bool
) -> Json:
    radio_key = NODE_KEY if direction is Direction.UP else GROUP_KEY
    key = link_key(radio_key, direction, ADDRESS, EPOCH)
    frame = FrameSealer(key).seal(kind, counter, content, names_epoch=names_epoch)
    window = ReplayWindow(max(0, counter - 100))
    return {
        "direction": direction,
        "kind": kind,
        "address": ADDRESS,
        "epoch": EPOCH,
        "names_epoch": names_epoch,
        "counter": counter,
        "highest_before": window.highest,
        "key": key.key.hex(),
        "content": content.hex(),
        "frame": frame.hex(),
        "opened": open_frame(key, frame, window).content.hex(),
    }


def _windows() -> list[Json]:
    window, steps = ReplayWindow(), []
    for counter in WINDOWS:
        is_fresh = window.is_fresh(counter)
        if is_fresh:
            window = window.after(counter)
        steps.append(
            {
                "counter": counter,
                "is_fresh": is_fresh,
                "highest": window.highest,
                "taken": f"{window.taken:016x}",
            }
        )
    return steps


def _batch(name: str, story: list[tuple[int, Record | UnknownRecord]]) -> Json:
    records = [Numbered(*each) for each in story]
    content, taken = pack_batch(records, ORDER, limit_bytes=241)
    unpacked = unpack_batch(content, ORDER)
    return {
        "name": name,
        "taken": taken,
        "sent": [[seq, _body(record)] for seq, record in records],
        "content": content.hex(),
        "received": [[seq, _body(record)] for seq, record in unpacked],
    }


def _schedule() -> Json:
    content, _ = pack_schedule(HEAD, TURNS, lambda _: RECEIPT_KEY, limit_bytes=241)
    head, turns = unpack_schedule(content)
    return {
        "receipt_key": RECEIPT_KEY.hex(),
        "time_s": head.time_s,
        "slot_ms": round(head.slot_s * 1000),
        "turns": [
            {
                "address": each.turn.address,
                "grant": each.turn.grant,
                "flags": each.turn.flags,
                "has_receipt": each.turn.has_receipt,
                "upto": each.turn.upto,
                "gaps": each.turn.gaps,
                "tag": each.tag.hex(),
            }
            for each in turns
        ],
        "content": content.hex(),
    }


def _body(record: Record | UnknownRecord) -> str:
    body = record.body if isinstance(record, UnknownRecord) else encode_record(record)
    return body.hex()


if __name__ == "__main__":
    save("radio.json", build())
