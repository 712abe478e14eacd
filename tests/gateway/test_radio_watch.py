"""How well terminals are heard, and what they said of themselves by radio."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.radio_watch import RadioWatch
from gateway.view import HeardBy, NodeRadio
from protocol.radio_up import Fare, HeardNode, Status

NAMES = {0: "gateway", 2: "t2"}


def status(
    waiting: int = 0,
    oldest_s: int = 0,
    *,
    battery: int | None = 80,
    heard: tuple[HeardNode, ...] = (),
) -> Status:
    return Status(waiting, oldest_s, Fare.READER_READY, battery, 1, 0, 3, heard)


def row(watch: RadioWatch, now_s: float, stored: int = 0) -> NodeRadio:
    (found,) = watch.rows(now_s, NAMES.get, {"t1": stored}).values()
    return found


@pytest.fixture
def watch() -> RadioWatch:
    return RadioWatch()


def test_nobody_is_shown_before_anybody_was_heard(watch: RadioWatch) -> None:
    assert watch.rows(0, NAMES.get, {"t1": 5}) == {}


def test_what_it_did_not_tell_is_unknown(watch: RadioWatch) -> None:
    watch.heard("t1", None, None, 0, 10)
    assert row(watch, 12.9) == NodeRadio(
        heard_s=2,
        rssi_dbm=None,
        mean_rssi_dbm=None,
        snr_db=None,
        frames=1,
        lost_percent=0,
        airtime_percent=None,
        waiting=None,
        oldest_waiting_s=None,
        battery_percent=None,
        hears=(),
    )


def test_the_mean_level_follows_slowly_and_outlives_a_modem_that_does_not_tell(
    watch: RadioWatch,
) -> None:
    for rssi_dbm in (-80, -80, -100):
        watch.heard("t1", rssi_dbm, 4.0, 0, 0)
    assert (row(watch, 0).rssi_dbm, row(watch, 0).mean_rssi_dbm) == (-100, -84)
    watch.heard("t1", None, None, 0, 0)
    assert (row(watch, 0).rssi_dbm, row(watch, 0).mean_rssi_dbm) == (None, -84)


@given(st.lists(st.integers(-130, -30), min_size=1))
def test_the_mean_is_among_what_was_heard(levels: list[int]) -> None:
    watch = RadioWatch()
    for rssi_dbm in levels:
        watch.heard("t1", rssi_dbm, None, 0, 0)
    mean = row(watch, 0).mean_rssi_dbm
    assert mean is not None
    assert min(levels) <= mean <= max(levels)


def test_lost_frames_are_a_share_of_those_sent(watch: RadioWatch) -> None:
    watch.heard("t1", -80, None, 0, 0)
    watch.heard("t1", -80, None, 2, 0)
    assert (row(watch, 0).frames, row(watch, 0).lost_percent) == (2, 50)


def test_what_waits_falls_with_what_arrives_since(watch: RadioWatch) -> None:
    """A terminal says how it fares every ten minutes, and sends a thousand records in between."""
    watch.told("t1", status(waiting=100, oldest_s=30), 20, 0)
    assert (row(watch, 5, 20).waiting, row(watch, 5, 20).oldest_waiting_s) == (100, 35)
    assert row(watch, 60, 90).waiting == 30
    assert (row(watch, 90, 120).waiting, row(watch, 90, 120).oldest_waiting_s) == (0, 0)
    assert row(watch, 90, 130).waiting == 0, "it made more in the meantime"


def test_it_hears_whom_we_know(watch: RadioWatch) -> None:
    heard = (HeardNode(2, -70, 9), HeardNode(5, -75, 2), HeardNode(0, -90, 4))
    watch.told("t1", status(battery=None, heard=heard), 0, 0)
    found = row(watch, 0)
    assert found.hears == (HeardBy("t2", -70, 9), HeardBy("gateway", -90, 4))
    assert (found.battery_percent, found.airtime_percent) == (None, 3)
