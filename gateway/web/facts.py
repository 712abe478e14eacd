"""The documented JSON of the board: a `BoardView` without anybody's name, not even masked."""

from pydantic import BaseModel, ConfigDict

from gateway.view import BoardView, NodeState
from protocol.downlink import Mode
from protocol.health import DeviceHealth
from protocol.receipts import RefusalReason
from protocol.records import TimeSource
from protocol.verdict import Reason, Verdict


class _Facts(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True, use_attribute_docstrings=True)


class PointFacts(_Facts):
    """An assembly point."""

    name: str
    title_zh: str
    title_en: str


class ActivationFacts(_Facts):
    """The muster that is running."""

    number: int
    title_zh: str
    title_en: str
    mode: Mode
    """1 real, 2 drill, 3 test."""
    started_ms: int
    target_percent: int
    target_minutes: int


class PointRowFacts(_Facts):
    """One assembly point: `expected = here + elsewhere + missing`."""

    point: PointFacts
    expected: int
    here: int
    elsewhere: int
    missing: int
    guests: int


class NodeFacts(_Facts):
    """One terminal: its state and where its records are."""

    node: str
    point: PointFacts
    state: NodeState
    last_heard_s: int | None
    captured: int
    stored: int
    waiting: int
    oldest_waiting_s: int
    gaps: tuple[tuple[int, int], ...]
    """First and last sequence number of each run that has not arrived."""
    clock_source: TimeSource | None
    clock_error_ms: int
    reader: DeviceHealth
    gnss: DeviceHealth


class LatestFacts(_Facts):
    """One of the latest check-ins."""

    at_ms: int
    point: PointFacts
    verdict: Verdict
    reason: Reason


class QuarantineFacts(_Facts):
    """A message that could not be admitted."""

    at_ms: int
    """When it came first."""
    node: str
    reason: RefusalReason
    """1 malformed, 2 unsupported, 3 bad signature, 4 cannot open, 5 unknown node, 6 wrong sender,
    7 conflict."""
    times: int
    """How often it came."""


class BoardFacts(_Facts):
    """Everything on the board at `now_ms` (Unix time in milliseconds)."""

    county_zh: str
    county_en: str
    activation: ActivationFacts
    now_ms: int
    roster_version: int
    expected: int
    present: int
    """People of the roster who are at any point: accounted for."""
    missing: int
    """People of the roster who are unaccounted for."""
    points: tuple[PointRowFacts, ...]
    curve: tuple[tuple[int, int], ...]
    """(seconds since the start, people present)."""
    latest: tuple[LatestFacts, ...]
    nodes: tuple[NodeFacts, ...]
    stored: int
    unknown_kinds: int
    quarantined: int
    quarantine: tuple[QuarantineFacts, ...]
    """The latest of them, newest first."""
    duplicates: int


def board_facts(view: BoardView) -> BoardFacts:
    """The view as the API tells it."""
    return BoardFacts.model_validate(view)
