"""What the page and the heartbeat say: custody that adds up, and every standing trouble."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from drivers.power.board import BoardFacts, BoardHealth, Throttled
from drivers.power.disk import Disk
from drivers.power.gauge import Charge
from drivers.power.ladder import CONFIRMED_BY
from drivers.supervisor import DeviceState
from protocol.health import (
    DeviceHealth,
    PositionTrust,
    PowerReport,
    pack_heartbeat,
    unpack_heartbeat,
)
from protocol.radio_up import MAX_SECONDS, Fare, unpack_status
from protocol.roster import Point
from runtime.backoff import Backoff
from runtime.clock import SystemClock, TimeFloor
from runtime.config import BrokerSettings
from runtime.release import RELEASED
from terminal.attached import Attached
from terminal.bulletins import BulletinBook
from terminal.county import County
from terminal.equipment import Equipment
from terminal.lane import Lane
from terminal.outbox import FLOOR_BYTES
from terminal.position import Position
from terminal.power import PowerWatch
from terminal.revocations import RevocationBook
from terminal.roster import RosterBook
from terminal.seen import SeenBook
from terminal.settings import ReaderSettings, TerminalSettings, WebSettings
from terminal.station import Station
from terminal.status import ROOM_LOW_BYTES, Status
from terminal.uplink import Uplink
from terminal.view import LinkState, ShownRadio, ShownReader, Trouble
from tests.badges import credentials
from tests.musters import ACTIVATION, QINGSHAN, roster
from tests.outboxes import EVERYTHING, Bench, receipt

NOW_MS = int(RELEASED.timestamp() * 1000) + 10**9
SETTINGS = TerminalSettings(
    county="demo",
    node="t1",
    point="qingshan",
    broker=BrokerSettings("127.0.0.1"),
    web=WebSettings(8000),
    readers=(ReaderSettings("sdt", "serial:///dev/null"),),
    lane=2,
)


class Rig:
    def __init__(self, folder: Path) -> None:
        self.wall_ms, self.ntp_error_ms = NOW_MS, 20
        self.bench = bench = Bench(folder / "outbox.db")
        self.outbox = bench.open()
        self.clock = SystemClock(
            TimeFloor(folder / "floor"),
            wall_ms=lambda: self.wall_ms,
            mono_ms=lambda: self.wall_ms - NOW_MS,
            ntp_error_ms=lambda: self.ntp_error_ms,
        )
        self.station = Station("qingshan", 2, credentials())
        uplink = Uplink(
            self.outbox, bench.terminal.signing_key, Backoff(1, 2, Random(1)), lambda: 0.0
        )
        book = RosterBook(folder, bench.terminal)
        bulletins = BulletinBook(folder, bench.terminal)
        revoked = RevocationBook(folder, bench.terminal)
        self.county = County(
            bench.terminal, book, bulletins, revoked, self.station, uplink, self.clock, lambda: None
        )
        self.lane = Lane(
            self.station, self.outbox, SeenBook(bench.terminal), self.clock, None, lambda: None
        )
        self.reader = Attached("sdt", lambda: None)
        self.power = PowerWatch(None, BoardHealth(folder, ask_firmware=lambda: None))
        self.readers = [self.reader]
        self.equipment = Equipment(
            SETTINGS,
            self.readers,
            Attached("satellite receiver", lambda: None, is_fitted=False),
            Position(self.clock),
            self.power,
            None,
            None,
        )
        self.status = Status(
            SETTINGS,
            bench.terminal,
            clock=self.clock,
            outbox=self.outbox,
            station=self.station,
            lane=self.lane,
            county=self.county,
            equipment=self.equipment,
        )


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    made.outbox.close()
    made.outbox = made.status._outbox = made.bench.open()
    return made


def test_a_fresh_terminal_says_what_it_lacks(rig: Rig) -> None:
    view = rig.status.view()
    assert view.troubles == (Trouble.NO_ROSTER,)
    assert (view.point, view.lane) == (Point("qingshan", "qingshan", "qingshan"), 2)
    assert (view.roster_version, view.roster_issued_ms, view.activation) == (None, None, None)
    assert (view.reader, view.gnss) == (DeviceHealth.MISSING, DeviceHealth.NOT_FITTED)
    assert view.link is LinkState.DOWN
    rig.outbox.close()


def test_each_reader_is_shown_and_the_worst_of_them(rig: Rig) -> None:
    second = Attached("scanner", lambda: None)
    rig.readers.append(second)
    rig.reader.state, second.state = DeviceState.READY, DeviceState.OTHER
    view = rig.status.view()
    assert view.readers == (
        ShownReader(1, "sdt", DeviceState.READY),
        ShownReader(2, "scanner", DeviceState.OTHER),
    )
    assert view.reader is DeviceHealth.SILENT
    rig.outbox.close()


def test_what_the_battery_and_the_board_ask_for_is_told(rig: Rig) -> None:
    disk = Disk(free_bytes=10**9, is_read_only=False, worn_percent=90, errors=None)
    rig.power.board = BoardFacts(Throttled.UNDER_VOLTAGE, 51.6, disk)
    for _ in range(CONFIRMED_BY):
        rig.power._take(Charge(14.4, 3.4, is_charging=False, is_on_mains=False, source="x"))
    assert rig.status.view().troubles[-3:] == (
        Trouble.BATTERY_LOW,
        Trouble.UNDER_VOLTAGE,
        Trouble.DISK_WEARING,
    )
    beat = rig.status.heartbeat()
    assert beat.power == PowerReport(False, 14, True, 52)
    assert beat.position_trust is PositionTrust.UNKNOWN
    assert beat.enclosure_is_open is None
    rig.outbox.close()


def test_custody_adds_up(rig: Rig) -> None:
    for age_s in (90, 60, 30, 0):
        rig.outbox.append(b"x", NOW_MS - age_s * 1000)
    rig.outbox.settle(receipt(rig.outbox.origin, [(1, 1)], [(3, 3)]), EVERYTHING)
    custody = rig.status.view().custody
    assert (custody.captured, custody.stored, custody.waiting, custody.refused) == (4, 1, 2, 1)
    assert custody.oldest_waiting_s == 60
    rig.outbox.close()


def test_a_clock_set_back_makes_nothing_wait_less_than_no_time(rig: Rig) -> None:
    rig.outbox.append(b"x", NOW_MS + 5000)
    assert rig.status.view().custody.oldest_waiting_s == 0
    rig.outbox.close()


def test_every_standing_trouble_is_named_and_the_lanes_first(rig: Rig) -> None:
    rig.bench.free_bytes = FLOOR_BYTES + ROOM_LOW_BYTES - 1
    rig.wall_ms = 0
    rig.county.refuses = True
    rig.lane.trouble = Trouble.HOLD_CARD_STILL
    assert rig.status.view().troubles == (
        Trouble.HOLD_CARD_STILL,
        Trouble.DISK_LOW,
        Trouble.NO_ROSTER,
        Trouble.CLOCK_UNSET,
        Trouble.COUNTY_REFUSES,
    )
    rig.outbox.close()


def test_nothing_is_wrong_when_nothing_is(rig: Rig) -> None:
    rig.bench.free_bytes = FLOOR_BYTES + ROOM_LOW_BYTES
    rig.station.roster, rig.station.activation = roster(3), ACTIVATION
    view = rig.status.view()
    assert view.troubles == ()
    assert (view.point, view.expected, view.present) == (QINGSHAN, 3, 0)
    assert (view.roster_version, view.activation) == (3, ACTIVATION)
    rig.outbox.close()


@pytest.mark.parametrize("free_bytes", [0, FLOOR_BYTES, FLOOR_BYTES + 10**12])
def test_a_heartbeat_always_travels(rig: Rig, free_bytes: int) -> None:
    """Packing checks nothing, so every state must stay within what the gateway decodes."""
    rig.bench.free_bytes = free_bytes
    rig.outbox.append(b"x", NOW_MS - 5000) if free_bytes > FLOOR_BYTES else None
    rig.wall_ms += 65_000
    beat = rig.status.heartbeat()
    key = rig.bench.terminal.signing_key
    assert unpack_heartbeat(pack_heartbeat(beat, key), key.public_key()) == beat
    assert beat.disk_free_bytes == max(0, free_bytes - FLOOR_BYTES)
    assert (beat.node, beat.point, beat.uptime_s) == ("t1", "qingshan", 65)
    assert beat.latitude_e6 is None
    rig.outbox.close()


class FakeNeighbours:
    def lanes(self) -> tuple[int, ...]:
        return 1, 2, 4


def test_lanes_that_are_heard_are_shown_and_one_with_our_number_is_a_trouble(rig: Rig) -> None:
    assert rig.status.view().lanes_heard == ()
    rig.status._neighbours = FakeNeighbours()  # type: ignore[assignment]  # a fake
    view = rig.status.view()
    assert view.lanes_heard == (1, 4)
    assert Trouble.SAME_LANE in view.troubles
    rig.outbox.close()


class FakeRadio:
    """A radio that does as it is told."""

    airtime_percent = 12

    def __init__(self, *, carries: bool, is_ready: bool) -> None:
        self._shown = ShownRadio(carries, is_ready, None, None)

    def shown(self, waiting: int) -> ShownRadio:
        return replace(self._shown, drained_in_s=waiting)


@pytest.mark.parametrize(
    ("carries", "is_ready", "link", "is_trouble"),
    [
        (True, True, LinkState.RADIO, False),
        (True, False, LinkState.DOWN, True),
        (False, False, LinkState.DOWN, False),
        (False, True, LinkState.DOWN, False),
    ],
)
def test_the_link_is_the_radio_when_that_carries_and_works(
    rig: Rig, carries: bool, is_ready: bool, link: LinkState, is_trouble: bool
) -> None:
    radio = FakeRadio(carries=carries, is_ready=is_ready)
    rig.status._radio = radio  # type: ignore[assignment]  # a fake
    view = rig.status.view()
    assert view.link is link
    assert (Trouble.RADIO_MISSING in view.troubles) is is_trouble
    rig.outbox.close()


def test_what_the_radio_tells_of_us_fits_its_fields(rig: Rig) -> None:
    rig.outbox.append(b"x", NOW_MS)
    rig.station.roster = roster(3)
    rig.wall_ms += 10**9
    rig.status._radio = FakeRadio(carries=True, is_ready=True)  # type: ignore[assignment]  # a fake
    told = rig.status.by_radio()
    assert unpack_status(told.pack()) == told
    assert (told.waiting, told.oldest_s, told.roster_version, told.news) == (1, MAX_SECONDS, 3, 0)
    assert (told.battery_percent, told.airtime_percent) == (None, 12)
    assert Fare.READER_READY not in told.fare
    rig.outbox.close()
