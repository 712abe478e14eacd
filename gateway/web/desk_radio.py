"""From a `BoardView` to what the desk shows of the radio. Pure."""

from dataclasses import dataclass

from gateway.view import BoardView, NodeRadio
from runtime.web.text import Words

LOW_AIRTIME_PERCENT = 80  # of what the law allows: from here on frames will soon have to wait


@dataclass(frozen=True, slots=True)
class RadioLine:
    """One terminal on the radio, in words."""

    node: str
    heard: str
    rssi: str
    snr: str
    lost: str
    airtime: str
    airtime_is_low: bool
    """Little is left of what the law allows it."""
    battery: str
    hears: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RadioSummary:
    """The gateway's radio, in words."""

    is_ready: bool
    what: str
    airtime: str
    airtime_is_low: bool
    foreign: int
    replayed: int
    lines: tuple[RadioLine, ...]


def radio_summary(view: BoardView, words: Words) -> RadioSummary | None:
    """The radio and everybody on it; None where the county has none."""
    radio = view.radio
    if radio is None:
        return None
    percent = 0.0 if radio.allowed_s is None else 100 * radio.used_s / radio.allowed_s
    return RadioSummary(
        is_ready=radio.is_ready,
        what=" \N{MIDDLE DOT} ".join(filter(None, (radio.identity, radio.band))),
        airtime=words("radio.airtime_free", used=f"{radio.used_s:.0f}")
        if radio.allowed_s is None
        else words(
            "radio.airtime_of", used=f"{radio.used_s:.0f}", allowed=f"{radio.allowed_s:.0f}"
        ),
        airtime_is_low=percent >= LOW_AIRTIME_PERCENT,
        foreign=radio.foreign,
        replayed=radio.replayed,
        lines=tuple(
            radio_line(node.node, node.radio, words)
            for node in view.nodes
            if node.radio is not None
        ),
    )


def radio_line(node: str, radio: NodeRadio, words: Words) -> RadioLine:
    """One terminal on the radio in words."""
    percent = radio.airtime_percent
    return RadioLine(
        node=node,
        heard=words.ago(radio.heard_s),
        rssi=""
        if radio.rssi_dbm is None
        else words("radio.dbm", now=_dbm(radio.rssi_dbm), mean=_dbm(radio.mean_rssi_dbm or 0)),
        snr=""
        if radio.snr_db is None
        else f"{_signed(f'{radio.snr_db:+.0f}')}\N{NO-BREAK SPACE}dB",
        lost=f"{radio.lost_percent}\N{NO-BREAK SPACE}%",
        airtime="" if percent is None else f"{percent}\N{NO-BREAK SPACE}%",
        airtime_is_low=percent is not None and percent >= LOW_AIRTIME_PERCENT,
        battery=""
        if radio.battery_percent is None
        else f"{radio.battery_percent}\N{NO-BREAK SPACE}%",
        hears=tuple(
            f"{each.node}\N{NO-BREAK SPACE}{_dbm(each.rssi_dbm)}\N{NO-BREAK SPACE}dBm"
            for each in radio.hears
        ),
    )


def _dbm(value: int) -> str:
    return _signed(f"{value}")


def _signed(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")
