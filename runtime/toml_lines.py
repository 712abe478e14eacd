"""On which line of a TOML file a mistake is: the parsers of TOML say it for syntax only."""

import re
import tomllib
from collections.abc import Sequence

import msgspec

Path = Sequence[str | int]

# How msgspec words its errors: "... - at `$.buzzer.pin`", "... unknown field `lok` - at `$.lights`"
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")


def line_of(text: str, path: Path) -> int:
    """The line, counted from 1, on which the table or key at `path` begins.

    `text` is valid TOML; a number in `path` is the index of a table in an array of tables. For a
    path that is not there it is the line of the nearest table around it.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    complete = 0  # lines of the longest beginning of the text so far that is valid by itself
    for count in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:  # cut in the middle of a value of several lines
            continue
        if _holds(values, path):
            return complete + 1
        complete = count
    return line_of(text, path[:-1])


def locate(text: str, error: msgspec.ValidationError) -> tuple[int, str]:
    """The line of a mistake that msgspec found in the values of `text`, and what is wrong there."""
    words = str(error)
    path: list[str | int] = []
    at = _AT.search(words)
    if at is not None:
        words = words[: at.start()]
        path = [
            int(step["index"]) if step["key"] is None else step["key"]
            for step in _STEP.finditer(at["path"])
        ]
    unknown = _UNKNOWN.search(words)
    line = line_of(text, [*path, unknown["name"]] if unknown is not None else path)
    return line, f"{dotted(path)}: {words}" if path else words


def dotted(path: Path) -> str:
    """A path as people write it: `points.0.name`."""
    return ".".join(map(str, path))


def _holds(values: object, path: Path) -> bool:
    if not path:
        return True
    step, *rest = path
    if isinstance(values, dict):
        return step in values and _holds(values[step], rest)
    if isinstance(values, list) and isinstance(step, int):
        return step < len(values) and _holds(values[step], rest)
    return False
