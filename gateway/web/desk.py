"""From a `BoardView` to what the desk's table of terminals shows. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.fleet import BROKEN, is_failing
from gateway.view import BoardView, NodeRow, QuarantineRow
from gateway.web.desk_radio import radio_summary
from gateway.web.words import SHAPES, WORST_FIRST, title
from protocol.downlink import Mode
from protocol.health import DeviceHealth, PositionTrust, PowerReport
from protocol.records import UNKNOWN_ERROR_MS, TimeSource
from runtime.web.text import Language, Words
from runtime.web.when import clock_time

SHOWN_GAPS = 3


@dataclass(frozen=True, slots=True)
class NodeLine:
    """One row of the table."""

    row: NodeRow
    point: str
    shape: str
    heard: str
    oldest: str
    gaps: str
    clock: str
    clock_is_set: bool
    troubles: tuple[str, ...]
    """What of it needs somebody: devices that are not well, a position or a box to look into."""
    well: int
    """Devices that are."""
    power: str
    power_is_failing: bool
    link: str
    """Which way it was heard of last, in words; empty: none yet."""


@dataclass(frozen=True, slots=True)
class QuarantineLine:
    """One row of the table of what could not be admitted."""

    row: QuarantineRow
    at: str
    ago: str


def desk_context(view: BoardView, words: Words) -> Mapping[str, object]:
    """Everything the parts of the desk's page need."""
    nodes = sorted(
        view.nodes, key=lambda node: (WORST_FIRST.index(node.state), node.point.name, node.node)
    )
    counts = Counter(node.state for node in nodes)
    activation = view.activation
    return {
        "view": view,
        "mode": activation.mode,
        "is_drill": activation.mode is Mode.DRILL,
        "muster": activation.title_zh
        if words.language is Language.CHINESE
        else activation.title_en,
        "nodes": [node_line(node, words) for node in nodes],
        "quarantine": [quarantine_line(row, view.now_ms, words) for row in view.quarantine],
        "counts": [(state, SHAPES[state], counts[state]) for state in WORST_FIRST if counts[state]],
        "waiting": sum(node.waiting for node in nodes),
        "gaps": sum(last - first + 1 for node in nodes for first, last in node.gaps),
        "radio": radio_summary(view, words),
    }


def node_line(node: NodeRow, words: Words) -> NodeLine:
    """One terminal in words."""
    return NodeLine(
        row=node,
        point=title(node.point, words),
        shape=SHAPES[node.state],
        heard="" if node.last_heard_s is None else words.ago(node.last_heard_s),
        oldest=words.span(node.oldest_waiting_s),
        gaps=gaps_in_words(node.gaps, words),
        clock=clock_in_words(node, words),
        clock_is_set=node.clock_source not in {None, TimeSource.UNSET},
        troubles=tuple(troubles_in_words(node, words)),
        well=sum(device.health is DeviceHealth.READY for device in node.devices),
        power="" if node.power is None else power_in_words(node.power, words),
        power_is_failing=node.power is not None and is_failing(node.power),
        link=link_in_words(node, words),
    )


def link_in_words(node: NodeRow, words: Words) -> str:
    """The way a terminal was heard of last."""
    if node.last_heard_s is None:
        return ""
    by_radio = node.radio is not None and node.radio.heard_s <= node.last_heard_s
    return words("nodes.by_radio" if by_radio else "nodes.by_network")


def troubles_in_words(node: NodeRow, words: Words) -> Iterator[str]:
    """What of a terminal needs somebody: `Reader (sdt): missing`."""
    for device in node.devices:
        if device.health in BROKEN:
            yield words(
                "nodes.device",
                role=words.of(device.role),
                kind=device.kind,
                health=words.of(device.health),
            )
    if node.enclosure_is_open:
        yield words("nodes.enclosure_is_open")
    if node.position_trust is PositionTrust.SUSPECT:
        yield words("nodes.position_is_suspect")


def power_in_words(power: PowerReport, words: Words) -> str:
    """`Battery 78 %`; empty when nobody can tell."""
    told = []
    if power.on_mains is not None:
        told.append(words("nodes.mains" if power.on_mains else "nodes.battery"))
    if power.charge_percent is not None:
        told.append(f"{power.charge_percent}\N{NO-BREAK SPACE}%")
    if power.under_voltage:
        told.append(words("nodes.under_voltage"))
    return " ".join(told)


def quarantine_line(row: QuarantineRow, now_ms: int, words: Words) -> QuarantineLine:
    """One message that could not be admitted, in words."""
    return QuarantineLine(row, clock_time(row.at_ms), words.ago((now_ms - row.at_ms) // 1000))


def gaps_in_words(gaps: Sequence[tuple[int, int]], words: Words) -> str:
    """`388–390, 395` and how many more; empty when nothing is missing."""
    shown = [
        words("nodes.gap_one", n=first)
        if first == last
        else words("nodes.gap_many", first=first, last=last)
        for first, last in gaps[:SHOWN_GAPS]
    ]
    if len(gaps) > SHOWN_GAPS:
        shown.append(words("nodes.gaps_more", n=len(gaps) - SHOWN_GAPS))
    return ", ".join(shown)


def clock_in_words(node: NodeRow, words: Words) -> str:
    """`GNSS ±0.1 s`; empty for a terminal that has told nothing yet."""
    if node.clock_source is None:
        return ""
    source = words.of(node.clock_source)
    if node.clock_source is TimeSource.UNSET or node.clock_error_ms >= UNKNOWN_ERROR_MS:
        return source
    seconds = node.clock_error_ms / 1000
    digits = 0 if seconds >= 10 else 1 if seconds >= 0.1 else 2
    return f"{source} ±{seconds:.{digits}f} s"
