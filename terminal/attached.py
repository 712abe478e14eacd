"""The devices attached to a terminal, each kept open for as long as the terminal runs."""

import logging
from collections.abc import Awaitable, Callable
from random import Random

from drivers.errors import DriverConfigError
from drivers.gnss.base import GnssEvent, GnssReceiver
from drivers.port import Closable
from drivers.radios.site import RadioSettings
from drivers.readers.base import CardReader, ReaderEvent
from drivers.registry import GNSS, RADIOS, READERS, Driver, choose, load
from drivers.supervisor import REOPEN_FIRST_S, REOPEN_LIMIT_S, DeviceState, Ready, Run, keep_open
from protocol.health import DeviceHealth
from runtime.backoff import Backoff
from runtime.release import RELEASED
from terminal.device_health import health_of
from terminal.settings import GnssSettings, ReaderSettings

log = logging.getLogger(__name__)


class Attached:
    """One device: its state, and the loop that keeps it in use.

    A reader's `name` is its kind; of several readers each has a `number`, for the log.
    """

    def __init__(
        self,
        name: str,
        changed: Callable[[], None],
        *,
        number: int | None = None,
        is_fitted: bool = True,
    ) -> None:
        self.name, self._changed, self._is_fitted = name, changed, is_fitted
        self._logged_as = name if number is None else f"reader {number}, {name}"
        self.state: DeviceState | None = None
        """None until the first try has ended."""

    @property
    def health(self) -> DeviceHealth:
        """The state as heartbeats tell it."""
        if not self._is_fitted:
            return DeviceHealth.NOT_FITTED
        return health_of(self.state)

    async def read_cards(
        self, settings: ReaderSettings, present: Callable[[ReaderEvent], Awaitable[None]]
    ) -> None:
        """Present every card of a reader, until cancelled."""
        driver = choose(READERS, settings.kind)
        options = {} if settings.poll_s is None else {"poll_s": settings.poll_s}
        if options and not driver.polls:
            raise DriverConfigError(f"poll_s means nothing to a reader of kind {settings.kind!r}")
        make = load(driver.make)

        async def run(port: Closable, ready: Ready) -> None:
            reader: CardReader = make(port, on_ready=ready, **options)
            async for event in reader.events():
                await present(event)

        await self._keep(settings.port, driver, run)

    async def read_fixes(
        self,
        settings: GnssSettings,
        take: Callable[[GnssEvent], None],
        monotonic_s: Callable[[], float],
    ) -> None:
        """Take every event of a satellite receiver, until cancelled."""
        driver = choose(GNSS, settings.kind)
        make = load(driver.make)

        async def run(port: Closable, ready: Ready) -> None:
            receiver: GnssReceiver = make(port, built=RELEASED.date(), monotonic=monotonic_s)
            async for event in receiver.events():
                ready("talks")
                take(event)

        await self._keep(settings.port, driver, run)

    async def use_radio(self, settings: RadioSettings, run: Run[Closable]) -> None:
        """Have a modem used by `run` whenever it is there, until cancelled."""
        await self._keep(settings.port, choose(RADIOS, settings.kind), run)

    async def _keep(self, url: str, driver: Driver, run: Run[Closable]) -> None:
        backoff = Backoff(REOPEN_FIRST_S, REOPEN_LIMIT_S, Random())
        open_at = load(driver.open)
        await keep_open(url, run, open_at=open_at, on_state=self._on_state, backoff=backoff)

    def _on_state(self, state: DeviceState, reason: str) -> None:
        level = logging.INFO if state is DeviceState.READY else logging.WARNING
        log.log(level, "%s: %s: %s", self._logged_as, state.value, reason)
        self.state = state
        self._changed()
