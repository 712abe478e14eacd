"""The station's page, as HTML and as JSON."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from html import unescape
from importlib import resources

import httpx
import pytest

from drivers.readers.base import TroubleReason
from drivers.registry import READERS
from drivers.supervisor import DeviceState
from protocol.bulletin import Notice
from protocol.downlink import Activation, Mode
from protocol.records import TimeSource
from protocol.verdict import SIGNS, Reason, Signs, Verdict
from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.screen import Parts, Screen
from runtime.web.text import Language, Words
from terminal.view import (
    Custody,
    LinkState,
    ShownRadio,
    ShownReader,
    ShownScan,
    StationView,
    Trouble,
)
from terminal.web import station_app
from terminal.web.facts import encode_facts
from terminal.web.page import KEYS, SHOWN_TROUBLES, Idle, idle_state, station_context
from terminal.web.site import PARTS
from tests.browse import Site, Visitor
from tests.views import LAST, NOW_MS, QINGSHAN, SHIQIAO, scan, station_view, with_readers

PAGES = Pages("terminal.web", KEYS)
CHINESE, ENGLISH = Language.CHINESE, Language.ENGLISH


def render(view: StationView, language: Language = CHINESE) -> Parts:
    screen = Screen(
        "station",
        PARTS,
        Feed(view),
        PAGES,
        live_path="/live",
        context=station_context,
        now_ms=lambda value: value.now_ms,
    )
    return screen.parts(view, 0, PAGES.words[language])


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def get(view: StationView, path: str = "/", **cookies: str) -> str:
    answer = Visitor(station_app(Feed(view)), cookies).get(path)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_and_reason_has_its_four_signs_and_a_sentence(
    verdict: Verdict, reason: Reason, language: Language
) -> None:
    shown = scan(verdict, reason, first_seen_ago_s=12, home=SHIQIAO)
    panel = render(replace(station_view(), verdict=shown), language)["verdict"]
    signs = SIGNS[verdict]
    assert f"v-{signs.key}" in panel
    assert signs.shape in panel
    assert signs.word_zh in panel
    assert signs.word_en in panel
    assert "王建伟" in panel
    assert "应急救援一排 · 二班班长" in panel
    sentence = text(panel.split('class="what">')[1])
    assert len(sentence) > 3
    assert "{" not in sentence


@pytest.mark.parametrize(
    ("shown", "chinese", "english"),
    [
        (
            scan(Verdict.LOOK, Reason.OTHER_POINT, home=SHIQIAO),
            "属石桥镇，请核对",
            "Belongs to Shiqiao Township, please check",
        ),
        (
            scan(Verdict.LOOK, Reason.OTHER_POINT, home=None),
            "属其他集结点，请核对",
            "Belongs to another point, please check",
        ),
        (
            scan(Verdict.ALREADY, Reason.SEEN_BEFORE, first_seen_ago_s=12),
            "12 秒前已签到，不用再刷",
            "Checked in 12 s ago, please go in",
        ),
        (
            scan(Verdict.ALREADY, Reason.SEEN_BEFORE, first_seen_ago_s=125, first_seen_lane=3),
            "2 分钟前已在第 3 通道签到，不用再刷",
            "Checked in 2 min ago at lane 3, please go in",
        ),
        (
            scan(Verdict.ALREADY, Reason.SEEN_BEFORE),
            "先前已签到，不用再刷",
            "Checked in before, please go in",
        ),
    ],
)
def test_sentences_that_name_a_point_or_a_time(
    shown: ShownScan, chinese: str, english: str
) -> None:
    view = replace(station_view(), verdict=shown)
    assert chinese in render(view)["verdict"]
    assert english in render(view, ENGLISH)["verdict"]


def test_names_are_escaped_wherever_they_stand() -> None:
    nasty = scan(name='<script>alert("1")</script>', unit="<b>", post="&")
    html = get(replace(station_view(), verdict=nasty, last=(nasty,)))
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert") == 2
    assert "&lt;b&gt; · &amp;" in html


def test_the_list_shows_the_names_it_was_given_and_the_reason_where_there_is_none() -> None:
    rows = render(station_view())["last"]
    assert "王*伟" in rows
    assert "不在名册" in rows
    assert "王建伟" not in rows
    assert rows.count("<li>") == len(LAST)


def test_a_scan_that_was_taken_back_stays_in_the_list_and_says_so() -> None:
    (first, *others) = station_view().last
    undone = replace(station_view(), last=(replace(first, is_undone=True), *others))
    rows = render(undone)["last"]
    assert rows.count('<li class="undone">') == 1
    assert rows.count("已撤销") == 1


def test_custody_is_told_in_words_and_without_a_tick() -> None:
    parts = render(station_view())
    assert text(parts["custody"]) == "本机已存 126 县里已收到 118 等待 · 最久 6 分钟 8"
    assert SIGNS[Verdict.ACCEPTED].shape not in parts["custody"]
    refused = replace(station_view(), custody=Custody(126, 118, 5, 3, 60))
    assert "县里拒收 3" in text(render(refused)["custody"])
    done = replace(station_view(), custody=Custody(126, 126, 0, 0, 0))
    assert text(render(done, ENGLISH)["custody"]).endswith("Waiting 0")


def test_other_lanes_that_are_heard_are_named() -> None:
    view = replace(station_view(), lanes_heard=(1, 3))
    assert text(render(view)["custody"]).endswith("互通的通道 1, 3")
    assert text(render(view, ENGLISH)["custody"]).endswith("Other lanes 1, 3")


def test_present_and_expected() -> None:
    assert text(render(station_view())["count"]) == "本机实到 / 应到 126 / 140"
    assert text(render(replace(station_view(), expected=0))["count"]).endswith("126 / –")
    assert (
        'class="number long"'
        in render(replace(station_view(), present=1260, expected=1400))["count"]
    )


@pytest.mark.parametrize("mode", Mode)
def test_a_drill_cannot_be_taken_for_real(mode: Mode) -> None:
    view = replace(station_view(), activation=_in(mode))
    words = {Mode.REAL: "实战 REAL", Mode.DRILL: "演练 DRILL", Mode.TEST: "测试 TEST"}
    facts = render(view)["facts"]
    assert words[mode] in text(facts)
    assert f'class="tag {mode.name.lower()}"' in facts


def _in(mode: Mode) -> Activation:
    return Activation(1, "集结", "Muster", mode, 1, 90, 60)


def test_the_bar_tells_place_roster_link_and_clock() -> None:
    facts = text(render(station_view())["facts"])
    assert facts == "演练 DRILL 青山镇 第 2 通道 名册 v14 县里已连 · MQTT 22:13 卫星"
    bare = replace(
        station_view(),
        activation=None,
        roster_version=None,
        roster_issued_ms=None,
        link=LinkState.REFUSED,
        clock_source=TimeSource.UNSET,
    )
    assert text(render(bare, ENGLISH)["facts"]) == (
        "No muster running Qingshan Township Lane 2 No roster Refused 22:13 time not set"
    )


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("language", Language)
def test_every_trouble_has_a_sentence_and_a_shape(trouble: Trouble, language: Language) -> None:
    html = render(replace(station_view(), troubles=(trouble,)), language)["troubles"]
    assert len(text(html)) > 10
    assert "<svg" in html


TROUBLED = [None, *(state for state in DeviceState if state is not DeviceState.READY)]


@pytest.mark.parametrize("state", TROUBLED)
@pytest.mark.parametrize("language", Language)
def test_no_card_is_asked_for_while_no_reader_reads(
    state: DeviceState | None, language: Language
) -> None:
    parts = render(with_readers(station_view(), state), language)
    name = "身份证读卡器" if language is CHINESE else "ID card reader"
    assert name in parts["troubles"]
    assert "1 号" not in parts["troubles"]
    assert "reader 1" not in parts["troubles"]
    assert ("grave" in parts["troubles"]) == (state is not None)
    assert "<svg" in parts["troubles"]
    assert "请刷身份证" not in parts["verdict"]
    assert "暂不能读卡" in parts["verdict"]


def test_every_state_of_a_reader_has_its_own_words() -> None:
    for language in Language:
        sentences = {
            text(render(with_readers(station_view(), state), language)["troubles"])
            for state in TROUBLED
        }
        assert len(sentences) == len(TROUBLED)


def test_of_several_readers_the_one_in_trouble_is_named_and_the_others_go_on() -> None:
    view = with_readers(station_view(), DeviceState.READY, DeviceState.MISSING)
    parts = render(view)
    assert text(parts["troubles"]) == "2 号身份证读卡器未连接：请检查插头，程序会自动重连"
    assert "grave" not in parts["troubles"]
    assert "请刷身份证" in parts["verdict"]
    both = render(with_readers(view, DeviceState.SILENT, DeviceState.MISSING), ENGLISH)
    assert both["troubles"].count("grave") == 2
    assert "ID card reader 1 gives no proper answer" in both["troubles"]
    assert "Present your card" not in both["verdict"]


@pytest.mark.parametrize("kind", [*READERS, "a kind of the future"])
def test_a_reader_of_any_kind_is_called_something(kind: str) -> None:
    shown = ShownReader(1, kind, DeviceState.SILENT)
    assert text(render(replace(station_view(), readers=(shown,)))["troubles"]).count("应答不正常")


@pytest.mark.parametrize("reason", TroubleReason)
def test_a_card_that_was_not_read_says_why(reason: TroubleReason) -> None:
    shown = replace(scan(Verdict.LOOK, Reason.UNREADABLE, name=""), card_trouble=reason)
    words = {
        language: text(
            render(replace(station_view(), verdict=shown), language)["verdict"].split(
                'class="what">'
            )[1]
        )
        for language in Language
    }
    assert words[CHINESE] == PAGES.words[CHINESE].of(reason, "card.")
    assert words[ENGLISH] == PAGES.words[ENGLISH].of(reason, "card.")


def test_idle_states() -> None:
    view = station_view()
    assert idle_state(view) is Idle.READY
    both = (*view.readers, ShownReader(2, "scanner", DeviceState.READY))
    assert idle_state(replace(view, readers=both)) is Idle.READY_FOR_ANY
    assert idle_state(replace(view, troubles=(Trouble.HOLD_CARD_STILL,))) is Idle.HOLD_STILL
    assert idle_state(replace(view, troubles=(Trouble.SCAN_AGAIN,))) is Idle.SCAN_AGAIN
    assert idle_state(with_readers(view, DeviceState.FAULT)) is Idle.NOT_READING
    for trouble in (Trouble.DISK_FULL, Trouble.DISK_FAILING):
        stopped = replace(with_readers(view, DeviceState.FAULT), troubles=(trouble,))
        assert idle_state(stopped) is Idle.PAUSED
        assert render(stopped)["troubles"].count("grave") == 2
    assert "请刷身份证" in render(view)["verdict"]


def test_what_stops_recording_is_never_hidden_behind_readers() -> None:
    view = with_readers(station_view(), DeviceState.MISSING, DeviceState.MISSING)
    rows = render(replace(view, troubles=(Trouble.NO_ROSTER, Trouble.DISK_FAILING)))["troubles"]
    assert text(rows).startswith("存储出错")
    assert "1 号身份证读卡器" in rows
    assert "另有 2 项" in rows


def test_more_troubles_than_fit_are_counted() -> None:
    view = replace(station_view(), troubles=tuple(Trouble))
    assert f"另有 {len(Trouble) - SHOWN_TROUBLES} 项" in render(view)["troubles"]


def test_language_is_chosen_by_query_then_cookie_then_chinese() -> None:
    view = station_view()
    assert '<html lang="zh-Hans"' in get(view)
    assert '<html lang="en"' in get(view, "/?lang=en")
    assert '<html lang="en"' in get(view, lang="en")
    assert '<html lang="zh-Hans"' in get(view, "/?lang=zh-Hans", lang="en")
    assert '<html lang="zh-Hans"' in get(view, "/?lang=<script>")
    client = Visitor(station_app(Feed(view)))
    client.get("/?lang=en")
    assert '<html lang="en"' in client.get("/").text


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    html = get(replace(station_view(), verdict=scan()))
    assert not re.search(r"\sstyle=|\son\w+=|<style|https?://", html)
    assert re.findall(r"<script[^>]*>(.*?)</script>", html) == [""]


def test_static_files_and_sign_of_life() -> None:
    client = Visitor(station_app(Feed(station_view())))
    for name in ("muster.css", "live.js", "icon.svg"):
        assert client.get(f"/static/{name}").status_code == 200
    assert client.get("/healthz").json() == {"status": "ok"}
    assert "default-src 'self'" in client.get("/").headers["content-security-policy"]


def test_the_style_sheet_has_the_colours_of_the_verdicts() -> None:
    css = resources.files("runtime.web").joinpath("static", "muster.css").read_text("utf-8")
    for signs in SIGNS.values():
        assert f".v-{signs.key} {{ background: {signs.colour}; color: {signs.ink}; }}" in css


@pytest.mark.parametrize("signs", SIGNS.values(), ids=lambda signs: signs.key)
def test_verdict_text_has_contrast(signs: Signs) -> None:
    assert contrast(signs.colour, signs.ink) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_json_names_the_record_and_nobody() -> None:
    view = replace(station_view(), verdict=scan(Verdict.STOP, Reason.CARD_LOST))
    encoded = encode_facts(view)
    assert "\n" not in encoded
    facts = json.loads(encoded)
    verdict = facts["verdict"]
    assert (verdict["epoch"], verdict["seq"], verdict["verdict"]) == (11, 126, Verdict.STOP)
    assert facts["custody"] == {
        "captured": 126,
        "stored": 118,
        "waiting": 8,
        "refused": 0,
        "oldest_waiting_s": 372,
    }
    assert facts["point"]["name"] == QINGSHAN.name
    assert not {"name", "unit", "post"} & verdict.keys()
    assert facts["readers"] == [{"number": 1, "kind": "sdt", "state": "ready"}]
    assert "王" not in encoded
    assert "救援" not in encoded
    idle = json.loads(encode_facts(replace(station_view(), activation=None)))
    assert idle["verdict"] is None
    assert idle["activation"] is None


def test_parts_are_rendered_once_for_all_who_look() -> None:
    contexts = []

    def counted(view: StationView, words: Words) -> Mapping[str, object]:
        contexts.append(view)
        return station_context(view, words)

    feed = Feed(station_view())
    screen = Screen(
        "station",
        PARTS,
        feed,
        PAGES,
        live_path="/live",
        context=counted,
        now_ms=lambda value: value.now_ms,
    )
    version, view = asyncio.run(feed.newer_than(-1))
    first = screen.parts(view, version, PAGES.words[CHINESE])
    assert screen.parts(view, version, PAGES.words[CHINESE]) is first
    screen.parts(view, version, PAGES.words[ENGLISH])
    assert len(contexts) == 2
    screen.parts(view, version + 1, PAGES.words[CHINESE])
    assert len(contexts) == 3


async def events(site: Site, path: str) -> AsyncIterator[dict[str, object]]:
    async with (
        httpx.AsyncClient(base_url=site.origin, trust_env=False) as client,
        client.stream("GET", path) as answer,
    ):
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def test_the_page_stream_sends_every_part_first_and_then_what_changed() -> None:
    async def scenario() -> None:
        feed = Feed(station_view())
        site = Site(station_app(feed))
        await site.start()
        async with asyncio.timeout(5):
            stream = events(site, "/live?lang=en")
            first = await anext(stream)
            assert first["now"] == station_view().now_ms
            assert isinstance(first["parts"], dict)
            assert set(first["parts"]) == set(PARTS)
            assert "Present your card" in first["parts"]["verdict"]
            feed.publish(replace(station_view(), now_ms=station_view().now_ms + 1000))
            feed.publish(replace(station_view(), present=127))
            second = await anext(stream)
            assert isinstance(second["parts"], dict)
            assert set(second["parts"]) == {"count"}
            await site.stop()
            assert [event async for event in stream] == []

    asyncio.run(scenario())


def test_the_json_stream_tells_a_verdict_as_it_is_shown() -> None:
    async def scenario() -> None:
        feed = Feed(station_view())
        site = Site(station_app(feed))
        await site.start()
        async with asyncio.timeout(5):
            stream = events(site, "/live.json")
            assert (await anext(stream))["verdict"] is None
            feed.publish(replace(station_view(), verdict=scan(seq=127)))
            verdict = (await anext(stream))["verdict"]
            assert isinstance(verdict, dict)
            assert (verdict["epoch"], verdict["seq"]) == (11, 127)
            await site.stop()
            assert [event async for event in stream] == []

    asyncio.run(scenario())


def by_radio(answered_ms: int | None, drained_in_s: int | None) -> StationView:
    radio = ShownRadio(True, True, answered_ms, drained_in_s)
    return replace(station_view(), link=LinkState.RADIO, radio=radio)


def test_by_radio_it_is_said_who_answered_and_how_long_the_rest_takes() -> None:
    parts = render(by_radio(NOW_MS - 14_000, 61))
    assert "电台 · LoRa" in text(parts["facts"])
    custody = text(parts["custody"])
    assert "全部收到约需 2 分钟" in custody
    assert "县里电台应答 14 秒前" in custody


def test_what_nobody_knows_by_radio_is_not_said() -> None:
    custody = text(render(by_radio(None, None), ENGLISH)["custody"])
    assert "County by LoRa no answer yet" in custody
    assert "All received" not in custody


def test_where_the_network_carries_records_the_radio_says_nothing() -> None:
    view = replace(station_view(), radio=ShownRadio(False, True, NOW_MS, 60))
    assert render(view)["custody"] == render(station_view())["custody"]
    assert "MQTT" in text(render(view)["facts"])


@pytest.mark.parametrize("language", Language)
def test_the_countys_word_stands_with_its_time_and_a_shape(language: Language) -> None:
    word = Notice(NOW_MS - 300_000, "改到<操场>")
    html = render(replace(station_view(), notice=word), language)["county"]
    assert "22:08 改到<操场>" in text(html)
    assert "<操场>" not in html
    assert html.count("<svg") == 1
    assert render(station_view(), language)["county"].strip() == ""


def test_an_ended_muster_says_when_it_ended() -> None:
    view = replace(station_view(), ended_ms=NOW_MS - 60_000)
    assert text(render(view)["county"]) == "集结已于 22:12 结束"
    assert text(render(view, ENGLISH)["county"]) == "Muster ended at 22:12"


def test_other_programs_hear_of_radio_notice_and_end() -> None:
    plain = json.loads(encode_facts(station_view()))
    assert (plain["radio"], plain["notice"], plain["ended_ms"]) == (None, None, None)
    facts = json.loads(
        encode_facts(
            replace(by_radio(NOW_MS, 60), notice=Notice(NOW_MS, "改到操场"), ended_ms=NOW_MS)
        )
    )
    assert facts["link"] == "radio"
    assert facts["radio"] == {
        "carries": True,
        "is_ready": True,
        "answered_ms": NOW_MS,
        "drained_in_s": 60,
    }
    assert facts["notice"] == {"at_ms": NOW_MS, "text": "改到操场"}
    assert facts["ended_ms"] == NOW_MS
