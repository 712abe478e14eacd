"""What the terminal lives on, and how its board fares: the latest facts, and what they ask for."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from random import Random

from drivers.errors import DriverConfigError
from drivers.panel.board import GaugePort
from drivers.port import Closable
from drivers.power.board import BoardFacts, BoardHealth, Throttled
from drivers.power.gauge import Charge, Gauge
from drivers.power.kernel import POWER_SUPPLY, batteries
from drivers.power.ladder import Ladder, Step
from drivers.registry import GAUGES, choose, load
from drivers.supervisor import REOPEN_FIRST_S, REOPEN_LIMIT_S, DeviceState, Ready, keep_open
from protocol.health import DeviceHealth, PowerReport
from runtime.backoff import Backoff
from runtime.threads import in_daemon_thread
from terminal.device_health import health_of
from terminal.settings import PowerSettings

log = logging.getLogger(__name__)

GAUGE_S = 10.0  # three readings confirm a step down: half a minute of a battery that lasts hours
BOARD_S = 30.0
KERNEL = GaugePort("kernel", POWER_SUPPLY)
_KERNEL_ROOT = Path("/sys/class/power_supply")


class PowerWatch:
    """Asks gauge and board again and again, while `run` runs.

    `charge`, `board` and `step` are the latest, None before the first; `changed` is called after
    each reading, `on_step` when the step differs. `gauge` is None where none is fitted.
    """

    def __init__(
        self,
        gauge: GaugePort | None,
        board: BoardHealth,
        *,
        changed: Callable[[], None] = lambda: None,
        on_step: Callable[[Step], None] = lambda _step: None,
    ) -> None:
        self.gauge, self._board = gauge, board
        self._changed, self._on_step = changed, on_step
        self._ladder = Ladder()
        self.charge: Charge | None = None
        self.board: BoardFacts | None = None
        self.health = DeviceHealth.NOT_FITTED if gauge is None else DeviceHealth.MISSING

    @property
    def step(self) -> Step:
        """What the battery asks for."""
        return self._ladder.step

    @property
    def report(self) -> PowerReport | None:
        """The facts as a heartbeat carries them; None when there are none at all."""
        throttled = self.board.throttled if self.board is not None else None
        temperature_c = self.board.temperature_c if self.board is not None else None
        if self.charge is None and throttled is None and temperature_c is None:
            return None
        return PowerReport(
            on_mains=self.charge.is_on_mains if self.charge is not None else None,
            charge_percent=round(self.charge.percent) if self.charge is not None else None,
            under_voltage=None if throttled is None else bool(throttled & Throttled.UNDER_VOLTAGE),
            temperature_c=None if temperature_c is None else round(temperature_c),
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_board())
            if self.gauge is not None:
                tasks.create_task(self._watch_gauge(self.gauge))

    async def _watch_gauge(self, gauge: GaugePort) -> None:
        driver = choose(GAUGES, gauge.kind)
        make = load(driver.make)

        async def use(port: Closable, ready: Ready) -> None:
            device: Gauge = make(port, on_ready=ready)
            while True:
                self._take(await device.read())
                await asyncio.sleep(GAUGE_S)

        await keep_open(
            gauge.port,
            use,
            open_at=load(driver.open),
            on_state=self._on_state,
            backoff=Backoff(REOPEN_FIRST_S, REOPEN_LIMIT_S, Random()),
        )

    async def _watch_board(self) -> None:
        while True:
            try:
                self.board = await in_daemon_thread(self._board.read)
            except OSError as error:
                log.warning("the board cannot be read: %s", error.strerror)
                self.board = None
            self._changed()
            await asyncio.sleep(BOARD_S)

    def _take(self, charge: Charge) -> None:
        before = self._ladder.step
        self.charge = charge
        step = self._ladder.take(charge)
        if step is not before:
            log.warning("battery at %.0f %%: %s", charge.percent, step.name)
            self._on_step(step)
        self._changed()

    def _on_state(self, state: DeviceState, reason: str) -> None:
        log.info("battery gauge: %s: %s", state.value, reason)
        self.health = health_of(state)
        if state is not DeviceState.READY:
            self.charge = None  # an old reading must not be taken for the battery now
        self._changed()


def gauge_of(
    settings: PowerSettings | None,
    on_board: GaugePort | None,
    kernel_root: Path = _KERNEL_ROOT,
) -> GaugePort | None:
    """Which gauge to use: the one in `[power]`, else the kernel's, else the board profile's.

    The kernel comes before the chip of the profile because a chip that the kernel drives answers
    nobody else. Raises `DriverConfigError` for half a setting, or when nothing says of a gauge.
    """
    if settings is None:
        return None
    if settings.kind is not None and settings.port is not None:
        return GaugePort(settings.kind, settings.port)
    if settings.kind == KERNEL.kind:
        return KERNEL
    if settings.kind is not None or settings.port is not None:
        raise DriverConfigError("[power] needs kind and port, or neither")
    if next(batteries(kernel_root), None) is not None:
        return KERNEL
    if on_board is None:
        raise DriverConfigError(
            "[power]: the kernel knows no battery, and no board profile says of a gauge"
        )
    return on_board
