"""The gateway's radio engine in virtual time: fast, silent when it can be, and nothing is lost."""

import statistics
from itertools import pairwise

import pytest

from gateway.links.lora_plan import RECEIPT_WAIT_S
from protocol.frames import open_frame, parse_header
from protocol.radio_keys import Direction, group_radio_key, link_key
from protocol.radio_schedule import AllKind, Flags, Turn, unpack_schedule
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet
from tests.radio_county import COUNTY, COUNTY_RADIO_KEY, GATEWAY_EPOCH, RadioCounty, ideal_s

LONG_S = 5000.0
GROUP = link_key(group_radio_key(COUNTY_RADIO_KEY, COUNTY), Direction.ALL, 0, GATEWAY_EPOCH)


def turns(frame: bytes) -> list[Turn]:
    opened = open_frame(GROUP, frame, ReplayWindow(parse_header(frame).clear_counter))
    assert opened.kind == AllKind.SCHEDULE
    return [each.turn for each in unpack_schedule(opened.content)[1]]


def said_since(county: RadioCounty, start_s: float) -> list[tuple[float, list[Turn]]]:
    return [(at_s, turns(frame)) for at_s, frame in county.gateway_frames if at_s > start_s]


def quiet(terminals: int, frames: int = 0, **options: float) -> RadioCounty:
    """A county that has been asked once, and has nothing left to say."""
    county = RadioCounty(terminals, frames, **options)  # type: ignore[arg-type]  # floats for ints
    county.run_until(60.0)
    return county


@pytest.mark.parametrize(("turns_per_schedule", "overhead"), [(1, 0.10), (8, 0.16)])
def test_a_backlog_without_losses_costs_little_more_than_its_air(
    turns_per_schedule: int, overhead: float
) -> None:
    county = RadioCounty(20, 10, turns_per_schedule=turns_per_schedule)
    took_s = county.run(county.all_stored, LONG_S)
    assert took_s < ideal_s(20, 10) * (1 + overhead)
    assert county.heard_frames < 220, "nothing is sent twice, and few are asked in vain"
    county.run(county.all_settled, took_s + 10)


def test_a_poll_needs_no_second_schedule_for_a_burst() -> None:
    county = RadioCounty(5, 10)
    county.run(county.all_stored, LONG_S)
    assert len(county.gateway_frames) == 5


