"""Whom the gateway asks next, and how long it waits for an answer."""

import math
from dataclasses import replace

import pytest

from gateway.links.lora_nodes import GATHER_FIRST_S, RadioNode
from gateway.links.lora_pace import Pace
from gateway.links.lora_plan import CROWD_S, MANY, STATUS_AFTER_S, due_s, flags_for, plan
from gateway.links.lora_round import Round, Turn
from protocol.radio_schedule import MAX_GRANT, Flags

NOW_S = 1000.0
POLL = Pace(lambda size_bytes: size_bytes / 200, 100, 1, answer_s=0.1, gap_s=0.1)
BEACON = replace(POLL, turns_per_schedule=3)


def a_node(address: int, *, heard_s: float = NOW_S, records_s: float = NOW_S) -> RadioNode:
    """One that has nothing left, as far as is known, and has just said how it fares."""
    node = RadioNode(f"t{address}", address, bytes(32), want=0, last_heard_s=heard_s)
    node.last_records_s, node.last_status_s = records_s, NOW_S
    return node


def asked(nodes: list[RadioNode], now_s: float, pace: Pace = POLL) -> list[tuple[int, int]]:
    return [(node.address, grant) for node, grant in plan(nodes, now_s, pace).grants]


def test_few_are_left_to_ask() -> None:
    nodes = [a_node(address) for address in range(MANY - 1)]
    assert asked(nodes, NOW_S + GATHER_FIRST_S) == []


def test_a_crowd_is_asked_those_first_who_were_silent_longest() -> None:
    nodes = [a_node(address, heard_s=NOW_S - address) for address in range(MANY)]
    first_s = NOW_S - (MANY - 1) + GATHER_FIRST_S
    assert due_s(nodes) == first_s
    assert asked(nodes, first_s - 0.1) == []
    assert asked(nodes, first_s) == [(MANY - 1, MAX_GRANT)]
    in_beacon = asked(nodes, NOW_S + GATHER_FIRST_S, BEACON)
    assert in_beacon == [(MANY - 1, 1), (MANY - 2, 1), (MANY - 3, 1)]


def test_in_a_crowd_the_silent_are_asked_too() -> None:
    quiet = a_node(99, heard_s=NOW_S - 30, records_s=-math.inf)
    nodes = [*(a_node(address) for address in range(MANY)), quiet]
    assert asked(nodes, NOW_S) == [(99, MAX_GRANT)]


def test_a_backlog_comes_before_a_crowd() -> None:
    nodes = [a_node(address, heard_s=NOW_S - 30) for address in range(MANY)]
    nodes[2].want = 3
    assert asked(nodes, NOW_S) == [(2, MAX_GRANT)]


def test_a_crowd_disperses() -> None:
    nodes = [a_node(address) for address in range(MANY)]
    for node in nodes:
        node.last_heard_s = NOW_S + CROWD_S
    assert asked(nodes, NOW_S + CROWD_S + GATHER_FIRST_S) == []


def test_how_it_fares_is_asked_when_nothing_waits() -> None:
    node = a_node(1)
    node.last_status_s = None
    assert asked([node], NOW_S) == [(1, 1)]
    assert Flags.SAY_STATUS in flags_for(node, NOW_S)
    node.want = 1
    assert Flags.SAY_STATUS not in flags_for(node, NOW_S)


def test_how_it_fares_is_asked_again_after_a_while() -> None:
    node = a_node(1)
    assert due_s([node]) == NOW_S + STATUS_AFTER_S
    assert asked([node], NOW_S + STATUS_AFTER_S) == [(1, 1)]


@pytest.mark.parametrize(("want", "slots"), [(0, 1), (1, 1), (5, 2), (None, 2)])
def test_even_who_is_believed_to_have_nothing_gets_time_to_say_so(
    want: int | None, slots: int
) -> None:
    node = a_node(1)
    node.want = want
    asked_for = Round([Turn(node, MAX_GRANT, ())], NOW_S, POLL)
    assert asked_for.over_at_s == NOW_S + POLL.answer_s + slots * POLL.slot_s
