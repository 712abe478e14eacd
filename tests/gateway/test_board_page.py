"""The county's pages, as HTML and as JSON."""

import itertools
import re
from dataclasses import replace

import pytest

from gateway.view import BoardView, FeedItem, NodeRow, NodeState, QuarantineRow
from gateway.web import board_app
from gateway.web.curve import BOTTOM, LEFT, RIGHT, TOP, Curve, draw_curve, percent_of
from gateway.web.desk import clock_in_words, desk_context, gaps_in_words
from gateway.web.site import DESK_PARTS, WALL_PARTS
from gateway.web.wall import density, nodes_of_point, wall_context
from gateway.web.words import KEYS
from protocol.downlink import Activation, Mode
from protocol.health import DeviceHealth, DeviceReport, DeviceRole, PositionTrust, PowerReport
from protocol.receipts import RefusalReason
from protocol.records import UNKNOWN_ERROR_MS, TimeSource
from protocol.verdict import SIGNS, Reason, Verdict
from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.screen import Parts, Screen
from runtime.web.text import Language
from tests.browse import Visitor
from tests.views import NOW_MS, QINGSHAN, board_view, empty_board

PAGES = Pages("gateway.web", KEYS)
CHINESE, ENGLISH = (PAGES.words[language] for language in Language)


def render(view: BoardView, language: Language = Language.CHINESE, page: str = "wall") -> Parts:
    parts, context = {
        "wall": (WALL_PARTS, wall_context),
        "nodes": (DESK_PARTS, desk_context),
    }[page]
    screen = Screen(
        page,
        parts,
        Feed(view),
        PAGES,
        live_path="/live",
        context=context,
        now_ms=lambda value: value.now_ms,
    )
    return screen.parts(view, 0, PAGES.words[language])


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def node(state: NodeState = NodeState.ONLINE, heard_s: int | None = 6, **other: object) -> NodeRow:
    row = NodeRow(
        "qingshan-a",
        QINGSHAN,
        state,
        heard_s,
        126,
        118,
        8,
        372,
        (),
        TimeSource.GNSS,
        100,
        (DeviceReport(DeviceRole.READER, "sdt", DeviceHealth.READY),),
    )
    return replace(row, **other)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("reason", Reason)
def test_every_check_in_is_told(verdict: Verdict, reason: Reason, language: Language) -> None:
    item = FeedItem(NOW_MS, QINGSHAN, verdict, reason, "王*伟")
    html = render(replace(board_view(), latest=(item,)), language)["latest"]
    assert SIGNS[verdict].shape in html
    assert ("王*伟" in html) is (verdict is not Verdict.STOP)
    nameless = replace(item, name="")
    told = render(replace(board_view(), latest=(nameless,)), language)["latest"]
    assert PAGES.words[language].of(reason) in told


@pytest.mark.parametrize("state", NodeState)
@pytest.mark.parametrize("language", Language)
def test_every_state_of_a_node_has_a_word_and_a_shape(state: NodeState, language: Language) -> None:
    view = replace(board_view(), nodes=(replace(node(state), point=board_view().points[0].point),))
    word = PAGES.words[language].of(state)
    for html in (render(view, language)["points"], render(view, language, "nodes")["table"]):
        assert f"</svg>{word}" in html or f"</svg><span>{word}" in html


def test_the_hero_counts_the_unaccounted() -> None:
    view = board_view()
    told = text(render(view)["unaccounted"])
    assert told == (
        f"未到 Unaccounted {view.missing} 应到 {view.expected} 实到 {view.present} 到点率 82 %"
    )


def test_english_says_unaccounted_and_claims_nobody_missing_or_safe() -> None:
    for html in render(board_view(), Language.ENGLISH).values():
        assert not re.search(r"\b(safe|missing|lost people)\b", text(html).lower())
    assert "Unaccounted" in render(board_view(), Language.ENGLISH)["unaccounted"]


def test_custody_is_told_with_what_is_wrong_marked() -> None:
    view = replace(board_view(), quarantined=1, unknown_kinds=0)
    html = render(view)["records"]
    assert (
        text(html)
        == "记录保管 674 已存入县账本 终端上等待 · 3 台听不到 43? 缺号 4 隔离待查 1 未知种类 0"
    )
    assert html.count('class="some"') == 2


def test_points_keep_their_order_and_every_number() -> None:
    view = board_view()
    rows = re.findall(r"<tr>\s*<th scope.*?</tr>", render(view)["points"], re.DOTALL)
    assert [text(row).split()[0] for row in rows] == [row.point.title_zh for row in view.points]
    first = view.points[0]
    assert text(rows[0]).startswith(f"青山镇 {first.missing} {first.here} – {first.expected}")


