"""How every terminal fares, as far as the county can tell. Pure: time is passed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.store.base import Stream
from gateway.view import NodeRadio, NodeRow, NodeState
from protocol.health import (
    HEARTBEAT_INTERVAL_S,
    DeviceHealth,
    Heartbeat,
    PositionTrust,
    PowerReport,
)
from protocol.keys import Enrolment
from protocol.roster import Point

LATE_AFTER = 2  # intervals without a word
SILENT_AFTER = 4
RADIO_LATE_S, RADIO_SILENT_S = 900, 1800  # by radio a terminal speaks every ten minutes at least
LOW_CHARGE_PERCENT = 20  # the first step of the terminal's own ladder (hw/power.md)
BROKEN = frozenset({DeviceHealth.MISSING, DeviceHealth.SILENT, DeviceHealth.FAULT})


@dataclass(slots=True)
class _Node:
    enrolment: Enrolment
    last_heard_s: float | None = None
    heartbeat: Heartbeat | None = None
    said_goodbye: bool = False


class Fleet:
    """The county's terminals: enrolled, heard from, or silent.

    One whose records are in the ledger was heard before; it counts as heard at `started_s`.
    """

    def __init__(self, points: Iterable[Point], started_s: float) -> None:
        self._points = {point.name: point for point in points}
        self._started_s = started_s
        self._nodes: dict[str, _Node] = {}

    def enrol(self, enrolment: Enrolment) -> None:
        """Know a terminal before it is ever heard."""
        self._nodes.setdefault(enrolment.node, _Node(enrolment)).enrolment = enrolment

    def heard(self, node: str, now_s: float) -> None:
        """Something valid came from a terminal."""
        if node in self._nodes:
            self._nodes[node].last_heard_s = now_s

    def heartbeat(self, heartbeat: Heartbeat, now_s: float) -> None:
        """A verified heartbeat came."""
        if heartbeat.node in self._nodes:
            node = self._nodes[heartbeat.node]
            node.heartbeat, node.last_heard_s, node.said_goodbye = heartbeat, now_s, False

    def state_said(self, node: str, state: str) -> None:
        """A terminal, or the broker in its name, said what becomes of it (a hint, unsigned)."""
        if node in self._nodes:
            self._nodes[node].said_goodbye = state == "offline"

    def rows(
        self, streams: Iterable[Stream], now_s: float, radio: Mapping[str, NodeRadio]
    ) -> tuple[NodeRow, ...]:
        """One row per terminal, by name; `radio` says how those fare that were heard by it."""
        held: dict[str, list[Stream]] = {}
        for stream in streams:
            held.setdefault(stream.node, []).append(stream)
        return tuple(
            self._row(node, held.get(name, []), now_s, radio.get(name))
            for name, node in sorted(self._nodes.items())
        )

    def _row(
        self, node: _Node, streams: list[Stream], now_s: float, radio: NodeRadio | None
    ) -> NodeRow:
        beat = node.heartbeat
        stored = sum(stream.stored.count for stream in streams)
        gaps = [
            span
            for stream in streams
            if beat is None or stream.epoch == beat.epoch
            for span in stream.stored.gaps()
        ]
        older = sum(s.stored.count for s in streams if beat is not None and s.epoch != beat.epoch)
        captured = max(stored, beat.captured + older) if beat else stored
        heard_s = node.last_heard_s
        if heard_s is None and streams:
            heard_s = self._started_s
        silent_s = None if heard_s is None else now_s - heard_s
        waiting = max(0, captured - stored - (beat.refused if beat else 0))
        oldest_s = beat.oldest_waiting_s if beat else 0
        if radio is not None and (silent_s is None or radio.heard_s < silent_s):
            by_radio = True
            silent_s = radio.heard_s
            if radio.waiting is not None:  # what it said since its last heartbeat
                waiting, oldest_s = radio.waiting, radio.oldest_waiting_s or 0
                captured = max(captured, stored + waiting)
        else:
            by_radio = False
        enrolment = node.enrolment
        return NodeRow(
            node=enrolment.node,
            point=self._points.get(
                enrolment.point, Point(enrolment.point, enrolment.point, enrolment.point)
            ),
            state=_state(node, silent_s, by_radio=by_radio),
            last_heard_s=None if silent_s is None else int(silent_s),
            captured=captured,
            stored=stored,
            waiting=waiting,
            oldest_waiting_s=oldest_s,
            gaps=tuple(gaps),
            clock_source=beat.at.source if beat else None,
            clock_error_ms=beat.at.error_ms if beat else 0,
            devices=beat.devices if beat else (),
            position_trust=beat.position_trust if beat else PositionTrust.UNKNOWN,
            power=beat.power if beat else None,
            enclosure_is_open=beat.enclosure_is_open if beat else None,
            radio=radio,
        )


def _state(node: _Node, silent_s: float | None, *, by_radio: bool) -> NodeState:
    if silent_s is None:
        return NodeState.NEVER_SEEN
    if node.said_goodbye and not by_radio:
        return NodeState.OFF
    if silent_s > (RADIO_SILENT_S if by_radio else SILENT_AFTER * HEARTBEAT_INTERVAL_S):
        return NodeState.SILENT
    if silent_s > (RADIO_LATE_S if by_radio else LATE_AFTER * HEARTBEAT_INTERVAL_S):
        return NodeState.LATE
    if node.heartbeat is not None and _is_reduced(node.heartbeat):
        return NodeState.REDUCED
    return NodeState.ONLINE


def _is_reduced(beat: Heartbeat) -> bool:
    return (
        any(device.health in BROKEN for device in beat.devices)
        or beat.position_trust is PositionTrust.SUSPECT
        or bool(beat.enclosure_is_open)
        or (beat.power is not None and is_failing(beat.power))
    )


def is_failing(power: PowerReport) -> bool:
    """Whether somebody should look after a terminal's power."""
    is_low = power.charge_percent is not None and power.charge_percent < LOW_CHARGE_PERCENT
    return bool(power.under_voltage) or (is_low and not power.on_mains)
