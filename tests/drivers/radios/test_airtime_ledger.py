"""The airtime ledger: never over budget in any window, whatever stops, starts or is set."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from drivers.radios.law import HOUR_S, Budget
from drivers.radios.ledger import LATEST_S, AirtimeLedger, open_ledger
from runtime.clock import UNKNOWN_ERROR_MS, ClockSource, Reading
from runtime.database import DatabaseError

ROUNDING_S = 1e-6
HOURLY = Budget(36.0, HOUR_S)
DWELL = Budget(0.4, 20.0)
EPOCH_MS = 1_790_000_000_000


@dataclass
class Machine:
    """A computer whose clocks can be anything: the true time is the test's own."""

    true_s: float = 1000.0
    booted_s: float = 900.0
    boot: int = 1
    wall_ahead_s: float = 0.0
    source: ClockSource = ClockSource.UNSET
    error_s: float = 0.0

    def monotonic_s(self) -> float:
        return self.true_s - self.booted_s

    def read(self) -> Reading:
        vouched = self.source is not ClockSource.UNSET
        ahead_s = self.error_s if vouched else self.wall_ahead_s
        error_ms = math.ceil(abs(self.error_s) * 1000) if vouched else UNKNOWN_ERROR_MS
        wall_ms = EPOCH_MS + round((self.true_s + ahead_s) * 1000)
        return Reading(wall_ms, int(self.monotonic_s() * 1000), self.boot, self.source, error_ms)

    def reboot(self, off_s: float = 0.0) -> None:
        self.true_s += off_s
        self.booted_s = self.true_s
        self.boot += 1


