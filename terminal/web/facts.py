"""The station's state for other programs: a `StationView` without anybody's name."""

import msgspec
from msgspec import Struct

from drivers.supervisor import DeviceState
from protocol.downlink import Mode
from protocol.health import DeviceHealth
from protocol.records import TimeSource
from protocol.verdict import Reason, Verdict
from terminal.view import Custody, LinkState, StationView, Trouble


class PointFacts(Struct, frozen=True):
    """An assembly point."""

    name: str
    title_zh: str
    title_en: str


class ActivationFacts(Struct, frozen=True):
    """The muster this terminal takes part in."""

    number: int
    title_zh: str
    title_en: str
    mode: Mode
    started_ms: int
    target_percent: int
    target_minutes: int


class ScanFacts(Struct, frozen=True):
    """One scan; (epoch, seq) names its record."""

    epoch: int
    seq: int
    at_ms: int
    verdict: Verdict
    reason: Reason
    home_point: PointFacts | None
    first_seen_ms: int | None
    first_seen_lane: int | None


class ReaderFacts(Struct, frozen=True):
    """One reader; `state` is null while it is being looked for the first time."""

    number: int
    kind: str
    state: DeviceState | None


class RadioFacts(Struct, frozen=True):
    """The way by LoRa."""

    carries: bool
    is_ready: bool
    answered_ms: int | None
    drained_in_s: int | None


class NoticeFacts(Struct, frozen=True):
    """The county's newest word to everybody."""

    at_ms: int
    text: str


class StationFacts(Struct, frozen=True):
    """What `/live.json` sends. Fields as in `terminal.view`; enums as their values."""

    node: str
    point: PointFacts
    lane: int
    activation: ActivationFacts | None
    verdict: ScanFacts | None
    last: tuple[ScanFacts, ...]
    present: int
    expected: int
    custody: Custody
    link: LinkState
    radio: RadioFacts | None
    notice: NoticeFacts | None
    ended_ms: int | None
    lanes_heard: tuple[int, ...]
    roster_version: int | None
    roster_issued_ms: int | None
    now_ms: int
    clock_source: TimeSource
    clock_error_ms: int
    readers: tuple[ReaderFacts, ...]
    reader: DeviceHealth
    gnss: DeviceHealth
    troubles: tuple[Trouble, ...]


def encode_facts(view: StationView) -> str:
    """One line of JSON."""
    facts = msgspec.convert(view, StationFacts, from_attributes=True)
    return msgspec.json.encode(facts).decode()
