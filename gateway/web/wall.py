"""From a `BoardView` to what the wall board's templates show. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.view import BoardView, FeedItem, NodeRow, NodeState, PointRow
from gateway.web.curve import draw_curve, percent_of
from gateway.web.words import OUT_OF_HEARING, SHAPES, WORST_FIRST, title
from protocol.downlink import Mode
from protocol.verdict import SIGNS, Signs, Verdict
from runtime.web.text import Language, Words
from runtime.web.when import clock_time, elapsed

# Rows that fit the wall at each height; beyond MEDIUM_POINTS they stand in two columns.
FEW_POINTS, ROOMY_POINTS, MEDIUM_POINTS, LOOSE_POINTS = 4, 8, 14, 24
WIDE_NUMBER = 10_000  # five figures need smaller type in the columns
BEHIND_POINTS = 25  # percentage points below the target from which a number is tinted


@dataclass(frozen=True, slots=True)
class NodesOfPoint:
    """The terminals of a point, by the one that fares worst."""

    state: NodeState
    shape: str
    heard: str
    in_state: int
    total: int


@dataclass(frozen=True, slots=True)
class PointLine:
    """One row of the table of points."""

    row: PointRow
    title: str
    percent: int
    is_behind: bool
    waiting: int
    is_waiting_known: bool
    nodes: NodesOfPoint | None


@dataclass(frozen=True, slots=True)
class LatestLine:
    """One of the latest check-ins."""

    signs: Signs
    point: str
    what: str = field(repr=False)
    at: str


def wall_context(view: BoardView, words: Words) -> Mapping[str, object]:
    """Everything the parts of the wall board need."""
    activation = view.activation
    is_started = 0 < activation.started_ms <= view.now_ms
    elapsed_s = (view.now_ms - activation.started_ms) // 1000 if activation.started_ms > 0 else -1
    return {
        "view": view,
        "mode": activation.mode,
        "is_drill": activation.mode is Mode.DRILL,
        "county": view.county_zh if words.language is Language.CHINESE else view.county_en,
        "muster": activation.title_zh
        if words.language is Language.CHINESE
        else activation.title_en,
        "is_started": is_started,
        "ended": words("wall.ended", at=clock_time(view.ended_ms)[:5]) if view.ended_ms else "",
        "elapsed": elapsed(elapsed_s) if activation.started_ms > 0 else "",
        "clock": clock_time(view.now_ms),
        "percent": percent_of(view.present, view.expected),
        "digits": max(3, min(len(str(view.missing)), 6)),
        "stored_digits": max(4, min(len(str(view.stored)), 8)),
        "curve": draw_curve(
            view.curve,
            expected=view.expected,
            elapsed_s=elapsed_s,
            target_percent=activation.target_percent,
            target_minutes=activation.target_minutes,
        ),
        "points": point_lines(view, words),
        "density": density(len(view.points)),
        "latest": [latest_line(item, words) for item in view.latest],
        "has_wide_numbers": any(row.expected >= WIDE_NUMBER for row in view.points),
        "waiting": sum(node.waiting for node in view.nodes),
        "unheard": sum(node.state in OUT_OF_HEARING for node in view.nodes),
        "oldest": words.span(max((node.oldest_waiting_s for node in view.nodes), default=0)),
        "gaps": sum(last - first + 1 for node in view.nodes for first, last in node.gaps),
    }


def density(points: int) -> str:
    """How tightly the rows of the points are set: the wall shows all of them at once."""
    limits = (
        ("few", FEW_POINTS),
        ("roomy", ROOMY_POINTS),
        ("medium", MEDIUM_POINTS),
        ("dense loose", LOOSE_POINTS),
    )
    return next((name for name, most in limits if points <= most), "dense")


def point_lines(view: BoardView, words: Words) -> list[PointLine]:
    """The points in the order of the roster: people look for theirs where it always is."""
    by_point: dict[str, list[NodeRow]] = {}
    for node in view.nodes:
        by_point.setdefault(node.point.name, []).append(node)
    lines = []
    for row in view.points:
        nodes = by_point.get(row.point.name, [])
        percent = percent_of(row.here + row.elsewhere, row.expected)
        lines.append(
            PointLine(
                row=row,
                title=title(row.point, words),
                percent=percent,
                is_behind=row.missing > 0
                and percent + BEHIND_POINTS < view.activation.target_percent,
                waiting=sum(node.waiting for node in nodes),
                is_waiting_known=not any(node.state in OUT_OF_HEARING for node in nodes),
                nodes=nodes_of_point(nodes, words),
            )
        )
    return lines


def nodes_of_point(nodes: Sequence[NodeRow], words: Words) -> NodesOfPoint | None:
    """The worst state first, with how many share it; `None` without a terminal."""
    if not nodes:
        return None
    worst = min((node.state for node in nodes), key=WORST_FIRST.index)
    sharing = [node for node in nodes if node.state is worst]
    heard = [node.last_heard_s for node in sharing if node.last_heard_s is not None]
    longest_s = max(heard, default=None)
    return NodesOfPoint(
        state=worst,
        shape=SHAPES[worst],
        heard="" if longest_s is None else words.span(longest_s),
        in_state=len(sharing),
        total=len(nodes),
    )


def latest_line(item: FeedItem, words: Words) -> LatestLine:
    """Who it was, or why nobody can say; for a stop always why."""
    says_why = not item.name or item.verdict is Verdict.STOP
    return LatestLine(
        signs=SIGNS[item.verdict],
        point=title(item.point, words),
        what=words.of(item.reason) if says_why else item.name,
        at=clock_time(item.at_ms),
    )
