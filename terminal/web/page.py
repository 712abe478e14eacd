"""From a `StationView` to what the station's templates show. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from drivers.readers.base import TroubleReason
from drivers.supervisor import DeviceState
from protocol.downlink import Mode
from protocol.records import TimeSource
from protocol.roster import Point
from protocol.verdict import SIGNS, Reason, Signs
from runtime.web.text import Language, Words, keys_of
from runtime.web.when import clock_time
from terminal.view import LinkState, ShownReader, ShownScan, StationView, Trouble

SHOWN_TROUBLES = 2  # more rows would take the height of the verdict
_NAMED_KINDS = frozenset({"sdt", "scanner", "wedge", "pcsc", "pn532", "mrz"})
"""Kinds of `drivers.registry.READERS` with a word of their own; the others are a reader."""
_WIDE_NAME = 10  # characters of a name that fit on one line in the largest size
_WIDE_NOTICE = 48  # characters of a notice that fit on two lines in the largest size
_WIDE_COUNT = 7  # digits of present and expected that fit beside each other in the largest size


class Idle(Enum):
    """What the large panel says while no verdict is shown."""

    READY = "ready"
    READY_FOR_ANY = "ready_for_any"
    """Not only identity cards: there is a reader of codes, tags or passports."""
    HOLD_STILL = "hold_still"
    SCAN_AGAIN = "scan_again"
    NOT_READING = "not_reading"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class TroubleRow:
    """One sentence across the page."""

    sentence: str
    is_grave: bool
    """Check-in does not work until it is gone."""


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One scan, in words."""

    signs: Signs
    who: str = field(repr=False)
    has_long_name: bool
    unit: str
    post: str
    sentence: str
    at_ms: int
    at: str
    is_undone: bool


KEYS = {
    *keys_of(Reason),
    *keys_of(Reason, "brief."),
    *keys_of(Mode),
    *keys_of(Mode, "second."),
    *keys_of(Idle),
    *keys_of(Idle, "second."),
    *keys_of(LinkState),
    *keys_of(TimeSource),
    *keys_of(Trouble),
    *keys_of(DeviceState, "reader."),
    *keys_of(TroubleReason, "card."),
    "reader.sought",
    *(f"reader_named.{kind}" for kind in (*_NAMED_KINDS, "other")),
    "reader_named.one_of_several",
    "reason_elsewhere.seen_before",
    "reason_untold.seen_before",
    "reason_untold.other_point",
}
"""Every word this module asks for."""

_LINK_SHAPES = {
    LinkState.UP: "well",
    LinkState.RADIO: "reduced",
    LinkState.DOWN: "late",
    LinkState.REFUSED: "refused",
}
_NOT_RECORDING = frozenset({Trouble.DISK_FULL, Trouble.DISK_FAILING})
# The readers' troubles stand between these and the next.
_BEFORE_READERS = (
    Trouble.HOLD_CARD_STILL,  # these five last seconds, and are about what was just done
    Trouble.SCAN_AGAIN,
    Trouble.UNDONE,
    Trouble.NOTHING_TO_UNDO,
    Trouble.LANE_PAUSED,
    Trouble.DISK_FAILING,
    Trouble.DISK_FULL,
    Trouble.BATTERY_EMPTY,
)
_AFTER_READERS = (
    Trouble.COUNTY_REFUSES,
    Trouble.RADIO_MISSING,
    Trouble.NO_ROSTER,
    Trouble.CLOCK_UNSET,
    Trouble.DISK_LOW,
    Trouble.BATTERY_LOW,
    Trouble.DISK_WEARING,
    Trouble.ENCLOSURE_OPEN,
    Trouble.UNDER_VOLTAGE,
    Trouble.SAME_LANE,
    Trouble.POSITION_SUSPECT,
)


def station_context(view: StationView, words: Words) -> Mapping[str, object]:
    """Everything the parts of the station's page need."""
    troubles = trouble_rows(view, words)
    shown, radio = view.verdict, view.radio
    return {
        "view": view,
        "point": title(view.point, words),
        "mode": view.activation.mode if view.activation else None,
        "is_drill": view.activation is not None and view.activation.mode is Mode.DRILL,
        "link_shape": _LINK_SHAPES[view.link],
        "clock": _minute(view.now_ms),
        "clock_is_set": view.clock_source is not TimeSource.UNSET,
        "verdict": scan_row(shown, words) if shown else None,
        "idle": idle_state(view),
        "troubles": troubles[:SHOWN_TROUBLES],
        "more_troubles": max(0, len(troubles) - SHOWN_TROUBLES),
        "is_long_count": len(f"{view.present}{view.expected}") > _WIDE_COUNT,
        "lanes_heard": ", ".join(map(str, view.lanes_heard)),
        "ended": _minute(view.ended_ms),
        "noticed": _minute(view.notice.at_ms if view.notice else None),
        "has_long_notice": view.notice is not None and len(view.notice.text) > _WIDE_NOTICE,
        "is_by_radio": radio is not None and view.link is LinkState.RADIO,
        "answered": _answered(view, words),
        "drained": _drained(view, words),
        "oldest": words.span(view.custody.oldest_waiting_s),
        "last": [scan_row(scan, words) for scan in view.last],
    }


