"""What the station's page shows, as plain values. Built by `terminal.app`, rendered by `web`."""

from dataclasses import dataclass, field
from enum import Enum

from drivers.readers.base import TroubleReason
from drivers.supervisor import DeviceState
from protocol.bulletin import Notice
from protocol.downlink import Activation
from protocol.health import DeviceHealth
from protocol.records import TimeSource
from protocol.roster import Point
from protocol.verdict import Reason, Verdict


class LinkState(Enum):
    """How the terminal reaches the county."""

    UP = "up"
    RADIO = "radio"
    """There is no network; records go by LoRa."""
    DOWN = "down"
    REFUSED = "refused"
    """The broker or the gateway answers, but will not have us: the operator must act."""


@dataclass(frozen=True, slots=True)
class ShownScan:
    """One scan as the staff see it. `name` is in full for a verdict, masked in the list."""

    epoch: int
    seq: int
    at_ms: int
    verdict: Verdict
    reason: Reason
    name: str = field(repr=False)
    unit: str
    post: str
    home_point: Point | None
    """Where the person belongs, when known."""
    first_seen_ms: int | None = None
    """When the same person was first seen at this point, for *already here*."""
    first_seen_lane: int | None = None
    """By which lane, where it was another one."""
    card_trouble: TroubleReason | None = None
    """Why the card was not read, where it was not."""
    is_undone: bool = False
    """It was taken back; it stays in the list, so that everybody sees that."""


@dataclass(frozen=True, slots=True)
class Custody:
    """Where this terminal's records are. `captured = stored + waiting + refused`."""

    captured: int
    stored: int
    waiting: int
    refused: int
    oldest_waiting_s: int


class Trouble(Enum):
    """A sentence the staff must read, shown until it is gone."""

    DISK_LOW = "disk_low"
    DISK_FULL = "disk_full"
    DISK_FAILING = "disk_failing"
    NO_ROSTER = "no_roster"
    HOLD_CARD_STILL = "hold_card_still"
    SCAN_AGAIN = "scan_again"
    UNDONE = "undone"
    NOTHING_TO_UNDO = "nothing_to_undo"
    LANE_PAUSED = "lane_paused"
    CLOCK_UNSET = "clock_unset"
    COUNTY_REFUSES = "county_refuses"
    RADIO_MISSING = "radio_missing"
    BATTERY_EMPTY = "battery_empty"
    BATTERY_LOW = "battery_low"
    UNDER_VOLTAGE = "under_voltage"
    ENCLOSURE_OPEN = "enclosure_open"
    DISK_WEARING = "disk_wearing"
    POSITION_SUSPECT = "position_suspect"
    SAME_LANE = "same_lane"


@dataclass(frozen=True, slots=True)
class ShownReader:
    """One reader of the terminal."""

    number: int
    """Its place in `terminal.toml`, from 1."""
    kind: str
    """As in `drivers.registry.READERS`."""
    state: DeviceState | None
    """None while it is being looked for the first time."""


@dataclass(frozen=True, slots=True)
class ShownRadio:
    """The way by LoRa."""

    carries: bool
    """Records go by it: the network is away."""
    is_ready: bool
    """The modem answers."""
    answered_ms: int | None
    """When the gateway answered by radio last."""
    drained_in_s: int | None
    """About when nothing will wait any more, by what was received in the last minutes."""


@dataclass(frozen=True, slots=True)
class StationView:
    """Everything on the station's page at one moment."""

    node: str
    point: Point
    lane: int
    activation: Activation | None
    verdict: ShownScan | None
    """The scan to fill the screen with; `None` once it has been shown long enough."""
    last: tuple[ShownScan, ...]
    """Newest first, at most five, names masked."""
    present: int
    """Distinct people of this point who checked in at this terminal."""
    expected: int
    custody: Custody
    link: LinkState
    radio: ShownRadio | None
    """None where none is fitted."""
    notice: Notice | None
    """The county's newest word to everybody."""
    ended_ms: int | None
    """When the activation was ended; None while it runs."""
    lanes_heard: tuple[int, ...]
    """Other lanes of this point that can be heard right now, ascending."""
    roster_version: int | None
    roster_issued_ms: int | None
    now_ms: int
    clock_source: TimeSource
    clock_error_ms: int
    readers: tuple[ShownReader, ...]
    reader: DeviceHealth
    """The worst of `readers`."""
    gnss: DeviceHealth
    troubles: tuple[Trouble, ...]
