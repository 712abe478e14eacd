"""Puts together the sentences that a receiver sends about one time of day (hw/gnss-nmea.md, 3).

An epoch is over when the kind of sentence that ended the one before has come, and at the latest
when the next begins: receivers differ in order, and one of 1 Hz must not be a second late.
"""

from collections.abc import Sequence
from datetime import date, time

from drivers.gnss.base import GnssEvent, NoFix, NoFixReason, SelfReport
from drivers.gnss.facts import Fact, Gga, Gsa, Gsv, Rmc, Zda
from drivers.gnss.judge import FRESH_S, Epoch, accept, refusal
from drivers.gnss.satellites import Sky
from drivers.gnss.self_report import SelfReports

REPEAT_S = 0.5
"""The same time of day again after this long is a stopped clock; sooner, a second talker."""
DIMENSIONS_FRESH_S = 5.0
"""A SiRF-II sends GSA with every third epoch only (hw/gnss-nmea.md, 2)."""

_NO_DIMENSIONS = 1
_Kind = tuple[type[Fact], int]
"""A kind of sentence, and which of its kind in the epoch: each system may send its own."""


class EpochAssembler:
    """Facts in, at most one event per second of receiver time out. No I/O and no clock.

    `built` is the day this software was built, by which old receivers' dates are put right; with
    None they are left as they are.
    """

    def __init__(self, *, built: date | None = None) -> None:
        self._built = built
        self._sky = Sky()
        self._epoch: Epoch | None = None
        self._judged = False
        self._reports = SelfReports()
        self._kinds: list[_Kind] = []  # of this epoch, in the order they came
        self._closing_kind: _Kind | None = None
        self._last_good_mono_s: float | None = None
        self._dimensions: tuple[int, float] | None = None
        self._reported_second: time | None = None

    def feed(self, fact: Fact, received_mono_s: float) -> Sequence[GnssEvent]:
        """Take the next fact; return what it decides, of the epoch it ends and of its own."""
        if isinstance(fact, Gsv):
            self._sky.feed(fact, received_mono_s)
            return ()
        if isinstance(fact, SelfReport):
            self._reports.feed(fact, received_mono_s)
            return ()
        events: list[GnssEvent] = []
        if not isinstance(fact, Gsa) and self._begins_epoch(fact, received_mono_s):
            events += self._close(received_mono_s)
            self._begin(fact.time_of_day, received_mono_s)
        if self._epoch is None:
            return ()  # GSA before any time of day: of which epoch, nobody knows
        if self._add(self._epoch, fact, received_mono_s) == self._closing_kind:
            events += self._close(received_mono_s)
        return events

    def _begins_epoch(self, fact: Rmc | Gga | Zda, received_mono_s: float) -> bool:
        epoch = self._epoch
        if epoch is None or fact.time_of_day != epoch.time_of_day:
            return True
        if (type(fact), 1) not in self._kinds:
            return False
        return fact.time_of_day is None or received_mono_s - epoch.started_mono_s >= REPEAT_S

    def _begin(self, time_of_day: time | None, received_mono_s: float) -> None:
        stopped = (
            self._epoch is not None
            and time_of_day is not None
            and self._epoch.time_of_day == time_of_day
        )
        # A date comes with RMC already: ZDA at the end of a long burst is not worth waiting for.
        has_rmc = (Rmc, 1) in self._kinds
        awaited = [kind for kind in self._kinds if kind != (Zda, 1) or not has_rmc]
        self._closing_kind = awaited[-1] if awaited else None
        self._epoch = Epoch(time_of_day, received_mono_s, clock_stopped=stopped)
        self._kinds = []
        self._judged = False

    def _add(self, epoch: Epoch, fact: Rmc | Gga | Zda | Gsa, received_mono_s: float) -> _Kind:
        epoch.add(fact)
        if isinstance(fact, Gsa):
            self._dimensions = (fact.dimensions, received_mono_s)
        # Only positions are counted: how many GSA there are changes with the sky.
        counted = isinstance(fact, Rmc | Gga)
        seen = sum(kind is type(fact) for kind, _ in self._kinds) if counted else 0
        kind = (type(fact), seen + 1)
        if kind not in self._kinds:
            self._kinds.append(kind)
        return kind

    def _close(self, now_mono_s: float) -> Sequence[GnssEvent]:
        """Judge the epoch, once; of several in one second of receiver time, report the first."""
        epoch = self._epoch
        if epoch is None or self._judged or (epoch.rmc is None and epoch.gga is None):
            return ()
        self._judged = True
        reason = refusal(epoch, now_mono_s)
        confirmed, self._last_good_mono_s = self._confirmed(epoch), None
        if reason is None:
            self._last_good_mono_s = epoch.started_mono_s
            reason = None if confirmed else NoFixReason.UNCONFIRMED
        if self._second_is_reported(epoch):
            return ()
        view, report = self._sky.view(now_mono_s), self._reports.current(now_mono_s)
        if reason is not None:
            return (NoFix(reason, epoch.started_mono_s, view, report),)
        dimensions = self._fresh_dimensions(now_mono_s)
        return (accept(epoch, dimensions=dimensions, built=self._built, view=view, report=report),)

    def _confirmed(self, epoch: Epoch) -> bool:
        last = self._last_good_mono_s
        return last is not None and epoch.started_mono_s - last < FRESH_S

    def _second_is_reported(self, epoch: Epoch) -> bool:
        if epoch.time_of_day is None or epoch.clock_stopped:
            return False
        second = epoch.time_of_day.replace(microsecond=0)
        repeated = second == self._reported_second
        self._reported_second = second
        return repeated

    def _fresh_dimensions(self, now_mono_s: float) -> int | None:
        if self._dimensions is None:
            return None
        dimensions, received_mono_s = self._dimensions
        fresh = dimensions != _NO_DIMENSIONS and now_mono_s - received_mono_s < DIMENSIONS_FRESH_S
        return dimensions if fresh else None
