"""The small display of a terminal without a screen: a verdict while there is one, else a number."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from drivers.panel.display import Chip, Oled, open_oled
from drivers.panel.face import Face, draw, find_typeface
from drivers.supervisor import REOPEN_FIRST_S, REOPEN_LIMIT_S, DeviceState, Open, Ready, keep_open
from runtime.backoff import Backoff
from runtime.feed import Feed
from runtime.threads import in_daemon_thread

CHECK_S = 10.0  # how soon a display that lost its cable is missed

OnState = Callable[[DeviceState, str], None]


class Display:
    """Keeps the latest picture on a display, whenever that is there.

    Raises `DriverConfigError` when there is no font.
    """

    def __init__(
        self, url: str, chip: Chip, font: Path | None, *, open_at: Open[Oled] | None = None
    ) -> None:
        self._url = url
        self._open_at = open_at or partial(open_oled, chip=chip)
        self._typeface = find_typeface(font)
        self._idle = Face()
        self._is_idle = True
        self._faces: Feed[Face] = Feed(self._idle)

    def show(self, face: Face) -> None:
        """Show this until the next call."""
        self._is_idle = False
        self._faces.publish(face)

    def rest(self) -> None:
        """Show what `set_idle` says."""
        self._is_idle = True
        self._faces.publish(self._idle)

    def set_idle(self, face: Face) -> None:
        """What to show between verdicts, from now on."""
        if face != self._idle:
            self._idle = face
            if self._is_idle:
                self._faces.publish(face)

    async def run(self, on_state: OnState) -> None:
        """Keep the display in use until cancelled; then it is dark."""
        await keep_open(
            self._url,
            self._use,
            open_at=self._open_at,
            on_state=on_state,
            backoff=Backoff(REOPEN_FIRST_S, REOPEN_LIMIT_S, Random()),
        )

    async def _use(self, oled: Oled, ready: Ready) -> None:
        version = -1
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    version, _ = await self._faces.newer_than(version)
            face = self._faces.value
            image = await in_daemon_thread(partial(draw, face, self._typeface))
            await oled.show(image)
            ready(oled.name)
