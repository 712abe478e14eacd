"""How terminals fare: states by time, counts from what is stored and what they say."""

import pytest
from msgspec import structs

from gateway.fleet import LATE_AFTER, RADIO_LATE_S, RADIO_SILENT_S, SILENT_AFTER, Fleet
from gateway.store.base import Stream
from gateway.view import NodeRadio, NodeRow, NodeState
from protocol.health import (
    HEARTBEAT_INTERVAL_S,
    DeviceHealth,
    DeviceReport,
    DeviceRole,
    Heartbeat,
    PositionTrust,
    PowerReport,
)
from protocol.records import TimeSource
from protocol.roster import Point
from protocol.sequences import Range, SeqSet
from tests.musters import QINGSHAN, stamp
from tests.parties import COUNTY, Parties

LATE_S, SILENT_S = LATE_AFTER * HEARTBEAT_INTERVAL_S, SILENT_AFTER * HEARTBEAT_INTERVAL_S
STARTED_S = 40.0
BEAT = Heartbeat(
    county=COUNTY,
    node="t1",
    point="qingshan",
    at=stamp(),
    uptime_s=60,
    version="1",
    epoch=5,
    captured=10,
    waiting=4,
    oldest_waiting_s=90,
    refused=0,
    present=9,
    roster_version=1,
    devices=(DeviceReport(DeviceRole.READER, "sdt", DeviceHealth.READY),),
    disk_free_bytes=10**9,
)


@pytest.fixture
def fleet() -> Fleet:
    made = Fleet([QINGSHAN], STARTED_S)
    parties = Parties()
    made.enrol(parties.peer(parties.terminal("t1")).enrolment)
    return made


def stream(epoch: int, *held: Range) -> Stream:
    return Stream(1, "t1", epoch, SeqSet(held))


def row(fleet: Fleet, now_s: float, *streams: Stream) -> NodeRow:
    (found,) = fleet.rows(streams, now_s, {})
    return found


def test_a_terminal_nobody_heard_of_has_never_been_seen(fleet: Fleet) -> None:
    found = row(fleet, 100)
    assert (found.state, found.last_heard_s, found.point) == (NodeState.NEVER_SEEN, None, QINGSHAN)
    assert (found.captured, found.waiting, found.clock_source) == (0, 0, None)
    assert (found.devices, found.power) == ((), None)


@pytest.mark.parametrize(
    ("since_start_s", "state"),
    [
        (1, NodeState.ONLINE),
        (LATE_S + 1, NodeState.LATE),
        (SILENT_S + 1, NodeState.SILENT),
    ],
)
def test_whose_records_are_in_the_ledger_was_heard_before_the_gateway_started(
    fleet: Fleet, since_start_s: int, state: NodeState
) -> None:
    found = row(fleet, STARTED_S + since_start_s, stream(4, (1, 3)))
    assert (found.state, found.last_heard_s) == (state, since_start_s)
    fleet.state_said("t1", "offline")  # the broker retains its goodbye
    assert row(fleet, STARTED_S + since_start_s, stream(4, (1, 3))).state is NodeState.OFF


@pytest.mark.parametrize(
    ("silence_s", "state"),
    [
        (0, NodeState.ONLINE),
        (LATE_S, NodeState.ONLINE),
        (LATE_S + 0.1, NodeState.LATE),
        (SILENT_S, NodeState.LATE),
        (SILENT_S + 0.1, NodeState.SILENT),
    ],
)
@pytest.mark.parametrize("by_heartbeat", [True, False])
def test_silence_is_late_and_then_silent(
    fleet: Fleet, silence_s: float, state: NodeState, by_heartbeat: bool
) -> None:
    if by_heartbeat:
        fleet.heartbeat(BEAT, 1000)
    else:
        fleet.heard("t1", 1000)
    found = row(fleet, 1000 + silence_s)
    assert (found.state, found.last_heard_s) == (state, int(silence_s))


@pytest.mark.parametrize("role", DeviceRole)
@pytest.mark.parametrize("health", DeviceHealth)
def test_a_broken_device_makes_it_reduced(
    fleet: Fleet, role: DeviceRole, health: DeviceHealth
) -> None:
    report = DeviceReport(role, "x", health)
    fleet.heartbeat(structs.replace(BEAT, devices=(*BEAT.devices, report)), 0)
    is_well = health in {DeviceHealth.READY, DeviceHealth.NOT_FITTED}
    assert row(fleet, 1).state is (NodeState.ONLINE if is_well else NodeState.REDUCED)
    assert row(fleet, SILENT_S + 1).state is NodeState.SILENT


@pytest.mark.parametrize(
    ("change", "is_well"),
    [
        ({"position_trust": PositionTrust.STALE}, True),
        ({"position_trust": PositionTrust.SUSPECT}, False),
        ({"enclosure_is_open": False}, True),
        ({"enclosure_is_open": True}, False),
        ({"power": PowerReport(None, None, None, None)}, True),
        ({"power": PowerReport(False, 20, False, 50)}, True),
        ({"power": PowerReport(False, 19, False, 50)}, False),
        ({"power": PowerReport(None, 19, False, 50)}, False),
        ({"power": PowerReport(True, 19, False, 50)}, True),  # charging
        ({"power": PowerReport(True, 100, True, 50)}, False),
    ],
)
def test_what_else_makes_it_reduced(fleet: Fleet, change: dict[str, object], is_well: bool) -> None:
    fleet.heartbeat(structs.replace(BEAT, **change), 0)
    assert row(fleet, 1).state is (NodeState.ONLINE if is_well else NodeState.REDUCED)


