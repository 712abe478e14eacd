"""How moments and lengths of time are written on a page. `static/live.js` has the same rules."""

from datetime import datetime, timedelta, timezone

CHINA_TIME = timezone(timedelta(hours=8), "UTC+8")
"""One zone and no summer time in the whole country, since 1991."""

JUST_NOW_S = 3
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def clock_time(at_ms: int, zone: timezone = CHINA_TIME) -> str:
    """`14:23:08` in `zone`."""
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%H:%M:%S")


def largest_unit(seconds: int) -> tuple[str, int]:
    """The largest unit that is full at least once, and how often: `("min", 6)`."""
    for unit, length_s in _UNITS:
        if seconds >= length_s:
            return unit, seconds // length_s
    return "s", max(0, seconds)


def elapsed(seconds: int) -> str:
    """Time since the start of a muster as `T + 0:42:10`, before it as `T − 0:10:00`."""
    sign = "+" if seconds >= 0 else "−"
    minutes, second = divmod(abs(seconds), 60)
    return f"T {sign} {minutes // 60}:{minutes % 60:02}:{second:02}"
