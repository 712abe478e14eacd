"""What the county's board shows, as plain values. Built by `gateway.live`, rendered by `web`."""

from dataclasses import dataclass, field
from enum import Enum

from protocol.downlink import Activation
from protocol.health import DeviceReport, PositionTrust, PowerReport
from protocol.receipts import RefusalReason
from protocol.records import TimeSource
from protocol.roster import Point
from protocol.verdict import Reason, Verdict


class NodeState(Enum):
    """How a terminal fares, as far as the county can tell."""

    NEVER_SEEN = "never_seen"
    ONLINE = "online"
    REDUCED = "reduced"
    """Heard from, but a part of it is broken."""
    LATE = "late"
    SILENT = "silent"
    OFF = "off"
    """Said goodbye before it went."""


@dataclass(frozen=True, slots=True)
class PointRow:
    """One assembly point. `expected = here + elsewhere + missing`."""

    point: Point
    expected: int
    here: int
    """People of this point who are at this point."""
    elsewhere: int
    """People of this point who checked in at another one."""
    missing: int
    guests: int
    """People at this point who belong to another one, or to no roster."""


@dataclass(frozen=True, slots=True)
class HeardBy:
    """Whom a terminal hears by radio."""

    node: str
    rssi_dbm: int
    frames: int
    """Since it told before."""


@dataclass(frozen=True, slots=True)
class NodeRadio:
    """How one terminal fares by radio; what it did not tell is None."""

    heard_s: int
    """Seconds since its last frame."""
    rssi_dbm: int | None
    mean_rssi_dbm: int | None
    snr_db: float | None
    frames: int
    lost_percent: int
    """Of the frames it sent, by their counters."""
    airtime_percent: int | None
    """Of what the law allows it, used."""
    waiting: int | None
    oldest_waiting_s: int | None
    battery_percent: int | None
    hears: tuple[HeardBy, ...]
    """Best first."""


@dataclass(frozen=True, slots=True)
class RadioView:
    """The gateway's own radio."""

    is_ready: bool
    identity: str
    """What the modem says it is; empty while there is none."""
    band: str
    """Whose law holds, such as `CN470 470-510 MHz`; empty while there is no modem."""
    used_s: float
    """Airtime within the window."""
    allowed_s: float | None
    """None: the law counts none."""
    window_s: float
    foreign: int
    """Frames of nobody here: other counties, damaged, or forged."""
    replayed: int


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One terminal: its state and where its records are."""

    node: str
    point: Point
    state: NodeState
    last_heard_s: int | None
    """Seconds since anything valid came from it, at most since this gateway started; `None` if
    nothing ever came."""
    captured: int
    stored: int
    waiting: int
    oldest_waiting_s: int
    gaps: tuple[tuple[int, int], ...]
    """Sequence numbers below the highest stored one that have not arrived."""
    clock_source: TimeSource | None
    clock_error_ms: int
    devices: tuple[DeviceReport, ...] = ()
    position_trust: PositionTrust = PositionTrust.UNKNOWN
    power: PowerReport | None = None
    enclosure_is_open: bool | None = None
    radio: NodeRadio | None = None
    """None: it was not heard by radio."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One of the latest check-ins; the name is masked."""

    at_ms: int
    point: Point
    verdict: Verdict
    reason: Reason
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A message that could not be admitted."""

    at_ms: int
    """When it came first."""
    node: str
    reason: RefusalReason
    times: int
    """How often it came."""


@dataclass(frozen=True, slots=True)
class BoardView:
    """Everything on the county's board at one moment."""

    county_zh: str
    county_en: str
    activation: Activation
    now_ms: int
    roster_version: int
    expected: int
    present: int
    """People of the roster who are at any point."""
    missing: int
    points: tuple[PointRow, ...]
    curve: tuple[tuple[int, int], ...]
    """(seconds since the activation, people present), rising, at most 120 steps."""
    latest: tuple[FeedItem, ...]
    """Newest first, at most ten."""
    nodes: tuple[NodeRow, ...]
    stored: int
    """Records in the ledger, of any kind."""
    unknown_kinds: int
    """Records in the ledger that this program cannot read."""
    quarantined: int
    """Messages that could not be admitted."""
    quarantine: tuple[QuarantineRow, ...]
    """The latest of them, newest first, at most five."""
    duplicates: int
    """Records that came again and were dropped since this gateway started."""
    ended_ms: int = 0
    """When the activation was ended; 0: it runs."""
    radio: RadioView | None = None
    """None: this gateway has none."""
