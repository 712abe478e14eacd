"""The documented JSON of the board: a `BoardView` without anybody's name, not even masked."""

from pydantic import BaseModel, ConfigDict

from gateway.view import BoardView, NodeState
from protocol.downlink import Mode
from protocol.health import DeviceHealth, DeviceRole, PositionTrust
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


class DeviceFacts(_Facts):
    """One device of a terminal."""

    role: DeviceRole
    """1 reader, 2 satellite receiver, 3 panel, 4 display, 5 gauge."""
    kind: str
    health: DeviceHealth
    """0 not fitted, 1 ready, 2 missing, 3 silent, 4 fault."""


class PowerFacts(_Facts):
    """What a terminal lives on; null where nobody can tell."""

    on_mains: bool | None
    charge_percent: int | None
    under_voltage: bool | None
    temperature_c: int | None


class HeardByFacts(_Facts):
    """Whom a terminal hears by radio."""

    node: str
    rssi_dbm: int
    frames: int
    """Since it told before."""


class NodeRadioFacts(_Facts):
    """How one terminal fares by radio; null where it did not tell."""

    heard_s: int
    """Seconds since its last frame."""
    rssi_dbm: int | None
    mean_rssi_dbm: int | None
    snr_db: float | None
    frames: int
    lost_percent: int
    """Of the frames it sent."""
    airtime_percent: int | None
    """Of what the law allows it, used."""
    waiting: int | None
    oldest_waiting_s: int | None
    battery_percent: int | None
    hears: tuple[HeardByFacts, ...]
    """Best first."""


class RadioFacts(_Facts):
    """The gateway's own radio."""

    is_ready: bool
    identity: str
    band: str
    """Whose law holds."""
    used_s: float
    """Airtime within the window, seconds."""
    allowed_s: float | None
    """Null: the law counts none."""
    window_s: float
    foreign: int
    """Frames of nobody here: other counties, damaged, or forged."""
    replayed: int


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
    devices: tuple[DeviceFacts, ...]
    position_trust: PositionTrust
    """0 unknown, 1 good, 2 stale, 3 suspect."""
    power: PowerFacts | None
    enclosure_is_open: bool | None
    """By the tamper loop; null without one."""
    radio: NodeRadioFacts | None
    """Null: it was not heard by radio."""


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
    ended_ms: int
    """When the activation was ended; 0: it runs."""
    radio: RadioFacts | None
    """Null: this gateway has none."""


def board_facts(view: BoardView) -> BoardFacts:
    """The view as the API tells it."""
    return BoardFacts.model_validate(view)
