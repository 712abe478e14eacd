"""What can happen to a satellite receiver, as switches a story or a tester throws.

Each method takes effect with the next second. `verbs` offers them by name for a control socket.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Literal, get_args

from sim.control import ControlError, Verb, no_words, one_word

Antenna = Literal["ok", "open", "short"]
ROLLOVER = timedelta(weeks=1024)
LARGEST = 1e7
"""Metres: a quarter of the way round; seconds: four months."""


class GnssTroubles:
    """Everything that is wrong now; `calm` puts all of it right."""

    def __init__(self) -> None:
        self.calm()

    def calm(self) -> None:
        """All is well again: the place, the time and the signals are the true ones."""
        self.offset_m = (0.0, 0.0, 0.0)
        """North, east and up of the true place."""
        self.drift_mps = (0.0, 0.0)
        self.fall_db = 0
        self.equal_strength = False
        self.time_step = timedelta()
        self.systems_apart_m: float | None = None
        self.noise_bytes = 0
        self.antenna: Antenna | None = None
        """None: it says nothing of its antenna, as most do."""
        self.speaks_ubx = False

    def jump(self, north_m: float, east_m: float = 0.0, up_m: float = 0.0) -> None:
        """The place is suddenly elsewhere; the reported speed knows nothing of it."""
        north, east, up = self.offset_m
        self.offset_m = (north + north_m, east + east_m, up + up_m)

    def drift(self, north_mps: float, east_mps: float = 0.0) -> None:
        """The place moves steadily and the reported speed with it: a spoofer, or a truck."""
        self.drift_mps = (north_mps, east_mps)

    def jam(self, fall_db: int) -> None:
        """Every satellite is fainter by so much; from about 21 dB on the fix is gone."""
        self.fall_db = fall_db

    def spoof(self) -> None:
        """All satellites come from one transmitter and are equally strong."""
        self.equal_strength = True

    def step_time(self, seconds: float) -> None:
        """The clock in the signals is off by so much more."""
        self.time_step += timedelta(seconds=seconds)

    def roll_over(self) -> None:
        """The week number starts again: the date is 1024 weeks ago."""
        self.time_step -= ROLLOVER

    def part_systems(self, apart_m: float) -> None:
        """GPS and BeiDou are told apart, and BeiDou's place is so far east of that of GPS.

        Only a receiver of both, talker GN, has two to tell.
        """
        self.systems_apart_m = apart_m

    def noise(self, bytes_per_second: int) -> None:
        """Binary rubbish between the sentences: another protocol, or a bad cable."""
        self.noise_bytes = bytes_per_second

    def say_antenna(self, state: Antenna) -> None:
        """Tell the antenna's state every second; without an antenna nothing is heard."""
        self.antenna = state

    def speak_ubx(self) -> None:
        """Be a u-blox that tells of jamming and spoofing in packets between the sentences."""
        self.speaks_ubx = True

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """Name -> what does it, for `sim.control`; `noise 200`, `jump 5000 0`, `antenna open`."""
        return {
            "jump": _numbers(self.jump, most=3),
            "drift": _numbers(self.drift, most=2),
            "jam": one_word(lambda word: self.jam(_whole(word))),
            "spoof": no_words(self.spoof),
            "time": _numbers(self.step_time, most=1),
            "rollover": no_words(self.roll_over),
            "apart": _numbers(self.part_systems, most=1),
            "noise": one_word(lambda word: self.noise(_whole(word))),
            "antenna": one_word(self._antenna_word),
            "ubx": no_words(self.speak_ubx),
            "calm": no_words(self.calm),
        }

    def _antenna_word(self, word: str) -> None:
        for state in get_args(Antenna):
            if word == state:
                self.say_antenna(state)
                return
        raise ControlError(f"an antenna is {', '.join(get_args(Antenna))}; not {word!r}")


def _numbers(act: Callable[..., None], *, most: int) -> Verb:
    def verb(words: Sequence[str]) -> None:
        if not 1 <= len(words) <= most:
            raise ControlError(f"expected 1 to {most} numbers" if most > 1 else "expected a number")
        try:
            numbers = [float(word) for word in words]
        except ValueError as error:
            raise ControlError(str(error)) from error
        if not all(abs(number) <= LARGEST for number in numbers):  # nor nan
            raise ControlError(f"expected numbers up to {LARGEST:.0f}")
        act(*numbers)

    return verb


def _whole(word: str) -> int:
    if not (word.isascii() and word.isdigit()):
        raise ControlError(f"{word!r}: expected a whole number")
    return int(word)
