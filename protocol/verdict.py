"""The four verdicts, each defined once for screen, panel and report.

Every verdict has five signs that never stand alone: colour, shape, word, tone and light. The
colours stay apart for every kind of colour vision: smallest CIE76 difference 39 over the simulated
deficiencies, where the usual green, amber and red reach 17.
"""

from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """What the person at the reader is told. The numbers are on the wire."""

    ACCEPTED = 1
    ALREADY = 2
    LOOK = 3
    STOP = 4


class Reason(IntEnum):
    """Why a verdict is what it is. The numbers are on the wire."""

    EXPECTED_HERE = 0
    SEEN_BEFORE = 1
    OTHER_POINT = 2
    NOT_ON_ROSTER = 3
    CARD_EXPIRED = 4
    BAD_CHECK_DIGIT = 5
    UNKNOWN_LAYOUT = 6
    UNREADABLE = 7
    NO_ROSTER = 8
    CARD_LOST = 9
    POSSIBLY_FORGED = 10
    NOT_YET_VALID = 11
    CARD_REVOKED = 12
    UNKNOWN_ISSUER = 13


@dataclass(frozen=True, slots=True)
class Beep:
    """One sound of a tone pattern."""

    frequency_hz: int
    length_s: float
    pause_s: float = 0.08


@dataclass(frozen=True, slots=True)
class Signs:
    """How a verdict looks, reads and sounds."""

    key: str
    colour: str
    ink: str
    shape: str
    """SVG elements in a 48 x 48 box, stroked in `currentColor`."""
    word_zh: str
    word_en: str
    tone: tuple[Beep, ...]
    light: str
    """Which panel light: `accepted`, `look` or `stop`."""


_STROKE = 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
_HIGH_HZ, _RISING_HZ, _LOW_HZ = (
    1800,
    2400,
    350,
)  # carries over rain; told apart by pattern, not pitch

SIGNS: dict[Verdict, Signs] = {
    Verdict.ACCEPTED: Signs(
        key="accepted",
        colour="#0072b2",
        ink="#ffffff",
        shape=f'<circle cx="24" cy="24" r="21" {_STROKE} stroke-width="5"/>'
        f'<path d="M13 25l8 8 15-17" {_STROKE} stroke-width="6"/>',
        word_zh="已签到",
        word_en="Accepted",
        tone=(Beep(_HIGH_HZ, 0.12),),
        light="accepted",
    ),
    Verdict.ALREADY: Signs(
        key="already",
        colour="#3d4b5f",
        ink="#ffffff",
        shape=f'<path d="M40 24a16 16 0 1 1-5-11.6" {_STROKE} stroke-width="5"/>'
        f'<path d="M36 3v11H25" {_STROKE} stroke-width="5"/>',
        word_zh="已在册",
        word_en="Already here",
        tone=(Beep(_HIGH_HZ, 0.12), Beep(_HIGH_HZ, 0.12)),
        light="accepted",
    ),
    Verdict.LOOK: Signs(
        key="look",
        colour="#e69f00",
        ink="#111111",
        shape=f'<path d="M24 4 46 43H2z" {_STROKE} stroke-width="5"/>'
        f'<path d="M24 18v12" {_STROKE} stroke-width="5.5"/>'
        '<circle cx="24" cy="36.5" r="3" fill="currentColor"/>',
        word_zh="请核对",
        word_en="Look",
        tone=(Beep(_HIGH_HZ, 0.15), Beep(_RISING_HZ, 0.25)),
        light="look",
    ),
    Verdict.STOP: Signs(
        key="stop",
        colour="#b3261e",
        ink="#ffffff",
        shape=f'<path d="M15 3h18l12 12v18L33 45H15L3 33V15z" {_STROKE} stroke-width="5"/>'
        f'<path d="M16 16l16 16M32 16 16 32" {_STROKE} stroke-width="6"/>',
        word_zh="请留步",
        word_en="Stop",
        tone=(Beep(_LOW_HZ, 0.6),),
        light="stop",
    ),
}

PRESENT_UNLESS_STOPPED = frozenset({Verdict.ACCEPTED, Verdict.ALREADY, Verdict.LOOK})
"""A person with one of these verdicts stands at the point and is accounted for."""
