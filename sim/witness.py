"""What the people at one assembly point see: the station's page, as its event stream tells it.

A scan counts as acknowledged when its verdict was on that page, and not before.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from protocol.health import DeviceHealth
from protocol.ids import Name, RecordId
from sim.http_events import events
from terminal.view import LinkState

RETRY_S = 0.05
UP_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class SeenVerdict:
    """A verdict on the screen, and the record it stands for."""

    node: str
    epoch: int
    seq: int
    verdict: int

    @property
    def record_id(self) -> RecordId:
        """The record, as the ledger names it."""
        return RecordId(Name(self.node), self.epoch, self.seq)


class Witness:
    """Watches one station for as long as `run` runs; survives its restarts."""

    def __init__(self, node: str, port: int) -> None:
        self.node = node
        self.page: dict[str, Any] = {}
        """The station's latest view."""
        self._port = port
        self._latest: SeenVerdict | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Look at the page, for ever."""
        while True:
            try:
                async for page in events(self._port, "/live.json"):
                    self._see(page)
            except OSError:
                pass  # not up yet, or killed by the story
            self.page = {}
            await asyncio.sleep(RETRY_S)

    @property
    def latest(self) -> SeenVerdict | None:
        """The last verdict anybody saw."""
        return self._latest

    async def next_verdict(self, after: SeenVerdict | None) -> SeenVerdict:
        """Wait for a verdict on another record than `after`."""
        while self._latest is None or self._latest == after:
            await self.changed()
        return self._latest

    async def changed(self) -> None:
        """Wait until the page shows something else."""
        await self._changed.wait()

    async def until_ready(self) -> None:
        """Wait until the station has a roster and its reader answers. Raises `TimeoutError`."""
        if not self.page:
            await self.until_back()
        async with asyncio.timeout(UP_LIMIT_S):
            while not self._is_ready():
                await self.changed()

    async def until_back(self) -> None:
        """Wait until the station shows its page again. Raises `TimeoutError`."""
        self.page = {}
        async with asyncio.timeout(UP_LIMIT_S):
            while not self.page:
                await self.changed()

    async def until_all_receipted(self) -> None:
        """Wait until the county has confirmed every record."""
        while not self.page or self.page["custody"]["waiting"]:
            await self.changed()

    async def until_linked(self) -> None:
        """Wait until the station is on the network, and nothing waits."""
        while self.page.get("link") != LinkState.UP.value or self.page["custody"]["waiting"]:
            await self.changed()

    def _is_ready(self) -> bool:
        page = self.page
        has_roster = page.get("roster_version") is not None and page["activation"] is not None
        return has_roster and page["reader"] == DeviceHealth.READY

    def _see(self, page: dict[str, Any]) -> None:
        self.page = page
        shown = page["verdict"]
        if shown is not None:
            self._latest = SeenVerdict(self.node, shown["epoch"], shown["seq"], shown["verdict"])
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
