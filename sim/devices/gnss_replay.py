"""Replays a recording of a satellite receiver at the pace of the time of day within it.

Lines that begin with '#' are the collector's remarks and are left out; all else, noise included,
goes out as it was recorded.

Not modelled: the pace within an epoch, whose bytes all come at once. A gap of more than
`LONGEST_STEP_S`, or a step back, is taken for a cut in the recording and lasts one second.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sim.devices.burst import Burst

LONGEST_STEP_S = 5.0
USUAL_STEP_S = 1.0
"""Also the step between epochs without time of day: the receiver does not know it yet."""

_DAY_S = 86_400
_TIMED = re.compile(rb"\$[A-Z]{2}(RMC|GGA|ZDA),(?:(\d\d)(\d\d)(\d\d(?:\.\d+)?))?,")


def replay(path: Path, *, loop: bool = False) -> Iterator[Burst]:
    """The recording line by line, once or without end.

    Raises `ValueError` for a file without a line to send, `OSError` for one that cannot be read.
    """
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if line[:1] != b"#"]
    if not lines:
        raise ValueError(f"{path}: nothing recorded")
    return _played(lines, loop=loop)


def _played(lines: list[bytes], *, loop: bool) -> Iterator[Burst]:
    begin_s = 0.0
    while True:
        after_s = begin_s
        for epoch_s, line in _paced(lines):
            after_s = begin_s + epoch_s
            yield Burst(after_s, line)
        if not loop:
            return
        begin_s = after_s + USUAL_STEP_S


def _paced(lines: list[bytes]) -> Iterator[tuple[float, bytes]]:
    """Give each line the time, since the first, of the epoch it belongs to."""
    elapsed_s = 0.0
    opener: bytes | None = None  # the kind of sentence that began the recording
    time_of_day_s: float | None = None
    for line in lines:
        timed = _TIMED.search(line)
        if timed is not None:
            kind, hours, minutes, seconds = timed.groups()
            said_s = None
            if hours is not None:
                said_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            if opener is None:
                opener = kind
            elif said_s is None or time_of_day_s is None:
                elapsed_s += USUAL_STEP_S if kind == opener else 0.0
            else:
                elapsed_s += _step_s(said_s - time_of_day_s)
            time_of_day_s = said_s
        yield elapsed_s, line


def _step_s(difference_s: float) -> float:
    step_s = round(difference_s % _DAY_S, 3)
    return step_s if step_s <= LONGEST_STEP_S else USUAL_STEP_S