def test_terminals_of_a_point_are_summed_up_by_the_worst() -> None:
    nodes = [node(), node(NodeState.SILENT, 851), node(NodeState.SILENT, 60), node(NodeState.LATE)]
    found = nodes_of_point(nodes, CHINESE)
    assert found is not None
    assert (found.state, found.in_state, found.total) == (NodeState.SILENT, 2, 4)
    assert found.heard == "14 分钟"
    assert nodes_of_point([], CHINESE) is None


@pytest.mark.parametrize(
    ("points", "expected"),
    [(0, "few"), (4, "few"), (8, "roomy"), (14, "medium"), (15, "dense loose"), (25, "dense")],
)
def test_density(points: int, expected: str) -> None:
    assert density(points) == expected


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("points", "nodes"), [(0, 0), (1, 1), (6, 8), (12, 20), (40, 100)])
def test_any_size_renders(points: int, nodes: int, language: Language) -> None:
    view = board_view(points, nodes)
    wall, desk = render(view, language), render(view, language, "nodes")
    assert wall["points"].count('<th scope="row"') == points
    assert desk["table"].count('<th scope="row"') == nodes


def test_nothing_yet() -> None:
    parts = render(empty_board())
    assert "尚未开始" in parts["arrivals"]
    assert "还没有集结点" in parts["points"]
    assert "还没有人签到" in parts["latest"]
    assert "data-elapsed" not in parts["head"]
    soon = render(empty_board(started_ms=NOW_MS + 600_000))
    assert "T − 0:10:00" in soon["head"]
    assert "尚未开始" in soon["arrivals"]
    nobody = render(empty_board(started_ms=NOW_MS - 600_000))
    assert "名册里没有人" in nobody["arrivals"]


def curve(steps: list[tuple[int, int]], elapsed_s: int = 2520, expected: int = 100) -> Curve:
    drawn = draw_curve(
        steps, expected=expected, elapsed_s=elapsed_s, target_percent=90, target_minutes=60
    )
    assert drawn is not None
    return drawn


def test_curve_ends_at_now_and_never_leaves_its_box() -> None:
    drawn = curve([(60, 10), (600, 50), (2400, 83)])
    assert drawn.percent == 83
    assert drawn.line.endswith(f"H{drawn.now_x}")
    wild = curve([(-5, 10), (600, 500), (99_999_999, 83)], elapsed_s=100)
    xs = [float(x) for x in re.findall(r"[HM]([\d.]+)", wild.line)]
    ys = [float(y) for y in re.findall(r"V([\d.]+)", wild.line)]
    assert all(LEFT <= x <= RIGHT for x in xs)
    assert all(TOP <= y <= BOTTOM for y in ys)


@pytest.mark.parametrize("elapsed_s", [0, 60, 3599, 7200, 86_400, 30 * 86_400])
def test_axis_labels_keep_apart(elapsed_s: int) -> None:
    drawn = curve([(0, 1)], elapsed_s=elapsed_s)
    places = sorted([tick.x for tick in drawn.ticks] + [drawn.target.x])
    assert len(places) <= 9
    assert all(right - left >= 55 for left, right in itertools.pairwise(places))


def test_no_curve_without_people_or_start() -> None:
    for expected, elapsed_s in ((0, 10), (10, -1)):
        assert (
            draw_curve(
                (), expected=expected, elapsed_s=elapsed_s, target_percent=90, target_minutes=60
            )
            is None
        )


def test_a_hundred_percent_means_everybody() -> None:
    assert [percent_of(999, 1000), percent_of(1000, 1000), percent_of(1, 0)] == [99, 100, 0]


def test_gaps_in_words() -> None:
    assert gaps_in_words([(388, 390), (395, 395)], CHINESE) == "388–390, 395"
    assert gaps_in_words([(n, n) for n in range(1, 10, 2)], ENGLISH) == "1, 3, 5, 2 more"
    assert gaps_in_words([], CHINESE) == ""


@pytest.mark.parametrize(
    ("source", "error_ms", "expected"),
    [
        (TimeSource.GNSS, 100, "GNSS ±0.1 s"),
        (TimeSource.NTP, 20, "NTP ±0.02 s"),
        (TimeSource.RTC, 12_000, "RTC ±12 s"),
        (TimeSource.UNSET, UNKNOWN_ERROR_MS, "not set"),
        (TimeSource.RTC, UNKNOWN_ERROR_MS, "RTC"),
        (None, 0, ""),
    ],
)
def test_clock_in_words(source: TimeSource | None, error_ms: int, expected: str) -> None:
    assert clock_in_words(node(clock_source=source, clock_error_ms=error_ms), ENGLISH) == expected