def test_goodbye_holds_until_it_is_heard_again(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    fleet.state_said("t1", "offline")
    assert row(fleet, 1).state is NodeState.OFF
    assert row(fleet, 10**6).state is NodeState.OFF
    fleet.heartbeat(BEAT, 10**6)
    assert row(fleet, 10**6).state is NodeState.ONLINE
    fleet.state_said("t1", "offline")
    fleet.state_said("t1", "online")
    assert row(fleet, 10**6).state is NodeState.ONLINE


def test_a_terminal_that_was_lost_did_not_say_goodbye(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    fleet.state_said("t1", "lost")
    assert row(fleet, 1).state is NodeState.ONLINE
    assert row(fleet, SILENT_S + 1).state is NodeState.SILENT


def test_nobody_enrolled_is_nobody_shown(fleet: Fleet) -> None:
    fleet.heard("t9", 1)
    fleet.state_said("t9", "offline")
    fleet.heartbeat(structs.replace(BEAT, node="t9"), 1)
    assert [each.node for each in fleet.rows([], 1, {})] == ["t1"]


def test_what_waits_is_what_it_has_and_we_have_not(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    found = row(fleet, 1, stream(5, (1, 3), (6, 6)))
    assert (found.captured, found.stored, found.waiting) == (10, 4, 6)
    assert found.gaps == ((4, 5),)
    assert (found.oldest_waiting_s, found.clock_source) == (90, TimeSource.NTP)


def test_what_came_since_its_last_word_counts(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    found = row(fleet, 1, stream(5, (1, 12)))
    assert (found.captured, found.stored, found.waiting) == (12, 12, 0)


def test_an_outbox_made_anew_does_not_hide_the_one_before(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    found = row(fleet, 1, stream(4, (1, 100), (103, 110)), stream(5, (1, 9)))
    assert (found.captured, found.stored, found.waiting) == (118, 117, 1)
    assert found.gaps == ()  # what is missing of an outbox that is gone will not come


def test_without_a_word_from_it_every_gap_is_shown(fleet: Fleet) -> None:
    found = row(fleet, 1, stream(4, (2, 2)), stream(5, (3, 3)))
    assert found.gaps == ((1, 1), (1, 2))
    assert (found.captured, found.stored) == (2, 2)


def test_what_was_refused_does_not_wait(fleet: Fleet) -> None:
    fleet.heartbeat(structs.replace(BEAT, refused=2), 0)
    assert row(fleet, 1, stream(5, (1, 8))).waiting == 0


def test_a_point_we_do_not_know_is_called_by_its_name() -> None:
    fleet = Fleet([], STARTED_S)
    parties = Parties()
    fleet.enrol(parties.peer(parties.terminal("t1")).enrolment)
    assert row(fleet, 0).point == Point("qingshan", "qingshan", "qingshan")


def test_enrolling_again_keeps_what_is_known(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    parties = Parties()
    fleet.enrol(parties.peer(parties.terminal("t1")).enrolment)
    assert row(fleet, 1).state is NodeState.ONLINE


def by_radio(heard_s: int, *, waiting: int | None = None, oldest_s: int | None = None) -> NodeRadio:
    return NodeRadio(heard_s, -90, -90, None, 1, 0, None, waiting, oldest_s, None, ())


def radio_row(fleet: Fleet, now_s: float, radio: NodeRadio, *streams: Stream) -> NodeRow:
    (found,) = fleet.rows(streams, now_s, {"t1": radio})
    return found


@pytest.mark.parametrize(
    ("silence_s", "state"),
    [
        (0, NodeState.ONLINE),
        (RADIO_LATE_S, NodeState.ONLINE),
        (RADIO_LATE_S + 1, NodeState.LATE),
        (RADIO_SILENT_S, NodeState.LATE),
        (RADIO_SILENT_S + 1, NodeState.SILENT),
    ],
)
@pytest.mark.parametrize("was_heard_before", [False, True])
def test_by_radio_a_terminal_may_be_silent_for_longer(
    fleet: Fleet, silence_s: int, state: NodeState, was_heard_before: bool
) -> None:
    if was_heard_before:
        fleet.heartbeat(BEAT, 0)
    found = radio_row(fleet, 10_000, by_radio(silence_s))
    assert (found.state, found.last_heard_s) == (state, silence_s)


def test_who_was_heard_by_network_later_goes_by_the_network(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    found = radio_row(fleet, SILENT_S + 1, by_radio(int(SILENT_S) + 2, waiting=1))
    assert (found.state, found.waiting) == (NodeState.SILENT, 10)
    assert found.radio is not None


def test_who_said_goodbye_and_speaks_by_radio_is_there(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    fleet.state_said("t1", "offline")
    assert radio_row(fleet, 100, by_radio(5)).state is NodeState.ONLINE


def test_what_it_says_by_radio_of_its_records_replaces_its_last_heartbeat(fleet: Fleet) -> None:
    fleet.heartbeat(BEAT, 0)
    held = stream(5, (1, 8))
    silent = radio_row(fleet, 100, by_radio(5), held)
    assert (silent.captured, silent.waiting, silent.oldest_waiting_s) == (10, 2, 90)
    told = radio_row(fleet, 100, by_radio(5, waiting=7, oldest_s=12), held)
    assert (told.captured, told.waiting, told.oldest_waiting_s) == (15, 7, 12)
    empty = radio_row(fleet, 100, by_radio(5, waiting=0, oldest_s=0), stream(5, (1, 10)))
    assert (empty.captured, empty.waiting, empty.oldest_waiting_s) == (10, 0, 0)


def test_one_known_by_radio_only_has_been_seen(fleet: Fleet) -> None:
    found = radio_row(fleet, 100, by_radio(3, waiting=4, oldest_s=9))
    assert (found.state, found.captured, found.waiting) == (NodeState.ONLINE, 4, 4)
