"""Simulated 40-pin header of a Pi: what a program sets on the pins, and what contacts do to them.

Written from hw/pigpio-socket.md. Modelled: input and output, pulls, contacts to ground, chips that
drive an input, software PWM with the frequencies of section 4. Not modelled: analogue behaviour,
alternative functions beyond remembering them, the single edges of PWM (such a pin counts as high or
low by its duty).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

PINS = 32
SAMPLE_TIMES_US = (1, 2, 4, 5, 8, 10)
DEFAULT_SAMPLE_US = 5
START_HZ, START_RANGE = 800, 255
# How many samples make one period, at the 18 frequencies.
_PERIODS = (
    *(25, 50, 100, 125, 200, 250, 400, 500, 625),
    *(800, 1000, 1250, 2000, 2500, 4000, 5000, 10_000, 20_000),
)

INPUT, OUTPUT = 0, 1
LAST_MODE = 7
RANGES = range(25, 40_001)


class Pull(IntEnum):
    """What holds an input that nothing drives."""

    OFF = 0
    DOWN = 1
    UP = 2


@dataclass
class _Pin:
    mode: int = INPUT
    pull: Pull = Pull.OFF
    driven: int = 0
    is_grounded: bool = False
    pushed: int | None = None
    """What a chip drives it to; None: nothing does."""
    frequency_hz: int = START_HZ
    range: int = START_RANGE
    duty: int | None = None
    """None: no PWM."""


@dataclass(frozen=True, slots=True)
class Wave:
    """PWM on a pin: `share` of the time it is high."""

    frequency_hz: int
    share: float


class SimHeader:
    """The pins; `watch` those whose `level` or `wave` may have changed."""

    def __init__(self, *, sample_us: int = DEFAULT_SAMPLE_US) -> None:
        if sample_us not in SAMPLE_TIMES_US:
            raise ValueError(f"sample time {sample_us} us: one of {SAMPLE_TIMES_US}")
        self._sample_us = sample_us
        self._frequencies_hz = [_rounded(1e6 / (sample_us * period)) for period in _PERIODS]
        self._pins = [_Pin() for _ in range(PINS)]
        self._watchers: list[Callable[[int], None]] = []

    def watch(self, changed: Callable[[int], None]) -> None:
        """Have `changed(pin)` called after every change."""
        self._watchers.append(changed)

    # --- outside: what is wired to the pins -------------------------------------------------

    def ground(self, pin: int, is_grounded: bool) -> None:
        """A contact between the pin and ground closes or opens."""
        self._pins[pin].is_grounded = is_grounded
        self._changed(pin)

    def push(self, pin: int, level: int) -> None:
        """A chip wired to the pin drives it, as long as it is an input."""
        self._pins[pin].pushed = level
        self._changed(pin)

    def level(self, pin: int) -> int:
        """High (1) or low (0)."""
        its = self._pins[pin]
        if its.mode == INPUT:
            held = its.pull is Pull.UP if its.pushed is None else bool(its.pushed)
            return int(held and not its.is_grounded)
        if its.duty is not None:
            return int(2 * its.duty >= its.range)
        return its.driven

    def wave(self, pin: int) -> Wave | None:
        """The PWM on a pin, None if it has none or is always low."""
        its = self._pins[pin]
        if its.mode == INPUT or not its.duty:
            return None
        return Wave(its.frequency_hz, its.duty / its.range)

    def levels(self) -> int:
        """All pins as bits."""
        return sum(self.level(pin) << pin for pin in range(PINS))

    # --- inside: what the program does --------------------------------------------------------

    def mode(self, pin: int) -> int:
        """The function of a pin."""
        return self._pins[pin].mode

    def set_mode(self, pin: int, mode: int) -> None:
        """Give a pin a function; an output is driven as it was last."""
        its = self._pins[pin]
        its.mode = mode
        if mode == INPUT:
            its.duty = None
        self._changed(pin)

    def set_pull(self, pin: int, pull: Pull) -> None:
        """Pull an input up, down or not at all."""
        self._pins[pin].pull = pull
        self._changed(pin)

    def write(self, pin: int, level: int) -> None:
        """Drive a pin; makes it an output and ends its PWM."""
        its = self._pins[pin]
        its.mode, its.driven, its.duty = OUTPUT, level, None
        self._changed(pin)

    def set_duty(self, pin: int, duty: int) -> None:
        """Start PWM, or change it; makes the pin an output. At most the pin's range."""
        its = self._pins[pin]
        its.mode, its.duty = OUTPUT, duty
        self._changed(pin)

    def set_range(self, pin: int, new: int) -> int:
        """What duty counts in; returns the real range."""
        its = self._pins[pin]
        if its.duty is not None:
            its.duty = its.duty * new // its.range
        its.range = new
        self._changed(pin)
        return self.real_range(pin)

    def set_frequency(self, pin: int, frequency_hz: int) -> int:
        """Take the closest frequency there is, of two equally close ones the higher."""
        chosen = min(self._frequencies_hz, key=lambda each: (abs(each - frequency_hz), -each))
        self._pins[pin].frequency_hz = chosen
        self._changed(pin)
        return chosen

    def duty(self, pin: int) -> int | None:
        """The PWM duty, None without PWM."""
        return self._pins[pin].duty

    def range(self, pin: int) -> int:
        """What duty counts in."""
        return self._pins[pin].range

    def frequency_hz(self, pin: int) -> int:
        """The PWM frequency, chosen or running."""
        return self._pins[pin].frequency_hz

    def real_range(self, pin: int) -> int:
        """How many samples a period has."""
        return _PERIODS[self._frequencies_hz.index(self._pins[pin].frequency_hz)]

    def _changed(self, pin: int) -> None:
        for changed in self._watchers:
            changed(pin)


def _rounded(value: float) -> int:
    return int(value + 0.5)
