"""One contact to ground on a pin: edges from gpiozero's threads, judged in the event loop."""

import asyncio
from collections.abc import Callable

from gpiozero import DigitalInputDevice

from drivers.panel.debounce import ContactLogic
from drivers.panel.pins import Header


class Contact:
    """Feeds a `ContactLogic` with the level of a pin and tells when something happened."""

    def __init__(
        self,
        pin: int,
        header: Header,
        make_logic: Callable[[bool], ContactLogic],
        happened: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._happened = happened
        self._timer: asyncio.TimerHandle | None = None
        with header.guard():
            self._device = DigitalInputDevice(pin, pull_up=True, pin_factory=header.factory)
            self._is_closed = bool(self._device.is_active)  # first, so that no edge is missed
            self._device.when_activated = lambda: self._from_thread(True)
            self._device.when_deactivated = lambda: self._from_thread(False)
        self._header = header
        self._logic = make_logic(self._is_closed)

    def look(self) -> None:
        """Read the level, in case an edge was lost. Raises `PortGone`."""
        with self._header.guard():
            is_closed = bool(self._device.is_active)
        if is_closed != self._is_closed:
            self._on_level(is_closed)

    def close(self) -> None:
        """Free the pin."""
        if self._timer is not None:
            self._timer.cancel()
        self._header.release(self._close)

    def _close(self) -> None:
        self._device.when_activated = self._device.when_deactivated = None
        self._device.close()

    def _from_thread(self, is_closed: bool) -> None:
        self._loop.call_soon_threadsafe(self._on_level, is_closed)

    def _on_level(self, is_closed: bool) -> None:
        self._is_closed = is_closed
        self._after(self._logic.feed(is_closed, self._loop.time()))

    def _on_due(self) -> None:
        self._after(self._logic.poll(self._loop.time()))

    def _after(self, has_happened: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due_s = self._logic.due_s
        self._timer = None if due_s is None else self._loop.call_at(due_s, self._on_due)
        if has_happened:
            self._happened()
