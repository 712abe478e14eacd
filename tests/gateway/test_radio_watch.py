"""What the county sees of its radio: signal, loss, and who hears whom."""

from dataclasses import replace

import pytest

from gateway.radio_watch import RadioWatch
from gateway.view import BoardView, HeardBy, RadioView
from gateway.web.desk import desk_context
from gateway.web.desk_radio import LOW_AIRTIME_PERCENT, radio_summary
from gateway.web.facts import board_facts
from gateway.web.site import DESK_PARTS
from gateway.web.words import KEYS
from protocol.radio_up import Fare, HeardNode, Status
from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.screen import Screen
from runtime.web.text import Language
from tests.views import RADIO, board_view, with_radio

PAGES = Pages("gateway.web", KEYS)
CHINESE, ENGLISH = (PAGES.words[language] for language in Language)
NAMES = {0: "gateway", 2: "t2"}
HEARD = (HeardNode(0, -80, 3), HeardNode(2, -97, 1), HeardNode(9, -99, 1))
STATUS = Status(4, 60, Fare.READER_READY, 78, 1, 0, 12, HEARD)


def test_signal_and_loss_of_each_terminal() -> None:
    watch = RadioWatch()
    for rssi_dbm, skipped in ((-80, 0), (-90, 1)):
        watch.heard("t1", rssi_dbm, 7.5, skipped, 10.0)
    watch.heard("t1", None, None, 0, 20.0)
    row = watch.rows(23.9, NAMES.get)["t1"]
    assert (row.heard_s, row.frames, row.lost_percent) == (3, 3, 25)
    assert (row.rssi_dbm, row.mean_rssi_dbm, row.snr_db) == (None, -82, None)
    assert (row.waiting, row.airtime_percent, row.hears) == (None, None, ())


def test_who_hears_whom_as_far_as_they_have_names() -> None:
    watch = RadioWatch()
    watch.told("t1", STATUS, 10.0)
    row = watch.rows(15.0, NAMES.get)["t1"]
    assert row.hears == (HeardBy("gateway", -80, 3), HeardBy("t2", -97, 1))
    assert (row.waiting, row.oldest_waiting_s, row.battery_percent) == (4, 65, 78)
    assert row.airtime_percent == 12
    watch.told("t1", replace(STATUS, waiting=0, oldest_s=0), 20.0)
    assert watch.rows(90.0, NAMES.get)["t1"].oldest_waiting_s == 0


def test_what_came_since_a_status_waits_no_more() -> None:
    watch = RadioWatch()
    watch.emptied("t1")
    watch.told("t1", STATUS, 10.0)
    watch.emptied("t1")
    row = watch.rows(70.0, NAMES.get)["t1"]
    assert (row.waiting, row.oldest_waiting_s, row.battery_percent) == (0, 0, 78)


def desk(view: BoardView, language: Language) -> str:
    screen = Screen(
        "nodes",
        DESK_PARTS,
        Feed(view),
        PAGES,
        live_path="/live",
        context=desk_context,
        now_ms=lambda value: value.now_ms,
    )
    return screen.parts(view, 0, PAGES.words[language])["radio"]


@pytest.mark.parametrize("language", list(Language))
def test_the_desk_shows_the_radio_in_both_languages(language: Language) -> None:
    page = desk(with_radio(board_view()), language)
    assert "E22-400T22S" in page
    assert "p02-a\N{NO-BREAK SPACE}\N{MINUS SIGN}90\N{NO-BREAK SPACE}dBm" in page
    assert "\N{MINUS SIGN}8\N{NO-BREAK SPACE}dB" in page
    assert page.count('class="flag"') == 1, "one has nearly used up its airtime"


@pytest.mark.parametrize("language", list(Language))
def test_a_county_without_radio_shows_none(language: Language) -> None:
    assert "<" not in desk(board_view(), language)


@pytest.mark.parametrize("language", list(Language))
def test_a_radio_that_hears_nobody_yet(language: Language) -> None:
    silent = RadioView(False, "", "", 0.0, None, 0.0, 0, 0)
    page = desk(replace(board_view(), radio=silent), language)
    assert "<table" not in page
    assert "p-silent" in page


@pytest.mark.parametrize(("used_s", "is_low"), [(35.9, True), (20.0, False)])
def test_a_gateway_that_may_hardly_speak_any_more_says_so(used_s: float, *, is_low: bool) -> None:
    radio = replace(RADIO, used_s=used_s, allowed_s=36.0)
    assert is_low is (used_s / 36.0 * 100 >= LOW_AIRTIME_PERCENT)
    for words in (CHINESE, ENGLISH):
        summary = radio_summary(with_radio(board_view(), radio), words)
        assert summary is not None
        assert summary.airtime_is_low is is_low
        assert "36" in summary.airtime


def test_the_api_tells_it_too() -> None:
    facts = board_facts(with_radio(board_view()))
    assert facts.radio is not None
    assert facts.radio.foreign == RADIO.foreign
    heard = [node.radio for node in facts.nodes if node.radio is not None]
    assert heard[0].hears[0].rssi_dbm == -90
