"""The arrival curve as SVG geometry: share of the expected who are present, over time. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 230
LEFT, RIGHT, TOP, BOTTOM = 34, 590, 20, 200  # where the plot lies inside; words go around it
MOST_TICKS = 7
CLOSE = 58  # two labels on the time axis nearer than this would touch
LABEL_ROOM = 40  # from the tip down to the axis, for the label to go below the curve
_STEPS_MIN = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480, 720, 1440)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis."""

    x: float
    minutes: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Where everything is drawn, in a box of WIDTH x HEIGHT."""

    line: str
    area: str
    grid: tuple[tuple[float, int], ...]
    """(y, percent)"""
    ticks: tuple[Tick, ...]
    target: Tick
    target_y: float
    target_label_left: bool
    """The target's label stands at the left, unless the curve is still there."""
    now_x: float
    now_y: float
    percent: int
    label_left: bool
    """The label at the tip goes to its left: there is no room on the right."""
    label_y: float


def draw_curve(
    steps: Sequence[tuple[int, int]],
    *,
    expected: int,
    elapsed_s: int,
    target_percent: int,
    target_minutes: int,
) -> Curve | None:
    """Lay the curve out; `None` before the start or when nobody is expected.

    `steps` are (seconds since the start, people present) in order; between two the line is level,
    for nobody knows better.
    """
    if expected <= 0 or elapsed_s < 0:
        return None
    span_s = max(target_minutes * 60 * 8 // 7, elapsed_s)

    def x_at(seconds: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(max(seconds, 0), span_s) / span_s, 1)

    def y_at(share: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * min(max(share, 0), 1), 1)

    path = [f"M{LEFT} {y_at(0)}"]
    present = 0
    for seconds, present in steps:
        path.append(f"H{x_at(seconds)}V{y_at(present / expected)}")
    now_x, now_y = x_at(elapsed_s), y_at(present / expected)
    path.append(f"H{now_x}")
    line = "".join(path)
    target = Tick(x_at(target_minutes * 60), target_minutes)
    return Curve(
        line=line,
        area=f"{line}V{BOTTOM}H{LEFT}z",
        grid=tuple((y_at(percent / 100), percent) for percent in (0, 50, 100)),
        ticks=_ticks(span_s, target, x_at),
        target=target,
        target_y=y_at(target_percent / 100),
        target_label_left=now_x > LEFT + WIDTH / 3,
        now_x=now_x,
        now_y=now_y,
        percent=percent_of(present, expected),
        label_left=now_x > RIGHT - CLOSE,
        label_y=now_y + 24 if now_y < BOTTOM - LABEL_ROOM else now_y - 12,
    )


def percent_of(part: int, whole: int) -> int:
    """Whole percent, rounded down: 100 is said only when everybody is there."""
    return part * 100 // whole if whole > 0 else 0


def _ticks(span_s: int, target: Tick, x_at: Callable[[float], float]) -> tuple[Tick, ...]:
    minutes = math.ceil(span_s / 60)
    step = next((step for step in _STEPS_MIN if minutes // step < MOST_TICKS), minutes)
    ticks = (Tick(x_at(at * 60), at) for at in range(0, span_s // 60 + 1, step))
    return tuple(tick for tick in ticks if abs(tick.x - target.x) >= CLOSE)