def test_the_desk_lists_the_worst_first_and_flags_devices() -> None:
    silent = node(NodeState.SILENT, 851, node="z", gaps=((388, 390),))
    broken = node(
        NodeState.REDUCED,
        node="y",
        devices=(
            DeviceReport(DeviceRole.READER, "sdt", DeviceHealth.MISSING),
            DeviceReport(DeviceRole.GNSS, "nmea", DeviceHealth.READY),
        ),
        enclosure_is_open=True,
        position_trust=PositionTrust.SUSPECT,
        power=PowerReport(False, 14, False, 40),
    )
    html = render(replace(board_view(), nodes=(node(), broken, silent)), page="nodes")["table"]
    assert re.findall(r'<th scope="row">(.*?)</th>', html) == ["z", "y", "qingshan-a"]
    assert "缺 388–390" in html
    assert re.findall('class="flag">.*?</svg>(.*?)</span>', html) == [
        "读卡器（sdt）未连接",
        "机箱被打开",
        "定位可疑",
        "电池 14\N{NO-BREAK SPACE}%",
    ]


def test_the_desk_claims_nothing_of_devices_a_terminal_has_not_told_of() -> None:
    untold = node(clock_source=None, devices=())
    html = render(replace(board_view(), nodes=(untold,)), page="nodes")["table"]
    assert "正常" not in html
    assert html.count(">–</td>") == 2  # clock and devices


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reason", RefusalReason)
def test_the_desk_tells_of_the_quarantine(reason: RefusalReason, language: Language) -> None:
    held = QuarantineRow(NOW_MS - 372_000, "shiqiao-9", reason, 3)
    html = render(replace(board_view(), quarantine=(held,)), language, "nodes")["quarantine"]
    assert PAGES.words[language].of(reason) in html
    assert 'row">shiqiao-9<' in html
    assert '"n">3<' in html
    assert PAGES.words[language].ago(372) in html
    assert render(empty_board(), language, "nodes")["quarantine"].strip() == ""


def test_names_are_escaped() -> None:
    nasty = FeedItem(NOW_MS, QINGSHAN, Verdict.ACCEPTED, Reason.EXPECTED_HERE, "<script>")
    titled = Activation(1, "<i>集结</i>", "<i>Muster</i>", Mode.REAL, 1, 90, 60)
    view = replace(board_view(), latest=(nasty,), activation=titled, county_zh="<u>")
    client = Visitor(board_app(Feed(view)))
    for path in ("/", "/nodes"):
        html = client.get(path).text
        assert "<i>" not in html
        assert "<u>" not in html
        assert re.findall(r"<script[^>]*>", html) == re.findall(r"<script src=[^>]*>", html)


def test_json_of_the_board_is_documented_and_names_nobody() -> None:
    view = board_view()
    client = Visitor(board_app(Feed(view)))
    answer = client.get("/api/v1/board")
    schema = client.get("/api/v1/openapi.json").json()
    assert client.get("/docs").status_code == 404
    board = answer.json()
    assert (board["expected"], board["present"], board["missing"]) == (
        view.expected,
        view.present,
        view.missing,
    )
    assert board["points"][0]["point"]["title_en"] == "Qingshan"
    assert board["quarantine"][0]["reason"] == RefusalReason.CONFLICT
    assert board["nodes"][0]["state"] == view.nodes[0].state.value
    assert "*" not in answer.text
    assert set(schema["paths"]) == {"/api/v1/board"}
    assert "missing" in schema["components"]["schemas"]["BoardFacts"]["properties"]


def test_pages_have_nothing_inline_and_nothing_from_elsewhere() -> None:
    client = Visitor(board_app(Feed(board_view(40, 100))))
    for path in ("/", "/nodes", "/?lang=en", "/nodes?lang=en"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert not re.search(r"\sstyle=|\son\w+=|<style|https?://", answer.text)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert client.get("/healthz").json() == {"status": "ok"}


def test_what_an_unheard_terminal_holds_is_not_claimed_to_be_nothing() -> None:
    view = board_view(points=1, nodes=1)
    heard = replace(view.nodes[0], state=NodeState.ONLINE, waiting=0)
    silent = replace(heard, state=NodeState.SILENT)
    known, unknown = (render(replace(view, nodes=(row,))) for row in (heard, silent))
    assert "?" not in known["points"] + known["records"]
    assert ">?<" in unknown["points"]
    assert "1 台听不到" in unknown["records"]


@pytest.mark.parametrize(("elapsed_s", "is_left"), [(60, False), (2520, True)])
def test_the_targets_label_keeps_out_of_the_curves_way(elapsed_s: int, *, is_left: bool) -> None:
    assert curve([(0, 90)], elapsed_s=elapsed_s).target_label_left is is_left
