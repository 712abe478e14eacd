"""What a contact means: pure logic that takes time as an argument.

Each class is fed the raw level on every change (`feed`) and asked again when `due_s` has come
(`poll`); both return whether something happened. Asking more often changes nothing.
"""

from typing import Protocol


class ContactLogic(Protocol):
    """What `drivers.panel.contact` drives."""

    @property
    def due_s(self) -> float | None:
        """When to `poll`, on the clock of the calls; None: after the next `feed`."""

    def feed(self, is_closed: bool, now_s: float) -> bool:
        """The contact is now closed or open."""

    def poll(self, now_s: float) -> bool:
        """Time has passed."""


class Debouncer:
    """A steady level out of a bouncing one: a change counts once it has lasted long enough."""

    def __init__(self, is_closed: bool, *, closing_s: float, opening_s: float) -> None:
        self.is_closed = is_closed
        self._closing_s, self._opening_s = closing_s, opening_s
        self._changing_since_s: float | None = None

    @property
    def due_s(self) -> float | None:
        """See `ContactLogic`."""
        if self._changing_since_s is None:
            return None
        return self._changing_since_s + (self._opening_s if self.is_closed else self._closing_s)

    def feed(self, is_closed: bool, now_s: float) -> bool:
        """See `ContactLogic`; True when the steady level has changed."""
        changed = self.poll(now_s)
        if is_closed == self.is_closed:
            self._changing_since_s = None
        elif self._changing_since_s is None:
            self._changing_since_s = now_s
        return changed

    def poll(self, now_s: float) -> bool:
        """See `ContactLogic`; True when the steady level has changed."""
        due_s = self.due_s
        if due_s is None or now_s < due_s:
            return False
        self.is_closed = not self.is_closed
        self._changing_since_s = None
        return True


class Press:
    """A push button that acts once per press, at once or after being held.

    A button that is down from the start (jammed, or leant upon) does not act before it was up.
    """

    def __init__(self, is_down: bool, *, settle_s: float, hold_s: float = 0.0) -> None:
        self._contact = Debouncer(is_down, closing_s=settle_s, opening_s=settle_s)
        self._hold_s = hold_s
        self._acts_at_s: float | None = None

    @property
    def due_s(self) -> float | None:
        """See `ContactLogic`."""
        times = [at for at in (self._contact.due_s, self._acts_at_s) if at is not None]
        return min(times, default=None)

    def feed(self, is_closed: bool, now_s: float) -> bool:
        """See `ContactLogic`; True when the button acts."""
        acts = self.poll(now_s)
        self._contact.feed(is_closed, now_s)
        return acts

    def poll(self, now_s: float) -> bool:
        """See `ContactLogic`; True when the button acts."""
        acts = False
        while (due_s := self.due_s) is not None and due_s <= now_s:
            if due_s == self._acts_at_s:
                acts, self._acts_at_s = True, None
                continue
            self._contact.poll(due_s)
            self._acts_at_s = due_s + self._hold_s if self._contact.is_closed else None
        return acts