@pytest.mark.parametrize("loss", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("turns_per_schedule", [1, 8])
def test_everything_arrives_and_is_receipted_whatever_is_lost(
    turns_per_schedule: int, loss: float
) -> None:
    for seed in range(3):
        county = RadioCounty(
            6, 8, turns_per_schedule=turns_per_schedule, loss=loss, commit_s=0.05, seed=seed
        )
        county.run(county.all_settled, LONG_S)
        assert county.all_stored()


def test_twenty_terminals_lose_one_frame_in_twenty() -> None:
    """With this channel's lags no scheme without losses ends before 127 s."""
    runs = []
    for seed in range(5):
        county = RadioCounty(20, 10, loss=0.05, commit_s=0.02, seed=seed)
        runs.append(county.run(county.all_stored, LONG_S))
    assert statistics.mean(runs) < 150


def test_a_slow_commit_holds_up_nobody_else() -> None:
    fast, slow = (RadioCounty(6, 10, commit_s=commit_s) for commit_s in (0.0, 3.0))
    fast_s, slow_s = (county.run(county.all_stored, LONG_S) for county in (fast, slow))
    assert slow_s < fast_s + 3.5


def test_a_receipt_never_says_more_than_is_committed() -> None:
    county = RadioCounty(4, 10, loss=0.2, commit_s=1.0)
    promised: list[int] = []

    def check() -> bool:
        for _, said in said_since(county, -1)[len(promised) :]:
            promised.append(1)
            for turn in said:
                stream = county.streams.get(f"t{turn.address:02}")
                held = SeqSet() if stream is None else stream.stored
                assert not turn.stored().without(held)
        return county.all_settled()

    county.run(check, LONG_S)
    assert promised


def test_nothing_is_said_when_nothing_is_wanted() -> None:
    county = quiet(4)
    before = len(county.gateway_frames)
    county.run_until(county.now_s + 500)
    assert len(county.gateway_frames) == before


def test_lone_records_share_one_receipt() -> None:
    county = quiet(3)
    start_s = county.now_s
    for place, terminal in enumerate(county.terminals):
        terminal.add()
        county.contend(terminal, start_s + place * 0.7)
    county.run(county.all_settled, start_s + 10)
    (receipt,) = said_since(county, start_s)
    assert [turn.address for turn in receipt[1]] == [1, 2, 3]
    assert [turn.grant for turn in receipt[1]] == [0, 0, 0]
    assert receipt[0] - start_s < 1 + RECEIPT_WAIT_S


def test_what_comes_again_is_receipted_again() -> None:
    county = quiet(1)
    (terminal,) = county.terminals
    terminal.add()
    (frame,) = terminal.burst(1)
    start_s = county.now_s
    up = county.engine.heard(frame, start_s)
    assert up is not None
    county.engine.committed([up], [], start_s)
    for times in (1, 2):
        county.attend()
        county.run_until(start_s + 10 * times)
        assert len(said_since(county, start_s)) == times
        assert county.engine.heard(frame, county.now_s) is None, "nothing new is in it"


def test_one_that_never_answers_is_asked_ever_more_seldom() -> None:
    county = RadioCounty(1, 0, loss=1.0)
    county.run_until(4000)
    times = [at_s for at_s, _ in county.gateway_frames]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses == sorted(pauses)
    assert len(times) < 20
    assert pauses[-1] > 500


def test_a_terminal_in_a_hole_does_not_hold_up_the_others() -> None:
    county = RadioCounty(5, 10)
    county.terminals[2].is_deaf = True
    others = [each for each in county.terminals if not each.is_deaf]
    took_s = county.run(lambda: not any(each.waiting for each in others), LONG_S)
    assert took_s < ideal_s(4, 10) * 1.15 + 10
    county.terminals[2].is_deaf = False
    county.run(county.all_settled, LONG_S)


@pytest.mark.parametrize("restart_s", [3.0, 8.1, 20.0, 33.3])
def test_a_gateway_that_starts_again_loses_nothing(restart_s: float) -> None:
    county = RadioCounty(4, 8, loss=0.1, commit_s=0.3)
    county.run_until(restart_s)
    county.restart_gateway()
    county.run(county.all_settled, LONG_S)


def test_the_epoch_is_known_once_it_is_stored() -> None:
    county = RadioCounty(1, 3)
    county.run(county.all_settled, LONG_S)
    schedules = [said for _, said in said_since(county, -1)]
    assert Flags.EPOCH_KNOWN not in schedules[0][0].flags
    assert Flags.EPOCH_KNOWN in schedules[-1][0].flags


def test_a_receipt_the_law_held_back_is_not_forgotten() -> None:
    county = quiet(1)
    (terminal,) = county.terminals
    terminal.add()
    start_s = county.now_s
    up = county.engine.heard(terminal.burst(1)[0], start_s)
    assert up is not None
    county.engine.committed([up], [], start_s)
    due_s = county.engine.wake_at_s()
    assert due_s is not None
    frame = county.engine.next_transmission(due_s)
    assert frame is not None
    county.engine.held_back(due_s + 100)
    assert county.engine.next_transmission(due_s + 99) is None
    assert county.engine.wake_at_s() == due_s + 100
    again = county.engine.next_transmission(due_s + 100)
    assert again is not None
    assert turns(again) == turns(frame)
    assert parse_header(again).clear_counter > parse_header(frame).clear_counter


def test_terminals_without_our_roster_are_told_until_they_pack_by_another() -> None:
    county = quiet(1)
    (terminal,) = county.terminals
    for other_roster in (["t01"], []):
        terminal.add()
        now_s = county.now_s
        up = county.engine.heard(terminal.burst(1)[0], now_s)
        assert up is not None
        county.engine.committed([up], [], now_s, other_roster)
        county.attend()
        county.run_until(now_s + RECEIPT_WAIT_S + 2)
        (_, said), *_ = said_since(county, now_s)
        assert (Flags.NO_SUCH_ROSTER in said[0].flags) is bool(other_roster)
