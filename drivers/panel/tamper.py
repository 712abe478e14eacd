"""The tamper loop: a wire to ground through the enclosure's switches, closed while that is shut."""

from collections.abc import Callable

from drivers.panel.board import TamperPin
from drivers.panel.contact import Contact
from drivers.panel.debounce import Debouncer
from drivers.panel.pins import Header

# A loop that opens is told at once, even for a moment; it must stay shut before it counts as shut,
# so that a hand that wiggles the lid makes one alarm and not fifty.
OPENS_AFTER_S = 0.03
SHUTS_AFTER_S = 2.0


def loop(is_closed: bool) -> Debouncer:
    """The logic of a loop that is closed or open now."""
    return Debouncer(is_closed, closing_s=SHUTS_AFTER_S, opening_s=OPENS_AFTER_S)


class TamperLoop:
    """Calls `on_tamper(is_open)` in the event loop: with the level found, then on every change.

    The level found may be "open" from the start: the enclosure was opened while the power was off.
    """

    def __init__(self, wired: TamperPin, header: Header, on_tamper: Callable[[bool], None]) -> None:
        self._on_tamper = on_tamper
        self.contact = Contact(wired.pin, header, self._start, self._changed)
        on_tamper(not self._logic.is_closed)

    def _start(self, is_closed: bool) -> Debouncer:
        self._logic = loop(is_closed)
        return self._logic

    def _changed(self) -> None:
        self._on_tamper(not self._logic.is_closed)
