"""Devices that talk by themselves: lines, typed or sent, and zones."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from random import Random

from drivers.readers.framer import Damage, Framer
from drivers.readers.key_events import EVENT, KeyDecoder
from drivers.readers.line_framer import LINE_MAX_BYTES, LineFramer
from drivers.readers.mrz_framer import MrzFramer
from drivers.readers.mrz_zone import MrzDamaged, UnknownDocument, parse_zone
from tests.fuzz.row import Feed, Row

TODAY = date(2026, 5, 1)
STEP_S = 0.001
QUIET_S = 5.0  # above the longest pause any of them allows
_MODIFIERS = (42, 54, 29, 97, 56, 100, 125, 126)
_KEY_OF_DIGIT = dict(zip("1234567890", range(2, 12), strict=True))
_ENTER = 28
ZONES = (
    (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ),
    ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"),
    (
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ),
)


class _Talking:
    """A framer with a clock of its own."""

    def __init__(self, framer: Framer, read: Callable[[str], object]) -> None:
        self._framer, self._read = framer, read
        self._now_s = 0.0

    def feed(self, data: bytes) -> Sequence[object]:
        self._now_s += STEP_S
        return self._told(self._framer.feed(data, self._now_s))

    def quiet(self) -> Sequence[object]:
        self._now_s += QUIET_S
        return self._told(self._framer.give_up(self._now_s))

    def _told(self, texts: Sequence[str | Damage]) -> Sequence[object]:
        for text in texts:
            if not isinstance(text, Damage):
                self._read(text)
        return texts


def _lines() -> Feed:
    framer = LineFramer()
    talking = _Talking(framer, str)
    return Feed(talking.feed, talking.quiet, lambda: len(framer._pending))


def _line(random: Random) -> tuple[bytes, object]:
    text = random.choice(("MT1:6BFOXN%TS3DH", "6901234567892", "姓名 unit=3"))
    return f"{text}\r\n".encode(), text


def _zones() -> Feed:
    def read(zone: str) -> None:
        with contextlib.suppress(MrzDamaged, UnknownDocument):  # the two declared errors
            parse_zone(zone, TODAY)

    framer = MrzFramer()
    talking = _Talking(framer, read)
    return Feed(
        talking.feed,
        talking.quiet,
        lambda: len(framer._lines._pending) + sum(map(len, framer._block)),
    )


def _zone(random: Random) -> tuple[bytes, object]:
    lines = random.choice(ZONES)
    return "".join(f"{line}\r" for line in lines).encode(), "".join(lines)


def _typed() -> Feed:
    keys, framer = KeyDecoder(), LineFramer()
    talking = _Talking(framer, str)
    return Feed(
        lambda data: talking.feed(keys.feed(data)),
        talking.quiet,
        lambda: len(keys._pending) + len(framer._pending),
    )


def _typing(random: Random) -> tuple[bytes, object]:
    """Digits and Enter. A modifier that noise has pressed stays pressed, as on any keyboard, until
    it comes up: so all of them come up first."""
    text = f"{random.randrange(10**8):08d}"
    codes = [_ENTER, *(_KEY_OF_DIGIT[digit] for digit in text), _ENTER]
    events = [(1, code, 0) for code in _MODIFIERS] + [(0, 0, 0)]
    events += [event for code in codes for event in ((1, code, 1), (0, 0, 0), (1, code, 0))]
    # Half an event may be waiting for the rest: these make sure that it is none. What they type
    # is damage, which the first Enter ends.
    lost = b"\xff" * EVENT.size
    return lost + b"".join(EVENT.pack(1_800_000_000, 0, *event) for event in events), text


TALKING: Mapping[str, Row] = {
    "scanner": Row(_lines, _line, LINE_MAX_BYTES + 1, b"\x02AAAAAAAA"),
    "mrz": Row(_zones, _zone, LINE_MAX_BYTES + 1 + 90, b"P<UTOERIKSSON<<ANNA<MARIA<<<<<\r"),
    "wedge": Row(_typed, _typing, LINE_MAX_BYTES + EVENT.size, EVENT.pack(1, 1, 1, 42, 1)),
}
