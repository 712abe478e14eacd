"""The terminal's radio, whole: modem, law, link, and the choice between it and the network."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from drivers.port import Closable
from drivers.radios.lawful import LawfulRadio, open_lawful_radio
from drivers.radios.ledger import LEDGER_FILE, open_ledger
from drivers.radios.opening import check_law
from drivers.radios.site import RadioSettings
from drivers.supervisor import DeviceState, Ready
from protocol.keys import Identity
from protocol.radio_up import Status
from protocol.roster import Roster
from protocol.roster_order import RosterOrder
from runtime.clock import SystemClock
from terminal.attached import Attached
from terminal.county import County
from terminal.drain import Drain
from terminal.links.choose import LinkChoice
from terminal.links.lora import LoraLink
from terminal.links.lora_counters import Counters
from terminal.links.lora_engine import RadioKeys, Tellings
from terminal.outbox import Outbox
from terminal.station import Station
from terminal.uplink import Uplink
from terminal.view import ShownRadio

log = logging.getLogger(__name__)

LOOK_S = 1.0  # how soon a new roster or a change of links is noticed


class TerminalRadio:
    """One terminal's way to the county where there is no network."""

    def __init__(
        self,
        settings: RadioSettings,
        folder: Path,
        data: Path,
        identity: Identity,
        outbox: Outbox,
        counters: Counters,
        uplink: Uplink,
        county: County,
        station: Station,
        clock: SystemClock,
        *,
        lora_after_s: float,
        status: Callable[[], Status],
        tellings: Tellings | None,
        changed: Callable[[], None],
    ) -> None:
        """`folder` is where the settings lie, `data` where the ledger of airtime does.

        Raises `DriverConfigError` for a radio that cannot be legal, `DatabaseError` for a damaged
        ledger.
        """
        check_law(settings, folder)
        self._settings, self._folder, self._clock = settings, folder, clock
        self._outbox, self._county, self._station = outbox, county, station
        self._ledger = open_ledger(data / LEDGER_FILE, clock)
        self._choice = LinkChoice(lora_after_s, clock.monotonic_s())
        self._drain = Drain()
        self._roster: Roster | None = None
        self._last_answer_s: float | None = None
        self._answered_ms: int | None = None
        self.modem = Attached("radio", changed)
        self.link = LoraLink(
            outbox,
            counters,
            RadioKeys(identity.radio_address, identity.radio_key, identity.group_radio_key),
            county,
            status=status,
            sent_otherwise=lambda: uplink.sent_numbers,
            tellings=tellings,
        )

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run for as long as the terminal does."""
        return [
            self.modem.use_radio(self._settings, self._use),
            self.link.send(),
            self.link.keep_books(),
            self._look(),
        ]

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    @property
    def airtime_percent(self) -> int:
        """Of what the law allows, used; 0 where it counts none, or there is no modem."""
        spent = self.link.radio.spent if self.link.radio is not None else None
        if spent is None or not spent.allowed_s:
            return 0
        return round(100 * spent.used_s / spent.allowed_s)

    def shown(self, waiting: int) -> ShownRadio:
        """How it does, while so many records wait."""
        left_s = self._drain.left_s(self._clock.monotonic_s(), waiting) if waiting else None
        return ShownRadio(
            carries=self._choice.uses_lora,
            is_ready=self.modem.state is DeviceState.READY,
            answered_ms=self._answered_ms,
            drained_in_s=None if left_s is None else round(left_s),
        )

    async def _use(self, port: Closable, ready: Ready) -> None:
        await self.link.use(port, ready, self._opened)

    @asynccontextmanager
    async def _opened(self, port: Closable, ready: Ready) -> AsyncIterator[LawfulRadio]:
        async with open_lawful_radio(
            self._settings, port, folder=self._folder, ledger=self._ledger, on_ready=ready
        ) as radio:
            yield radio

    async def _look(self) -> None:
        while True:
            self._look_once()
            await asyncio.sleep(LOOK_S)

    def _look_once(self) -> None:
        now_s, depth = self._clock.monotonic_s(), self._outbox.depth
        if self._station.roster is not self._roster and self._station.roster is not None:
            self._roster = self._station.roster
            self.link.use_roster(RosterOrder(self._roster))
        self._choice.mqtt(is_up=self._county.is_reached, now_s=now_s)
        if self._choice.decide(now_s):
            self._drain.forget()
            self._switch()
        self._drain.take(now_s, depth.captured - depth.waiting - depth.refused)
        if self.link.last_answer_s != self._last_answer_s:
            self._last_answer_s = self.link.last_answer_s
            self._answered_ms = self._clock.read().wall_ms

    def _switch(self) -> None:
        if self._choice.uses_lora:
            log.info("no network to the county: records go by radio")
            self.link.begin()
        else:
            log.info("the network is back: records no longer go by radio")
            self.link.stop()
