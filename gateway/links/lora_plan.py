"""Who is spoken to next, and what with: grants for those with a backlog, receipts for the heard.

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
    granted = {node.address for node, _ in grants}
    owed = [
        node
        for node in nodes
        if node.owed_since_s is not None and not node.uncommitted and node.address not in granted
    ]
    if not any(_receipt_due_s(node) <= now_s for node in owed):
        return Plan(grants)
    # One frame more or less is the same preamble: with the first that is due go all that are ready.
    return Plan(grants, sorted(owed, key=_receipt_due_s))


def due_s(nodes: Iterable[RadioNode]) -> float:
    """When `plan` will have something, unless something happens before."""
    return min((min(_grant_due_s(node), _receipt_due_s(node)) for node in nodes), default=math.inf)


def flags_for(node: RadioNode, now_s: float) -> Flags:
    """What a terminal is told beside its receipt and its grant."""
    is_stale = node.last_status_s is None or now_s - node.last_status_s > STATUS_AFTER_S
    # One whose records wait is not kept from them by a word about its battery.
    is_free = node.want is None or node.want <= 1
    return node.flags | Flags.SAY_STATUS if is_stale and is_free else node.flags


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


def _urgency(node: RadioNode) -> tuple[int, bool, int, float]:
    return node.misses, node.want is None, -(node.want or 0), node.ask_at_s


def _grant_due_s(node: RadioNode) -> float:
    """A terminal whose last burst is not yet stored would only send it again."""
    return node.ask_at_s if node.is_wanting and not node.uncommitted else math.inf


def _receipt_due_s(node: RadioNode) -> float:
    if node.owed_since_s is None or node.uncommitted:
        return math.inf
    return node.owed_since_s + RECEIPT_WAIT_S
