"""The watch on battery and board."""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DriverConfigError
from drivers.panel.board import GaugePort
from drivers.power.board import BoardFacts, BoardHealth, Throttled
from drivers.power.disk import Disk
from drivers.power.ladder import Step
from protocol.health import DeviceHealth, PowerReport
from sim.clock import Run
from sim.devices.ups import SimBattery
from sim.power_supply import PowerSupplyTree
from terminal.power import KERNEL, PowerWatch, gauge_of
from terminal.settings import PowerSettings
from tests.inline_threads import use_no_threads

CHIP = GaugePort("max17048", "i2c:///dev/i2c-1?address=0x36")
DISK = Disk(10**9, is_read_only=False, worn_percent=None, errors=None)


class FakeBoard(BoardHealth):
    """Says what it is told to say."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.facts = BoardFacts(None, None, DISK)

    def read(self) -> BoardFacts:
        return self.facts


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    use_no_threads(monkeypatch, "terminal.power", "drivers.power.kernel")


def test_a_battery_is_followed_to_its_end_and_back(run: Run, tmp_path: Path) -> None:
    steps: list[tuple[int, Step]] = []
    healths: list[DeviceHealth] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        battery = SimBattery(loop.time, percent=30)
        battery.is_on_mains = False
        battery.drain(1.0)
        tree = PowerSupplyTree(tmp_path / "supply", battery)
        watch = PowerWatch(
            GaugePort("kernel", f"sysfs://{tmp_path}/supply"),
            FakeBoard(),
            changed=lambda: healths.append(watch.health),
            on_step=lambda step: steps.append((round(loop.time() / 60), step)),
        )
        running = asyncio.create_task(watch.run())
        for _ in range(28 * 6):
            tree.update()
            await asyncio.sleep(10)
        assert watch.report == PowerReport(False, 2, None, None)
        battery.is_on_mains = True
        tree.update()
        await asyncio.sleep(20)
        tree.is_faulty = True
        tree.update()
        await asyncio.sleep(60)
        assert healths[-1] is DeviceHealth.MISSING
        assert watch.charge is None
        tree.is_faulty = False
        tree.update()
        await asyncio.sleep(60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())
    assert steps == [(10, Step.WARN), (20, Step.SAVE), (25, Step.OFF), (28, Step.NORMAL)]
    assert healths[-1] is DeviceHealth.READY


def test_the_board_is_read_with_no_gauge_at_all(run: Run) -> None:
    async def main() -> None:
        board = FakeBoard()
        watch = PowerWatch(None, board)
        assert watch.report is None
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(1)
        assert watch.report is None
        assert watch.health is DeviceHealth.NOT_FITTED
        board.facts = BoardFacts(Throttled.UNDER_VOLTAGE, 61.4, DISK)
        await asyncio.sleep(60)
        assert watch.report == PowerReport(None, None, True, 61)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())


def test_a_board_that_cannot_be_read_does_not_end_the_watch(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        folder = tmp_path / "data"
        watch = PowerWatch(None, BoardHealth(folder, ask_firmware=lambda: "throttled=0x0"))
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(1)
        assert watch.board is None
        folder.mkdir()
        await asyncio.sleep(60)
        assert watch.board is not None
        assert watch.board.throttled == Throttled(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())


@pytest.mark.parametrize("has_battery", [False, True])
def test_which_gauge_it_is(tmp_path: Path, has_battery: bool) -> None:
    if has_battery:
        PowerSupplyTree(tmp_path, SimBattery(lambda: 0.0)).update()
    assert gauge_of(None, CHIP, tmp_path) is None
    assert gauge_of(PowerSettings(), CHIP, tmp_path) == (KERNEL if has_battery else CHIP)
    assert gauge_of(PowerSettings("kernel"), CHIP, tmp_path) == KERNEL
    chosen = PowerSettings("ina219", "i2c:///dev/i2c-1?address=0x42")
    assert gauge_of(chosen, CHIP, tmp_path) == GaugePort(*map(str, (chosen.kind, chosen.port)))


@pytest.mark.parametrize(
    ("settings", "on_board"),
    [
        (PowerSettings("ina219"), CHIP),
        (PowerSettings(port="i2c:///"), CHIP),
        (PowerSettings(), None),
    ],
)
def test_half_a_setting_is_refused(
    tmp_path: Path, settings: PowerSettings, on_board: GaugePort | None
) -> None:
    with pytest.raises(DriverConfigError, match=r"\[power\]"):
        gauge_of(settings, on_board, tmp_path)
