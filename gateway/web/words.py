"""Names of points and states in the language of a page, and every word the pages ask for."""

from gateway.view import NodeState
from protocol.downlink import Mode
from protocol.health import DeviceHealth, DeviceRole
from protocol.receipts import RefusalReason
from protocol.records import TimeSource
from protocol.roster import Point
from protocol.verdict import Reason
from runtime.web.text import Language, Words, keys_of

KEYS = {
    *keys_of(Reason),
    *keys_of(Mode),
    *keys_of(Mode, "second."),
    *keys_of(NodeState),
    *keys_of(TimeSource),
    *keys_of(DeviceHealth),
    *keys_of(DeviceRole),
    "nodes.device",
    "nodes.enclosure_is_open",
    "nodes.position_is_suspect",
    "nodes.mains",
    "nodes.battery",
    "nodes.under_voltage",
    *keys_of(RefusalReason),
    "nodes.gap_one",
    "nodes.gap_many",
    "nodes.gaps_more",
    "nodes.by_network",
    "nodes.by_radio",
    "radio.airtime_free",
    "radio.airtime_of",
    "radio.dbm",
    "wall.ended",
}

OUT_OF_HEARING = frozenset({NodeState.SILENT, NodeState.NEVER_SEEN, NodeState.LATE})
"""What such a terminal holds, nobody at the county knows."""

WORST_FIRST = (
    NodeState.SILENT,
    NodeState.NEVER_SEEN,
    NodeState.LATE,
    NodeState.REDUCED,
    NodeState.OFF,
    NodeState.ONLINE,
)

SHAPES = {
    NodeState.ONLINE: "well",
    NodeState.REDUCED: "reduced",
    NodeState.LATE: "late",
    NodeState.SILENT: "bad",
    NodeState.OFF: "off",
    NodeState.NEVER_SEEN: "never",
}
"""Shapes of the template macro `state`."""


def title(point: Point, words: Words) -> str:
    """The point's name in the language of the page."""
    return point.title_zh if words.language is Language.CHINESE else point.title_en
