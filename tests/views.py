"""Views for tests of the pages: made up, deterministic, with every part filled."""

from dataclasses import replace

from drivers.supervisor import DeviceState
from gateway.view import (
    BoardView,
    FeedItem,
    HeardBy,
    NodeRadio,
    NodeRow,
    NodeState,
    PointRow,
    QuarantineRow,
    RadioView,
)
from protocol.downlink import Activation, Mode
from protocol.health import DeviceHealth, DeviceReport, DeviceRole, PowerReport
from protocol.receipts import RefusalReason
from protocol.records import UNKNOWN_ERROR_MS, TimeSource
from protocol.roster import Point
from protocol.verdict import Reason, Verdict
from terminal.view import Custody, LinkState, ShownReader, ShownScan, StationView

NOW_MS = 1_790_000_000_000
QINGSHAN = Point("qingshan", "青山镇", "Qingshan Township")
SHIQIAO = Point("shiqiao", "石桥镇", "Shiqiao Township")
DRILL = Activation(
    7, "防汛集结 · 2026 秋季", "Flood muster, autumn", Mode.DRILL, NOW_MS - 42 * 60_000, 90, 60
)
POWERS = (
    PowerReport(on_mains=True, charge_percent=100, under_voltage=False, temperature_c=48),
    PowerReport(on_mains=False, charge_percent=78, under_voltage=False, temperature_c=51),
    PowerReport(on_mains=None, charge_percent=None, under_voltage=False, temperature_c=55),
    PowerReport(on_mains=False, charge_percent=14, under_voltage=False, temperature_c=44),
)
_TOWNS = (
    "青山 Qingshan",
    "石桥 Shiqiao",
    "柳河 Liuhe",
    "东岭 Dongling",
    "白沙 Baisha",
    "龙泉 Longquan",
)


def scan(
    verdict: Verdict = Verdict.ACCEPTED,
    reason: Reason = Reason.EXPECTED_HERE,
    *,
    name: str = "王建伟",
    unit: str = "应急救援一排",
    post: str = "二班班长",
    home: Point | None = QINGSHAN,
    age_s: int = 1,
    seq: int = 126,
    first_seen_ago_s: int | None = None,
    first_seen_lane: int | None = None,
) -> ShownScan:
    at_ms = NOW_MS - age_s * 1000
    first_seen_ms = None if first_seen_ago_s is None else at_ms - first_seen_ago_s * 1000
    return ShownScan(
        11,
        seq,
        at_ms,
        verdict,
        reason,
        name,
        unit,
        post,
        home,
        first_seen_ms,
        first_seen_lane,
    )


LAST = (
    scan(name="王*伟", unit="应急救援一排"),
    scan(name="李*芳", unit="医疗组", age_s=8, seq=125),
    scan(Verdict.ALREADY, Reason.SEEN_BEFORE, name="赵*强", unit="应急救援一排", age_s=21, seq=124),
    scan(Verdict.LOOK, Reason.NOT_ON_ROSTER, name="", unit="", age_s=33, seq=123),
    scan(Verdict.STOP, Reason.CARD_LOST, name="刘*", unit="通信班", age_s=95, seq=122),
)


def station_view() -> StationView:
    """A station in the middle of a drill, nobody at the reader."""
    return StationView(
        node="qingshan-a",
        point=QINGSHAN,
        lane=2,
        activation=DRILL,
        verdict=None,
        last=LAST,
        present=126,
        expected=140,
        custody=Custody(captured=126, stored=118, waiting=8, refused=0, oldest_waiting_s=372),
        link=LinkState.UP,
        radio=None,
        notice=None,
        ended_ms=None,
        lanes_heard=(),
        roster_version=14,
        roster_issued_ms=NOW_MS - 7_300_000,
        now_ms=NOW_MS,
        clock_source=TimeSource.GNSS,
        clock_error_ms=100,
        readers=(ShownReader(1, "sdt", DeviceState.READY),),
        reader=DeviceHealth.READY,
        gnss=DeviceHealth.READY,
        troubles=(),
    )


def with_readers(view: StationView, *states: DeviceState | None) -> StationView:
    """The same station with ID card readers in these states."""
    shown = (ShownReader(number, "sdt", state) for number, state in enumerate(states, start=1))
    return replace(view, readers=tuple(shown))


def board_view(points: int = 6, nodes: int = 8) -> BoardView:
    """A county 42 minutes into a drill."""
    rows = tuple(_point_row(number) for number in range(points))
    expected = sum(row.expected for row in rows)
    missing = sum(row.missing for row in rows)
    present = expected - missing
    curve = tuple((s, int(present * min(1, (s / 2400) ** 0.6))) for s in range(30, 2500, 90))
    return BoardView(
        county_zh="清江县",
        county_en="Qingjiang County",
        activation=DRILL,
        now_ms=NOW_MS,
        roster_version=14,
        expected=expected,
        present=present,
        missing=missing,
        points=rows,
        curve=curve,
        latest=tuple(_feed_item(number, rows) for number in range(10)) if rows else (),
        nodes=tuple(_node_row(number, rows) for number in range(nodes)) if rows else (),
        stored=present + 37,
        unknown_kinds=0,
        quarantined=1,
        quarantine=(QuarantineRow(NOW_MS - 372_000, "p01-a", RefusalReason.CONFLICT, 3),),
        duplicates=12,
    )