def scan_row(scan: ShownScan, words: Words) -> ScanRow:
    """One scan in words; without a name the reason stands in for it in lists."""
    return ScanRow(
        signs=SIGNS[scan.verdict],
        who=scan.name or words.of(scan.reason, "brief."),
        has_long_name=len(scan.name) > _WIDE_NAME,
        unit=scan.unit,
        post=scan.post,
        sentence=sentence(scan, words),
        at_ms=scan.at_ms,
        at=clock_time(scan.at_ms),
        is_undone=scan.is_undone,
    )


def sentence(scan: ShownScan, words: Words) -> str:
    """What to do, in one sentence."""
    if scan.reason is Reason.SEEN_BEFORE:
        if scan.first_seen_ms is None:
            return words("reason_untold.seen_before")
        since_s = max(0, scan.at_ms - scan.first_seen_ms) // 1000
        ago, lane = words.ago(since_s), scan.first_seen_lane
        if lane is not None:
            return words("reason_elsewhere.seen_before", ago=ago, n=lane)
        return words("reason.seen_before", ago=ago)
    if scan.reason is Reason.OTHER_POINT:
        if scan.home_point is None:
            return words("reason_untold.other_point")
        return words("reason.other_point", point=title(scan.home_point, words))
    if scan.card_trouble is not None:
        return words.of(scan.card_trouble, "card.")
    return words.of(scan.reason)


def trouble_rows(view: StationView, words: Words) -> list[TroubleRow]:
    """Every sentence the staff must read, gravest first."""
    none_reads = not any(map(_reads, view.readers))
    readers = [
        TroubleRow(
            reader_sentence(reader, len(view.readers), words),
            is_grave=none_reads and reader.state is not None,
        )
        for reader in view.readers
        if not _reads(reader)
    ]
    before, after = (
        [
            TroubleRow(words.of(trouble), is_grave=trouble in _NOT_RECORDING)
            for trouble in order
            if trouble in view.troubles
        ]
        for order in (_BEFORE_READERS, _AFTER_READERS)
    )
    return before + readers + after


def reader_sentence(reader: ShownReader, of_how_many: int, words: Words) -> str:
    """Which reader it is about, how it is and what to do."""
    name = words(f"reader_named.{reader.kind if reader.kind in _NAMED_KINDS else 'other'}")
    if of_how_many > 1:
        name = words("reader_named.one_of_several", reader=name, n=reader.number)
    if reader.state is None:
        return words("reader.sought", reader=name)
    return words.of(reader.state, "reader.", reader=name)


def _reads(reader: ShownReader) -> bool:
    return reader.state is DeviceState.READY


def idle_state(view: StationView) -> Idle:
    """A card is asked for only when it can be read and recorded."""
    if not _NOT_RECORDING.isdisjoint(view.troubles) or Trouble.LANE_PAUSED in view.troubles:
        return Idle.PAUSED
    if not any(map(_reads, view.readers)):
        return Idle.NOT_READING
    if Trouble.HOLD_CARD_STILL in view.troubles:
        return Idle.HOLD_STILL
    if Trouble.SCAN_AGAIN in view.troubles:
        return Idle.SCAN_AGAIN
    return (
        Idle.READY if all(reader.kind == "sdt" for reader in view.readers) else Idle.READY_FOR_ANY
    )


def _minute(at_ms: int | None) -> str:
    """`14:23`; nothing for no moment."""
    return "" if at_ms is None else clock_time(at_ms)[:5]


def _answered(view: StationView, words: Words) -> str:
    if view.radio is None or view.radio.answered_ms is None:
        return ""
    return words.ago((view.now_ms - view.radio.answered_ms) // 1000)


def _drained(view: StationView, words: Words) -> str:
    """In whole minutes, rather too many: it is an estimate."""
    if view.radio is None or view.link is not LinkState.RADIO or view.radio.drained_in_s is None:
        return ""
    return words.span(60 * max(1, math.ceil(view.radio.drained_in_s / 60)))


def title(point: Point, words: Words) -> str:
    """The point's name in the language of the page."""
    return point.title_zh if words.language is Language.CHINESE else point.title_en
