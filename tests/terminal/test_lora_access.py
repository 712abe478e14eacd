"""When a terminal asks again, and when it keeps silent for others."""

from random import Random

import pytest

from protocol.radio_schedule import Turn
from terminal.links.lora_access import (
    ANSWER_S,
    BATCH_S,
    GATEWAY_S,
    HELLO_LIMIT_S,
    IDLE_GAP_S,
    PATIENCE_S,
    SLOT_S,
    SLOTS,
    TRIES,
    Access,
    Occasion,
)

US, OTHER = 1, 2
GRANT_S, FRAME_S = 0.75, 0.5
CONTEST_S = SLOTS * SLOT_S


@pytest.fixture
def access() -> Access:
    right = Access(lambda size_bytes: size_bytes / 200, 100, Random(1))
    right.begin(0.0)
    return right


def speaks(access: Access, now_s: float) -> tuple[float, Occasion]:
    """When it speaks next, and why."""
    for _ in range(20):
        occasion = access.occasion(now_s)
        if occasion is not None:
            return now_s, occasion
        wake_s = access.wake_at_s()
        assert wake_s is not None
        now_s = max(now_s, wake_s)
    raise AssertionError("it wakes and never speaks")


def take_turn(access: Access, now_s: float, *, is_owed_receipt: bool) -> None:
    access.scheduled(now_s, [Turn(US, 1)], GRANT_S, US)
    access.answered(now_s, has_more=True)
    assert access.occasion(now_s) is Occasion.TURN
    access.spoke(Occasion.TURN, now_s, 0, is_owed_receipt=is_owed_receipt)


def test_what_was_sent_in_a_turn_is_asked_about_when_no_receipt_comes(access: Access) -> None:
    take_turn(access, 10.0, is_owed_receipt=True)
    at_s, occasion = speaks(access, 10.0)
    assert occasion is Occasion.ASKING
    assert 10 + PATIENCE_S <= at_s <= 10 + PATIENCE_S + CONTEST_S


def test_what_was_receipted_is_not(access: Access) -> None:
    take_turn(access, 10.0, is_owed_receipt=False)
    assert speaks(access, 10.0)[0] > 10 + 2 * PATIENCE_S


def test_while_others_are_served_it_waits_for_its_turn(access: Access) -> None:
    take_turn(access, 10.0, is_owed_receipt=True)
    access.scheduled(30.0, [Turn(OTHER, 4)], GRANT_S, US)
    assert speaks(access, 30.0)[0] >= 30 + 4 * GRANT_S + PATIENCE_S


def test_the_schedule_that_follows_may_be_lost_here(access: Access) -> None:
    access.scheduled(20.0, [Turn(OTHER, 4)], GRANT_S, US)
    silent_s = 2 * 4 * GRANT_S + IDLE_GAP_S + FRAME_S
    assert 20 + silent_s <= speaks(access, 20.0)[0] <= 20 + silent_s + CONTEST_S


def test_receipts_alone_keep_nobody_waiting(access: Access) -> None:
    access.scheduled(20.0, [Turn(OTHER, 0, upto=5)], GRANT_S, US)
    assert speaks(access, 20.0)[0] <= 20 + IDLE_GAP_S + CONTEST_S


@pytest.mark.parametrize("hears_the_gateway", [True, False])
def test_where_the_gateway_is_heard_a_crowd_is_in_the_way(
    access: Access, hears_the_gateway: bool
) -> None:
    now_s = 0.0
    for _ in range(TRIES + 3):
        now_s, occasion = speaks(access, now_s)
        access.spoke(occasion, now_s, 1, is_owed_receipt=True)
        if hears_the_gateway:
            access.scheduled(now_s + 1, [Turn(OTHER, 0, upto=5)], GRANT_S, US)
    then_s, occasion = speaks(access, now_s)
    if hears_the_gateway:
        assert occasion is Occasion.ASKING
        assert then_s - now_s <= ANSWER_S + BATCH_S + CONTEST_S < GATEWAY_S
    else:
        assert occasion is Occasion.HELLO
        assert then_s - now_s <= ANSWER_S + HELLO_LIMIT_S + CONTEST_S
