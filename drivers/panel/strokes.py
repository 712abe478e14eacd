"""Draws the shapes of verdicts, which are SVG, on one-bit displays. Pure.

Understood is what those shapes are made of: `circle` and `path` elements with `stroke-width`,
filled with `currentColor` or stroked; in paths the commands M L H V A Z, absolute and relative.
Anything else is a `ValueError`: a shape that cannot be drawn must be found before the field.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache

from PIL import Image, ImageDraw

BOX = 48  # side of the box that shapes are drawn in
_OVERSAMPLE = 8
_ARC_STEP_RAD = math.radians(5)
_THRESHOLD = 110  # of 255: thin strokes stay whole
_ELEMENT = re.compile(r"<(\w+)((?:\s[\w-]+=\"[^\"]*\")*)\s*/>")
_ATTRIBUTE = re.compile(r"([\w-]+)=\"([^\"]*)\"")
_TOKEN = re.compile(r"[A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)")
_NUMBERS_OF = {"M": 2, "L": 2, "H": 1, "V": 1, "A": 7, "Z": 0}

Point = tuple[float, float]
Line = list[Point]


@lru_cache(maxsize=32)
def draw_shape(svg: str, side_px: int) -> Image.Image:
    """The shape as a square image of one bit per pixel, white on black."""
    large = side_px * _OVERSAMPLE
    image = Image.new("L", (large, large), 0)
    pen = _Pen(ImageDraw.Draw(image), large / BOX)
    rest = _ELEMENT.sub("", svg)
    if rest.strip():
        raise ValueError(f"not understood in a shape: {rest.strip()!r}")
    for name, attributes in _ELEMENT.findall(svg):
        pen.element(name, dict(_ATTRIBUTE.findall(attributes)))
    small = image.resize((side_px, side_px), Image.Resampling.BOX)
    return small.point(lambda value: 255 if value >= _THRESHOLD else 0).convert("1")


class _Pen:
    def __init__(self, canvas: ImageDraw.ImageDraw, scale: float) -> None:
        self._canvas, self._scale = canvas, scale

    def element(self, name: str, its: dict[str, str]) -> None:
        if name == "circle":
            centre = float(its["cx"]), float(its["cy"])
            lines = [list(_circle(centre, float(its["r"])))]
        elif name == "path":
            lines = list(parse_path(its["d"]))
        else:
            raise ValueError(f"not understood in a shape: <{name}>")
        for line in lines:
            points = [(x * self._scale, y * self._scale) for x, y in line]
            if its.get("fill") == "currentColor":
                self._canvas.polygon(points, fill=255)
            if its.get("stroke") == "currentColor":
                self._stroke(points, float(its.get("stroke-width", "1")) * self._scale)

    def _stroke(self, points: Line, width: float) -> None:
        self._canvas.line(points, fill=255, width=round(width))
        for x, y in points:  # round ends and corners
            r = width / 2
            self._canvas.ellipse((x - r, y - r, x + r, y + r), fill=255)


def _circle(centre: Point, r: float) -> Iterator[Point]:
    steps = round(math.tau / _ARC_STEP_RAD)
    for step in range(steps + 1):
        angle = math.tau * step / steps
        yield centre[0] + r * math.cos(angle), centre[1] + r * math.sin(angle)


def parse_path(d: str) -> Iterator[Line]:
    """The lines of a path; arcs become many short ones. Raises `ValueError`."""
    tokens = _TOKEN.findall(d)
    line: Line = []
    here, start = (0.0, 0.0), (0.0, 0.0)
    command = ""
    while tokens:
        if tokens[0].isalpha():
            command = tokens.pop(0)
        elif command in {"M", "m"}:  # further pairs after a move are lines
            command = "L" if command == "M" else "l"
        kind = command.upper()
        if kind not in _NUMBERS_OF or (kind == "Z" and tokens and not tokens[0].isalpha()):
            raise ValueError(f"not understood in a path: {command!r}")
        numbers = [float(tokens.pop(0)) for _ in range(_NUMBERS_OF[kind])]
        origin = here if command.islower() else (0.0, 0.0)
        if kind == "Z":
            line.append(start)
            here = start
            continue
        target = _target(kind, numbers, origin, here)
        if kind == "M":
            if line:
                yield line
            line, start = [target], target
        elif kind == "A":
            line += _arc(here, target, numbers)
        else:
            line.append(target)
        here = target
    if line:
        yield line


def _target(kind: str, numbers: list[float], origin: Point, here: Point) -> Point:
    if kind == "H":
        return origin[0] + numbers[0], here[1]
    if kind == "V":
        return here[0], origin[1] + numbers[0]
    return origin[0] + numbers[-2], origin[1] + numbers[-1]


def _arc(start: Point, end: Point, numbers: list[float]) -> Iterator[Point]:
    """A circular arc by its end points (SVG 1.1, F.6.5); ellipses are not needed."""
    r, ry, _turn, is_large, is_clockwise = numbers[:5]
    if r != ry:
        raise ValueError("not understood in a path: an arc of an ellipse")
    dx, dy = end[0] - start[0], end[1] - start[1]
    chord = math.hypot(dx, dy)
    r = max(r, chord / 2)
    height = math.sqrt(r * r - chord * chord / 4)
    side = 1 if bool(is_large) != bool(is_clockwise) else -1
    centre_x = (start[0] + end[0]) / 2 - side * height * dy / chord
    centre_y = (start[1] + end[1]) / 2 + side * height * dx / chord
    first = math.atan2(start[1] - centre_y, start[0] - centre_x)
    last = math.atan2(end[1] - centre_y, end[0] - centre_x)
    sweep = (last - first) % math.tau if is_clockwise else -((first - last) % math.tau)
    steps = max(1, math.ceil(abs(sweep) / _ARC_STEP_RAD))
    for step in range(1, steps + 1):
        angle = first + sweep * step / steps
        yield centre_x + r * math.cos(angle), centre_y + r * math.sin(angle)