def empty_board(started_ms: int = 0) -> BoardView:
    """Nothing has happened yet, and there is nobody to wait for."""
    activation = Activation(1, "测试集结", "Test muster", Mode.TEST, started_ms, 90, 60)
    blank = replace(board_view(0, 0), activation=activation, curve=(), stored=0)
    return replace(blank, quarantined=0, quarantine=(), roster_version=0)


def _point(number: int) -> Point:
    chinese, english = _TOWNS[number % len(_TOWNS)].split()
    suffix = "" if number < len(_TOWNS) else str(number // len(_TOWNS) + 1)
    return Point(f"p{number:02}", f"{chinese}镇{suffix}", f"{english} {suffix}".strip())


def _point_row(number: int) -> PointRow:
    expected = 90 + number * 37 % 80
    missing = (14, 5, 49, 18, 52, 0)[number % 6]
    elsewhere = (0, 2, 0, 3, 0, 1)[number % 6]
    here = expected - missing - elsewhere
    return PointRow(
        _point(number), expected, here, elsewhere, missing, (1, 0, 0, 4, 0, 2)[number % 6]
    )


def _feed_item(number: int, rows: tuple[PointRow, ...]) -> FeedItem:
    verdict, reason, name = (
        (Verdict.ACCEPTED, Reason.EXPECTED_HERE, "王*伟"),
        (Verdict.ACCEPTED, Reason.EXPECTED_HERE, "周*"),
        (Verdict.LOOK, Reason.NOT_ON_ROSTER, ""),
        (Verdict.ALREADY, Reason.SEEN_BEFORE, "郭*"),
        (Verdict.STOP, Reason.CARD_LOST, "孙*梅"),
    )[number % 5]
    point = rows[number % len(rows)].point
    return FeedItem(NOW_MS - number * 3100, point, verdict, reason, name)


def _node_row(number: int, rows: tuple[PointRow, ...]) -> NodeRow:
    point = rows[number % len(rows)].point
    state = tuple(NodeState)[(1, 1, 3, 1, 4, 1, 2, 0, 5, 1, 1)[number % 11]]
    never = state is NodeState.NEVER_SEEN
    waiting = 0 if never else (8, 0, 1, 0, 26, 0)[number % 6]
    return NodeRow(
        node=f"{point.name}-{'abcdef'[number // len(rows) % 6]}",
        point=point,
        state=state,
        last_heard_s=None if never else {3: 372, 4: 851}.get((1, 1, 3, 1, 4)[number % 5], 6),
        captured=0 if never else 126 + waiting,
        stored=0 if never else 126,
        waiting=waiting,
        oldest_waiting_s=waiting * 33,
        gaps=((388, 390), (395, 395)) if state is NodeState.SILENT else (),
        clock_source=None
        if never
        else (TimeSource.GNSS, TimeSource.NTP, TimeSource.RTC, TimeSource.UNSET)[number % 4],
        clock_error_ms=(100, 20, 5000, UNKNOWN_ERROR_MS)[number % 4],
        devices=()
        if never
        else (
            DeviceReport(
                DeviceRole.READER,
                "sdt",
                DeviceHealth.MISSING if state is NodeState.REDUCED else DeviceHealth.READY,
            ),
            DeviceReport(DeviceRole.GNSS, "nmea", DeviceHealth.READY),
        ),
        power=None if never else POWERS[3 if state is NodeState.REDUCED else number % 3],
        enclosure_is_open=state is NodeState.REDUCED and number % 2 == 0,
    )


RADIO = RadioView(
    is_ready=True,
    identity="E22-400T22S",
    band="CN470 470-510 MHz",
    used_s=212.4,
    allowed_s=None,
    window_s=3600.0,
    foreign=3,
    replayed=1,
)


def with_radio(view: BoardView, radio: RadioView = RADIO) -> BoardView:
    """The same county with a radio, on which every second terminal is heard."""
    names = [node.node for node in view.nodes]
    nodes = tuple(
        node if place % 2 else replace(node, radio=_node_radio(place, names))
        for place, node in enumerate(view.nodes)
    )
    return replace(view, nodes=nodes, radio=radio)


def _node_radio(place: int, names: list[str]) -> NodeRadio:
    others = [name for name in names[:: place + 2] if name != names[place]]
    return NodeRadio(
        heard_s=(4, 95, 610)[place % 3],
        rssi_dbm=-83 - 6 * place,
        mean_rssi_dbm=-84 - 6 * place,
        snr_db=(9.0, -7.5, None)[place % 3],
        frames=120 + place,
        lost_percent=(0, 4, 31)[place % 3],
        airtime_percent=(12, None, 83)[place % 3],
        waiting=(0, 8)[place % 2],
        oldest_waiting_s=(0, 372)[place % 2],
        battery_percent=(None, 78)[place // 2 % 2],
        hears=tuple(HeardBy(name, -90 - 7 * rank, 12) for rank, name in enumerate(others)),
    )
