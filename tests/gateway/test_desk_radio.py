"""What the desk says of the radio, in both languages."""

from dataclasses import replace

import pytest

from gateway.view import BoardView, HeardBy, NodeRadio, RadioView
from gateway.web.desk import desk_context
from gateway.web.desk_radio import LOW_AIRTIME_PERCENT, RadioSummary, radio_line, radio_summary
from gateway.web.site import DESK_PARTS
from gateway.web.words import KEYS
from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.screen import Screen
from runtime.web.text import Language, Words
from tests.views import board_view

PAGES = Pages("gateway.web", KEYS)
ENGLISH = PAGES.words[Language.ENGLISH]
RADIO = RadioView(True, "E22 v1", "CN470 470-510 MHz", 12.4, None, 3600.0, 0, 0)
HEARD = NodeRadio(
    372,
    -91,
    -88,
    -7.4,
    40,
    12,
    3,
    8,
    60,
    78,
    (HeardBy("p01-b", -70, 9), HeardBy("gateway", -95, 2)),
)


def county(radio: RadioView | None = RADIO, node: NodeRadio | None = HEARD) -> BoardView:
    view = board_view(1, 2)
    first, second = view.nodes
    return replace(view, radio=radio, nodes=(replace(first, radio=node), second))


def summary(view: BoardView, words: Words = ENGLISH) -> RadioSummary:
    found = radio_summary(view, words)
    assert found is not None
    return found


def page(view: BoardView, language: Language) -> str:
    screen = Screen(
        "nodes",
        DESK_PARTS,
        Feed(view),
        PAGES,
        live_path="/live",
        context=desk_context,
        now_ms=lambda value: value.now_ms,
    )
    return " ".join(screen.parts(view, 0, PAGES.words[language]).values())


def test_a_county_without_radio_shows_none() -> None:
    assert radio_summary(county(radio=None), ENGLISH) is None


@pytest.mark.parametrize("language", Language)
def test_the_page_says_what_there_is(language: Language) -> None:
    words = PAGES.words[language]
    html = page(county(replace(RADIO, foreign=3, replayed=4)), language)
    for said in (
        words("radio.title"),
        words("radio.ready"),
        "CN470 470-510 MHz",
        words("radio.airtime_free", used="12"),
        words("radio.foreign", n=3),
        words("radio.replayed", n=4),
        words("radio.dbm", now="\u221291", mean="\u221288"),
        words.ago(372),
        "p01-b\u00a0\u221270\u00a0dBm",
    ):
        assert said in html, said
    assert words("radio.not_ready") not in html


@pytest.mark.parametrize("language", Language)
def test_the_page_without_a_modem_says_so(language: Language) -> None:
    words = PAGES.words[language]
    away = replace(RADIO, is_ready=False, identity="", band="", used_s=0.0)
    html = page(county(away, None), language)
    assert words("radio.not_ready") in html
    assert words("radio.none") in html
    assert words("radio.title") not in page(county(radio=None), language)


def test_only_those_that_were_heard_have_a_line() -> None:
    (line,) = summary(county()).lines
    assert line.node == county().nodes[0].node


def test_identity_and_band_are_left_out_while_unknown() -> None:
    assert summary(county()).what == "E22 v1 \u00b7 CN470 470-510 MHz"
    assert summary(county(replace(RADIO, identity=""))).what == "CN470 470-510 MHz"
    assert summary(county(replace(RADIO, identity="", band=""))).what == ""


@pytest.mark.parametrize(
    ("used_s", "allowed_s", "is_low"),
    [(12.0, None, False), (28.0, 36.0, False), (28.8, 36.0, True), (40.0, 36.0, True)],
)
def test_airtime_is_flagged_before_it_is_used_up(
    used_s: float, allowed_s: float | None, is_low: bool
) -> None:
    found = summary(county(replace(RADIO, used_s=used_s, allowed_s=allowed_s)))
    assert found.airtime_is_low is is_low
    assert f"{used_s:.0f}" in found.airtime
    assert allowed_s is None or "36" in found.airtime


def test_one_terminal_in_words() -> None:
    line = radio_line("t1", HEARD, ENGLISH)
    assert (line.rssi, line.snr) == ("\u221291 / \u221288 dBm", "\u22127\u00a0dB")
    assert (line.lost, line.airtime, line.battery) == ("12\u00a0%", "3\u00a0%", "78\u00a0%")
    assert line.hears == ("p01-b\u00a0\u221270\u00a0dBm", "gateway\u00a0\u221295\u00a0dBm")


def test_what_is_unknown_is_left_empty() -> None:
    unknown = NodeRadio(1, None, None, None, 1, 0, None, None, None, None, ())
    line = radio_line("t1", unknown, ENGLISH)
    assert (line.rssi, line.snr, line.airtime, line.battery) == ("", "", "", "")
    assert not line.airtime_is_low


@pytest.mark.parametrize("percent", [LOW_AIRTIME_PERCENT - 1, LOW_AIRTIME_PERCENT, 140])
def test_a_terminal_short_of_airtime_is_flagged(percent: int) -> None:
    line = radio_line("t1", replace(HEARD, airtime_percent=percent), ENGLISH)
    assert line.airtime_is_low is (percent >= LOW_AIRTIME_PERCENT)
