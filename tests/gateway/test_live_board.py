"""The live board: what the ledger says, put together."""

import pytest

from gateway.fleet import Fleet
from gateway.live import LATEST, Board
from gateway.settings import (
    ActivationSettings,
    GatewaySettings,
    PointSettings,
)
from gateway.store.base import LedgerEntry, QuarantinedRow
from gateway.view import BoardView, QuarantineRow
from protocol.codec import encode_record
from protocol.receipts import RefusalReason
from protocol.records import Record, Undo
from protocol.roster import Point
from protocol.verdict import Reason, Verdict
from runtime.config import BrokerSettings
from tests.musters import ACTIVATION, NAMES, QINGSHAN, SHIQIAO, check_in, person, roster
from tests.parties import NOW_MS

SETTINGS = GatewaySettings(
    county="demo",
    node="gateway",
    title_zh="演示县",
    title_en="Demo",
    broker=BrokerSettings("127.0.0.1"),
    points=(PointSettings("qingshan", "", ""), PointSettings("shiqiao", "", "")),
    activation=ActivationSettings("", "", "drill"),
)


@pytest.fixture
def board() -> Board:
    return Board(SETTINGS, ACTIVATION, roster(), Fleet([QINGSHAN, SHIQIAO], 0))


def entries(*records: Record, first: int = 1) -> list[LedgerEntry]:
    return [
        LedgerEntry(number, "t1", 5, number, encode_record(record))
        for number, record in enumerate(records, first)
    ]


def view(board: Board) -> BoardView:
    held = [QuarantinedRow(9, NOW_MS, "t9", RefusalReason.UNKNOWN_NODE, 4)]
    return board.view(
        [],
        quarantined=2,
        quarantine=held,
        duplicates=3,
        now_ms=NOW_MS,
        now_s=0,
        ended_ms=0,
        radio=None,
        by_radio={},
    )


def test_an_empty_board(board: Board) -> None:
    shown = view(board)
    assert (shown.expected, shown.present, shown.missing, shown.stored) == (4, 0, 4, 0)
    assert [row.point for row in shown.points] == [QINGSHAN, SHIQIAO]
    assert (shown.curve, shown.latest, shown.nodes) == ((), (), ())
    assert (shown.quarantined, shown.duplicates, shown.roster_version) == (2, 3, 1)
    assert shown.quarantine == (QuarantineRow(NOW_MS, "t9", RefusalReason.UNKNOWN_NODE, 4),)
    assert (shown.county_zh, shown.activation, shown.now_ms) == ("演示县", ACTIVATION, NOW_MS)


def test_people_and_their_points(board: Board) -> None:
    board.take(entries(check_in(1), check_in(3), check_in(4, verdict=Verdict.STOP)))
    shown = view(board)
    assert (shown.expected, shown.present, shown.missing, shown.stored) == (4, 2, 2, 3)
    here, there = shown.points
    assert (here.expected, here.here, here.elsewhere, here.missing, here.guests) == (3, 1, 0, 2, 1)
    assert (there.expected, there.here, there.elsewhere, there.missing) == (1, 0, 1, 0)
    assert shown.curve == ((0, 2),)


def test_what_was_taken_back_is_in_the_ledger_and_nowhere_else(board: Board) -> None:
    scan = check_in(1)
    taken_back = Undo(scan.at, scan.activation, scan.point, 1, 1, scan.person, scan.credential)
    board.take(entries(scan))
    assert view(board).present == 1
    board.take(entries(taken_back, first=2))
    shown = view(board)
    assert (shown.present, shown.latest, shown.stored) == (0, (), 2)


def test_the_latest_are_few_newest_first_and_masked(board: Board) -> None:
    records = [check_in(1 + n % 2, at_ms=NOW_MS + n) for n in range(LATEST + 5)]
    board.take(entries(*records))
    shown = view(board)
    times = [item.at_ms - NOW_MS for item in shown.latest]
    assert times == list(range(LATEST + 4, 4, -1))
    assert {item.name for item in shown.latest} == {"王*伟", "李*"}
    assert not any(name in repr(shown) for name in NAMES)


def test_a_stranger_and_a_point_of_another_roster_have_a_line(board: Board) -> None:
    stranger = check_in(
        None, digest=b"x" * 16, point="typo", verdict=Verdict.LOOK, reason=Reason.NOT_ON_ROSTER
    )
    board.take(entries(stranger))
    shown = view(board)
    assert shown.latest[0].name == ""
    assert shown.latest[0].point == Point("typo", "typo", "typo")
    assert [(row.point.name, row.guests) for row in shown.points][-1] == ("typo", 1)


def test_another_muster_and_unknown_kinds_are_stored_and_not_shown(board: Board) -> None:
    unknown = LedgerEntry(2, "t1", 5, 2, b"\x91\x09")
    board.take([*entries(check_in(1, activation=1)), unknown])
    shown = view(board)
    assert (shown.stored, shown.unknown_kinds, shown.present, shown.latest) == (2, 1, 0, ())


def test_another_roster_starts_from_nothing(board: Board) -> None:
    made = entries(check_in(1), check_in(3))
    board.take(made)
    board.restart(roster(2, person(3)))
    assert (view(board).stored, view(board).latest) == (0, ())
    board.take(made)
    shown = view(board)
    assert (shown.roster_version, shown.expected, shown.present) == (2, 1, 1)
    assert shown.points[0].guests == 1
