"""Keeps what the receiver last said of its own signals, statement by statement."""

from dataclasses import fields, replace

from drivers.gnss.base import SelfReport

REPORT_FRESH_S = 10.0  # receivers repeat these once a second, once they are switched on


class SelfReports:
    """The newest of each statement. Pure; time is an argument."""

    def __init__(self) -> None:
        self._said = SelfReport()
        self._said_mono_s: dict[str, float] = {}

    def feed(self, report: SelfReport, received_mono_s: float) -> None:
        """Take the statements that are made; what is not said stays as it was."""
        made = {
            each.name: getattr(report, each.name)
            for each in fields(report)
            if getattr(report, each.name) is not None
        }
        self._said = replace(self._said, **made)
        self._said_mono_s |= dict.fromkeys(made, received_mono_s)

    def current(self, now_mono_s: float) -> SelfReport | None:
        """What still holds; None when nothing does."""
        # An antenna's state is told when it changes, by some receivers only then.
        stale = {
            name: None
            for name, said_mono_s in self._said_mono_s.items()
            if name != "antenna" and now_mono_s - said_mono_s > REPORT_FRESH_S
        }
        held = replace(self._said, **stale)
        return None if held == SelfReport() else held
