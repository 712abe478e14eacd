"""Everything a board profile puts on pins, as one device."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from drivers.panel.board import Board, Button
from drivers.panel.buttons import Buttons
from drivers.panel.contact import Contact
from drivers.panel.lights import Lights
from drivers.panel.pins import Header
from drivers.panel.tamper import TamperLoop
from drivers.panel.tones import Beeper, Tone

LOOK_S = 1.0  # how soon a lost edge is made good, and pins that went away are missed


class Front:
    """Lights, buzzer, buttons and tamper loop on the pins of `header`: all of them, or `PortGone`.

    `on_button` and `on_tamper` are called in the event loop, `on_tamper` for the first time while
    this is being made. Close this before the header.
    """

    def __init__(
        self,
        board: Board,
        header: Header,
        on_button: Callable[[Button], None],
        on_tamper: Callable[[bool], None],
    ) -> None:
        self._header = header
        self._lights = Lights(board.lights, header)
        self._beeper = Beeper(board.buzzer, header)
        self._contacts: list[Contact] = []
        if board.buttons is not None:
            self._contacts += Buttons(board.buttons, header, on_button).contacts
        if board.tamper is not None:
            self._contacts.append(TamperLoop(board.tamper, header, on_tamper).contact)

    def light(self, name: str | None) -> None:
        """Light this light and no other. Raises `PortGone`."""
        self._lights.show(name)

    def play(self, tones: Iterable[Tone]) -> None:
        """Start this pattern. Raises `PortGone`."""
        self._beeper.play(tones)

    async def watch(self) -> None:
        """Make lost edges good, until the pins go: raises `PortGone`."""
        while True:
            for contact in self._contacts:
                contact.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._header.lost()

    def close(self) -> None:
        """Dark, silent, pins free."""
        self._beeper.close()
        self._lights.close()
        for contact in self._contacts:
            contact.close()
