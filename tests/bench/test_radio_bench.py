"""The radio benchmarks run, at sizes too small to mean anything, and their schemes deliver."""

import pytest

from tests.bench.harness import Figure
from tests.bench.radio_access import Case, channel_of, contest, ideal_s, ours, polls
from tests.bench.radio_channel import GATEWAY
from tests.bench.radio_encodings import LORAWAN, OURS, cost, filled_by, packed
from tests.bench.radio_musters import LAWS, Law, hold
from tests.bench.radio_peers import PLANS, STOP_AND_WAIT
from tests.bench.radio_rows import ENCODINGS
from tests.bench.radio_stories import rush, tell_all
from tests.bench.tables import tables

LOSSY = Case(terminals=3, backlog=2, hidden_share=0.5, loss_chance=0.1)


@pytest.mark.parametrize("name", PLANS)
def test_every_contest_ends(name: str) -> None:
    done = contest(PLANS[name])(LOSSY, 1)
    assert done.frames_sent >= LOSSY.terminals * LOSSY.backlog
    assert done.held_s > ideal_s(6)


def test_polls_need_little_more_than_the_frames() -> None:
    done = polls(LOSSY, 1)
    assert ideal_s(6) < done.held_s < 2 * ideal_s(6)


def test_ours_gets_through() -> None:
    done = ours(LOSSY, 1)
    assert done.frames_sent >= LOSSY.terminals * LOSSY.backlog


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.region.name)
def test_a_muster_fills_the_board_within_the_law(law: Law) -> None:
    muster = hold(law, 2, 20, 1)
    assert muster.breaches == 0
    assert len(muster.waits_s) == muster.check_ins
    assert muster.on_board_s >= muster.last_card_s


def test_one_sender_without_losses_never_repeats() -> None:
    done = contest(STOP_AND_WAIT)(Case(1, 5, 0.0, 0.0), 1)
    assert done.frames_sent == 5


def test_hidden_pairs_do_not_hear_each_other() -> None:
    channel, names = channel_of(Case(4, 1, 1.0, 0.0), 1)
    ranges = {(one, other): channel.is_in_range(one, other) for one in names for other in names}
    assert not any(ranges.values())
    assert all(channel.is_in_range(name, GATEWAY) for name in names)


def test_every_encoding_costs_more_than_ours() -> None:
    story = rush(1, people=80)
    best = cost(packed, OURS, [story], 9)
    for encode in ENCODINGS.values():
        assert cost(filled_by(encode), OURS, [story], 9).air_ms > best.air_ms


def test_what_does_not_fit_is_cut() -> None:
    story = rush(1, people=80)
    in_json = cost(filled_by(ENCODINGS["JSON"]), LORAWAN, [story], 12)
    assert in_json.air_ms > LORAWAN.airtime_s(51, 12) * 1000 * 2


def test_stories_are_told_alike_each_time() -> None:
    assert [story.records for story in tell_all(1)["squads"]] == [
        story.records for story in tell_all(1)["squads"]
    ]


def test_grids_and_lines_are_told_apart() -> None:
    line = Figure("a", 1, 2, "s", "peer")
    grid = [Figure("b", 1, 2, "s", peer, column=column) for peer in "xy" for column in "uvw"]
    shown = list(tables([line, *grid]))
    assert [(table.row_count, len(table.columns)) for table in shown] == [(1, 6), (3, 4)]