def transmit(machine: Machine, ledger: AirtimeLedger, airtime_s: float) -> None:
    booking = ledger.book(airtime_s)
    ledger.save(booking)
    machine.true_s += airtime_s
    ledger.ended(booking, surely=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "airtime.db"


def test_it_counts_what_the_last_hour_held(path: Path) -> None:
    machine = Machine()
    ledger = open_ledger(path, machine)
    transmit(machine, ledger, 2.0)
    machine.true_s += 1800
    transmit(machine, ledger, 3.0)
    assert ledger.spent_s() == 5
    assert ledger.spent_s(20.0) == 3
    machine.true_s += 1801
    assert ledger.spent_s() == 3
    machine.true_s += 1800
    assert ledger.spent_s() == 0
    ledger.close()


def test_it_says_when_a_frame_may_be_sent(path: Path) -> None:
    machine = Machine()
    ledger = open_ledger(path, machine)
    assert ledger.free_at_s(DWELL, 0.3) == machine.monotonic_s()
    transmit(machine, ledger, 0.2)
    ends_s = machine.monotonic_s()
    machine.true_s += 5
    transmit(machine, ledger, 0.2)
    assert ledger.free_at_s(DWELL, 0.1) == pytest.approx(ends_s + 20, abs=1)
    assert ledger.free_at_s(DWELL, 0.3) == pytest.approx(ends_s + 25.2, abs=1)
    assert ledger.free_at_s(DWELL, 0.41) == math.inf
    machine.true_s = machine.booted_s + ledger.free_at_s(DWELL, 0.3)
    assert ledger.free_at_s(DWELL, 0.3) == machine.monotonic_s()
    ledger.close()


def test_a_frame_under_way_counts(path: Path) -> None:
    machine = Machine()
    ledger = open_ledger(path, machine)
    booking = ledger.book(0.3)
    assert ledger.spent_s(20.0) == 0.3
    machine.true_s += 100
    assert ledger.spent_s(20.0) == 0.3
    ledger.ended(booking, surely=False)
    assert ledger.spent_s(20.0) == 0
    ledger.close()


def test_a_frame_that_may_still_come_counts_until_it_cannot(path: Path) -> None:
    machine = Machine()
    ledger = open_ledger(path, machine)
    ledger.ended(ledger.book(0.3), surely=False)
    machine.true_s += LATEST_S + 20
    assert ledger.spent_s(20.0) == 0.3
    machine.true_s += 2
    assert ledger.spent_s(20.0) == 0
    ledger.close()


def test_a_new_process_of_the_same_boot_knows_how_old_it_all_is(path: Path) -> None:
    machine = Machine()
    ledger = open_ledger(path, machine)
    transmit(machine, ledger, 10.0)
    ledger.close()
    machine.true_s += 3500
    again = open_ledger(path, machine)
    assert again.spent_s() == 10
    machine.true_s += 100 + LATEST_S + 1
    assert again.spent_s() == 0
    again.close()


@pytest.mark.parametrize("ahead_s", [-1e9, 1e9])
def test_a_reboot_and_a_clock_that_is_set_free_nothing(path: Path, ahead_s: float) -> None:
    machine = Machine(source=ClockSource.NTP)
    ledger = open_ledger(path, machine)
    transmit(machine, ledger, 10.0)
    machine.true_s += 3300
    transmit(machine, ledger, 2.0)
    ledger.close()
    machine.source, machine.wall_ahead_s = ClockSource.UNSET, ahead_s
    machine.reboot(off_s=60)
    again = open_ledger(path, machine)
    assert again.spent_s() == 12
    machine.wall_ahead_s = -ahead_s
    transmit(machine, again, 1.0)
    assert again.spent_s() == 13
    again.close()


@pytest.mark.parametrize("source", [ClockSource.GNSS, ClockSource.NTP])
def test_a_drill_last_month_is_forgotten_once_somebody_vouches_for_the_time(
    path: Path, source: ClockSource
) -> None:
    machine = Machine(source=source)
    ledger = open_ledger(path, machine)
    for _ in range(4):
        transmit(machine, ledger, 9.0)
    ledger.close()
    machine.source = ClockSource.UNSET
    machine.reboot(off_s=30 * 86_400)
    again = open_ledger(path, machine)
    machine.true_s += 60
    assert again.free_at_s(HOURLY, 1.0) > machine.monotonic_s()
    machine.source = source
    assert again.free_at_s(HOURLY, 36.0) == machine.monotonic_s()
    transmit(machine, again, 1.0)
    again.close()
    machine.reboot()
    third = open_ledger(path, machine)
    assert third.spent_s() == 1
    third.close()


@pytest.mark.parametrize(("off_s", "error_s"), [(3540, 0), (3700, 60), (5000, 900)])
def test_less_than_an_hour_is_not_long_ago_however_it_is_told(
    path: Path, off_s: float, error_s: float
) -> None:
    """The clock was slow by its error before, and is fast by it now."""
    machine = Machine(source=ClockSource.NTP, error_s=-error_s)
    ledger = open_ledger(path, machine)
    transmit(machine, ledger, 9.0)
    ledger.close()
    machine.reboot(off_s - 2 * error_s)
    machine.error_s = error_s
    again = open_ledger(path, machine)
    assert again.spent_s() == 9
    again.close()


def test_what_was_sent_since_the_start_is_not_forgotten_with_last_month(path: Path) -> None:
    machine = Machine(source=ClockSource.NTP)
    ledger = open_ledger(path, machine)
    transmit(machine, ledger, 30.0)
    ledger.close()
    machine.source = ClockSource.UNSET
    machine.reboot(off_s=30 * 86_400)
    again = open_ledger(path, machine)
    transmit(machine, again, 5.0)
    machine.source = ClockSource.NTP
    assert again.spent_s() == 5
    again.close()
    third = open_ledger(path, machine)
    assert third.spent_s() == 5
    third.close()


def test_a_damaged_file_is_no_empty_ledger(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(DatabaseError):
        open_ledger(path, Machine())


TIMES_S = st.sampled_from([0, 1, 15, 60, 600, 2500, 3600, 3661, 5000, 86_400])


@dataclass
class OnAir:
    start_s: float
    end_s: float


class LawMachine(RuleBasedStateMachine):
    """A modem behind the ledger; what is on the air is what the modem did, not what was booked."""

    budget = Budget(4.0, HOUR_S)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.machine = Machine()
        self.sent: list[OnAir] = []
        self.ledger = self._open()

    def _open(self) -> AirtimeLedger:
        return open_ledger(Path(self.folder.name) / "airtime.db", self.machine)

    def _restart(self) -> None:
        self.ledger.close()  # what a killed process leaves is what was committed
        self.ledger = self._open()

    @initialize(vouched=st.booleans())
    def first_clock(self, vouched: bool) -> None:
        self.machine.source = ClockSource.NTP if vouched else ClockSource.UNSET

    @rule(
        share=st.sampled_from([1.0, 0.5, 0.3]),
        late_s=st.sampled_from([0, 2, 29.5]),
        crashes=st.sampled_from(["no", "no", "before it", "after it", "cancelled"]),
        until_free=st.booleans(),
    )
    def send(self, share: float, late_s: float, crashes: str, until_free: bool) -> None:
        airtime_s = self.budget.airtime_s * share
        free_at_s = self.ledger.free_at_s(self.budget, airtime_s)
        if until_free:
            self.machine.true_s = max(self.machine.true_s, self.machine.booted_s + free_at_s)
        if self.ledger.free_at_s(self.budget, airtime_s) > self.machine.monotonic_s():
            return
        booking = self.ledger.book(airtime_s)
        self.ledger.save(booking)
        if crashes == "before it":
            self._restart()
            return
        start_s = self.machine.true_s + late_s
        self.sent.append(OnAir(start_s, start_s + airtime_s))
        if crashes == "after it":
            self._restart()
            return
        if crashes == "cancelled":
            self.ledger.ended(booking, surely=False)
            return
        self.machine.true_s = start_s + airtime_s
        self.ledger.ended(booking, surely=True)

    @rule(by_s=TIMES_S)
    def wait(self, by_s: float) -> None:
        self.machine.true_s += by_s

    @rule()
    def restart(self) -> None:
        self._restart()

    @rule(off_s=TIMES_S)
    def reboot(self, off_s: float) -> None:
        self.machine.reboot(off_s)
        self._restart()

    @rule(ahead_s=st.sampled_from([-1e8, -600, 600, 3660, 1e8]))
    def set_clock(self, ahead_s: float) -> None:
        self.machine.source = ClockSource.UNSET
        self.machine.wall_ahead_s = ahead_s

    @rule(
        source=st.sampled_from([ClockSource.NTP, ClockSource.GNSS]),
        error_s=st.sampled_from([-600, 0, 600]),
    )
    def vouch(self, source: ClockSource, error_s: float) -> None:
        """It is within its error."""
        self.machine.source, self.machine.error_s = source, error_s

    @invariant()
    def no_window_holds_more_than_the_law_allows(self) -> None:
        for last in self.sent:
            since_s = last.end_s - self.budget.window_s
            used_s = sum(
                max(0.0, min(each.end_s, last.end_s) - max(each.start_s, since_s))
                for each in self.sent
            )
            assert used_s <= self.budget.airtime_s + ROUNDING_S

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()


class DwellMachine(LawMachine):
    """The same under the American rule."""

    budget = DWELL


TestHourly = LawMachine.TestCase
TestHourly.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestDwell = DwellMachine.TestCase
TestDwell.settings = TestHourly.settings
