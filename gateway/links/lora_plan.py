"""Who is spoken to next, and what with: grants for those with a backlog, receipts for the heard.

A few terminals with a record now and then do best by asking. Where many have some, they would be in
each other's way, half of them unheard by the other half: then everybody is asked in turns, those
that had nothing less often.

Pure: looks at the nodes and changes none. Times are seconds of one monotonic clock.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.links.lora_nodes import RadioNode
from gateway.links.lora_pace import Pace
from protocol.radio_schedule import MAX_GRANT, Flags

RECEIPT_WAIT_S = 2.0  # so that several lone records share one schedule
SMALL_FRAMES, SMALL_TURNS = 2, 4  # what a poll may take along
ROUND_FRAMES = 32  # of a beacon: nobody waits longer for a receipt
MANY, CROWD_S = 4, 60.0  # so many that brought records within so long do better by being asked
STATUS_AFTER_S = 600.0  # a terminal says how it fares by itself every few minutes


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next schedule should hold."""

    grants: Sequence[tuple[RadioNode, int]] = ()
    """Whose turn it is, in this order, and for how many frames."""
    receipts: Sequence[RadioNode] = ()
    """Who else is owed a receipt."""


def plan(nodes: Iterable[RadioNode], now_s: float, pace: Pace) -> Plan:
    """The next schedule, empty when nothing is wanted."""
    nodes = list(nodes)
    grants = _grants([node for node in nodes if _grant_due_s(node) <= now_s], pace)
    if not grants:
        until_s = _gather_until_s(nodes)
        grants = _gather([node for node in nodes if _gather_due_s(node, until_s) <= now_s], pace)
    granted = {node.address for node, _ in grants}
    owed = [
        node
        for node in nodes
        if node.owed_since_s is not None and not node.uncommitted and node.address not in granted
    ]
    if not any(_receipt_due_s(node) <= now_s for node in owed):
        return Plan(grants or [(node, 1) for node in nodes if _status_due_s(node) <= now_s][:1])
    # One frame more or less is the same preamble: with the first that is due go all that are ready.
    return Plan(grants, sorted(owed, key=_receipt_due_s))


def due_s(nodes: Iterable[RadioNode]) -> float:
    """When `plan` will have something, unless something happens before."""
    nodes = list(nodes)
    until_s = _gather_until_s(nodes)
    moments = (
        min(
            _grant_due_s(node),
            _gather_due_s(node, until_s),
            _receipt_due_s(node),
            _status_due_s(node),
        )
        for node in nodes
    )
    return min(moments, default=math.inf)


def flags_for(node: RadioNode, now_s: float) -> Flags:
    """What a terminal is told beside its receipt and its grant."""
    is_stale = node.last_status_s is None or now_s - node.last_status_s >= STATUS_AFTER_S
    # One whose records may wait is not kept from them by a word about its battery.
    return node.flags | Flags.SAY_STATUS if is_stale and node.want == 0 else node.flags


def _grants(ready: list[RadioNode], pace: Pace) -> list[tuple[RadioNode, int]]:
    ready.sort(key=_urgency)
    if pace.turns_per_schedule == 1:
        return _poll(ready)
    grants: list[tuple[RadioNode, int]] = []
    room = ROUND_FRAMES
    for node in ready[: pace.turns_per_schedule]:
        grant = min(node.want or 1, MAX_GRANT, room)
        if grant:
            grants.append((node, grant))
            room -= grant
    # The last turn is the one that can be cut short when nobody takes it up.
    return sorted(grants, key=lambda each: each[1])


def _poll(ready: Sequence[RadioNode]) -> list[tuple[RadioNode, int]]:
    """One terminal, and before it a few that have next to nothing left.

    A turn costs half as much air as a schedule of its own, and little is wasted if it is not taken
    up. The last one has no end: nothing is lost by granting more than is thought to be there, for
    the last frame says that it is the last.
    """
    small = [node for node in ready if node.want is not None and node.want <= SMALL_FRAMES]
    large = [node for node in ready if node not in small] or small[-1:]
    ahead = [node for node in small[:SMALL_TURNS] if node is not large[0]] if large else []
    return [(node, node.want or 1) for node in ahead] + [(node, MAX_GRANT) for node in large[:1]]


def _gather(ready: Sequence[RadioNode], pace: Pace) -> list[tuple[RadioNode, int]]:
    """Those who were not heard for longest."""
    ready = sorted(ready, key=lambda node: node.last_heard_s + node.gather_s)
    if pace.turns_per_schedule == 1:
        return [(node, MAX_GRANT) for node in ready[:1]]
    return [(node, 1) for node in ready[: pace.turns_per_schedule]]


def _urgency(node: RadioNode) -> tuple[int, bool, int, float]:
    return node.misses, node.want is None, -(node.want or 0), node.ask_at_s


def _grant_due_s(node: RadioNode) -> float:
    """A terminal whose last burst is not yet stored would only send it again."""
    return node.ask_at_s if node.is_wanting and not node.uncommitted else math.inf


def _gather_until_s(nodes: Iterable[RadioNode]) -> float:
    """Until when terminals are asked before they ask: so many would be in each other's way."""
    latest = sorted((node.last_records_s for node in nodes), reverse=True)[:MANY]
    is_crowded = len(latest) == MANY and latest[-1] > latest[0] - CROWD_S
    return latest[0] + CROWD_S if is_crowded else -math.inf


def _gather_due_s(node: RadioNode, until_s: float) -> float:
    if node.want != 0 or node.uncommitted:
        return math.inf
    due_s = max(node.ask_at_s, node.last_heard_s + node.gather_s)
    return due_s if due_s < until_s else math.inf


def _status_due_s(node: RadioNode) -> float:
    if node.want != 0 or node.uncommitted:
        return math.inf
    last_s = -math.inf if node.last_status_s is None else node.last_status_s
    return max(node.ask_at_s, last_s + STATUS_AFTER_S)


def _receipt_due_s(node: RadioNode) -> float:
    if node.owed_since_s is None or node.uncommitted:
        return math.inf
    return node.owed_since_s + RECEIPT_WAIT_S
