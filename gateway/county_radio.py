"""The county's radio, whole: modem, law, link, and what the desk shows of it."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from drivers.port import Closable
from drivers.radios.lawful import LawfulRadio, open_lawful_radio
from drivers.radios.ledger import LEDGER_FILE, open_ledger
from drivers.radios.opening import check_law
from drivers.radios.site import RadioSettings
from drivers.registry import RADIOS, choose, load
from drivers.supervisor import REOPEN_FIRST_S, REOPEN_LIMIT_S, DeviceState, Ready, keep_open
from gateway.intake import Admitted
from gateway.links.lora import Admit, HeardFrom, LoraLink
from gateway.links.lora_nodes import RadioNodes
from gateway.radio_watch import RadioWatch
from gateway.store.base import RadioState, Stream
from gateway.store.radio import RadioStore
from gateway.view import NodeRadio, RadioView
from protocol.keys import Enrolment, Identity
from runtime.backoff import Backoff
from runtime.clock import ClockSource, SystemClock

log = logging.getLogger(__name__)


class CountyRadio:
    """Implements `gateway.links.lora.RadioListener`."""

    def __init__(
        self,
        settings: RadioSettings,
        folder: Path,
        database: Path,
        identity: Identity,
        held: RadioState,
        clock: SystemClock,
        admit: Admit,
        admitted: Callable[[Admitted], None],
    ) -> None:
        """`folder` is where the settings lie, `held` what the store has of earlier runs.

        `admitted` is told of what is stored. Raises `DriverConfigError` for a radio that cannot be
        legal, `DatabaseError` for a damaged file.
        """
        check_law(settings, folder)
        self._settings, self._folder, self._clock = settings, folder, clock
        self._store = RadioStore(database)
        self._ledger = open_ledger(database.parent / LEDGER_FILE, clock)
        self._nodes = RadioNodes(identity.radio_key, identity.county, held.windows)
        self._watch = RadioWatch()
        self._names: dict[int, str] = {identity.radio_address: identity.node}
        self._on_admitted = admitted
        self._link = LoraLink(identity, self._nodes, self._store, admit, self, time_s=self._time_s)
        self._state: DeviceState | None = None

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run for as long as the gateway does."""
        return [self._keep_modem(), self._link.send(), self._link.admit()]

    def close(self) -> None:
        """Close the files."""
        self._store.close()
        self._ledger.close()

    def enrol(self, enrolment: Enrolment) -> None:
        """Know a terminal; a second time changes nothing."""
        self._names[enrolment.radio_address] = enrolment.node
        self._link.enrol(enrolment.node, enrolment.radio_address)

    def stored(self, streams: Iterable[Stream]) -> None:
        """This is held of these outboxes, by whatever way it came."""
        self._link.stored(streams)

    def publish(self, number: int, message: bytes) -> None:
        """This is the bulletin now."""
        self._link.publish(number, message)

    def radio_heard(self, heard: HeardFrom) -> None:
        """See `RadioListener.radio_heard`."""
        now_s = time.monotonic()
        self._watch.heard(heard.node, heard.rssi_dbm, heard.snr_db, heard.skipped, now_s)
        if heard.is_last:
            self._watch.emptied(heard.node)

    def radio_admitted(self, admitted: Admitted) -> None:
        """See `RadioListener.radio_admitted`."""
        now_s = time.monotonic()
        for node, status in admitted.statuses:
            self._watch.told(node, status, now_s)
        self._on_admitted(admitted)

    def view(self) -> RadioView:
        """The gateway's own radio, for the desk."""
        radio, counts = self._link.radio, self._nodes.counts
        spent = None if radio is None else radio.spent
        return RadioView(
            is_ready=self._state is DeviceState.READY,
            identity=(radio.identity or "") if radio is not None else "",
            band="" if radio is None else str(radio.band),
            used_s=0.0 if spent is None else round(spent.used_s, 1),
            allowed_s=None if spent is None else spent.allowed_s,
            window_s=0.0 if spent is None else spent.window_s,
            foreign=counts.cannot_open + counts.malformed,
            replayed=counts.replayed,
        )

    def rows(self) -> Mapping[str, NodeRadio]:
        """How each terminal that was heard fares by radio."""
        return self._watch.rows(time.monotonic(), self._names.get)

    async def _keep_modem(self) -> None:
        driver = choose(RADIOS, self._settings.kind)

        async def run(port: Closable, ready: Ready) -> None:
            await self._link.use(port, ready, self._opened)

        await keep_open(
            self._settings.port,
            run,
            open_at=load(driver.open),
            on_state=self._on_state,
            backoff=Backoff(REOPEN_FIRST_S, REOPEN_LIMIT_S, Random()),
        )

    @asynccontextmanager
    async def _opened(self, port: Closable, ready: Ready) -> AsyncIterator[LawfulRadio]:
        async with open_lawful_radio(
            self._settings, port, folder=self._folder, ledger=self._ledger, on_ready=ready
        ) as radio:
            yield radio

    def _on_state(self, state: DeviceState, reason: str) -> None:
        level = logging.INFO if state is DeviceState.READY else logging.WARNING
        log.log(level, "radio: %s: %s", state.value, reason)
        self._state = state

    def _time_s(self) -> int:
        reading = self._clock.read()
        return 0 if reading.source is ClockSource.UNSET else reading.wall_ms // 1000
