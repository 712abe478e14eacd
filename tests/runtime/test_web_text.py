"""The catalogues fit each other and the pages, and nothing the pages need is left out."""

import re
from importlib import resources
from pathlib import Path

import pytest

from gateway.web.words import KEYS as BOARD_KEYS
from protocol.health import DeviceHealth
from runtime.web.pages import Pages
from runtime.web.text import Language, TextError, Words, enum_key, load_words
from runtime.web.when import clock_time, elapsed, largest_unit
from terminal.web.page import KEYS as STATION_KEYS

SITES = [("terminal.web", STATION_KEYS), ("gateway.web", BOARD_KEYS)]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("package", "keys"), SITES)
def test_both_languages_have_the_same_keys_and_no_empty_phrase(
    package: str, keys: set[str]
) -> None:
    words = Pages(package, keys).words
    assert words[Language.CHINESE].keys == words[Language.ENGLISH].keys
    for language in Language:
        assert all(words[language]._phrases.values())


@pytest.mark.parametrize(("package", "keys"), SITES)
def test_no_word_of_a_site_is_without_use(package: str, keys: set[str]) -> None:
    pages = Pages(package, keys)
    own = load_words([package], required=())[Language.CHINESE].keys
    assert own <= pages.keys


def test_no_shared_word_is_without_use() -> None:
    shared = load_words(["runtime.web"], required=())[Language.CHINESE].keys
    used = Pages("terminal.web", STATION_KEYS).keys
    assert {key for key in shared if key.split(".")[0] not in {"ago", "span"}} <= used


@pytest.mark.parametrize("package", ["terminal", "gateway"])
def test_templates_hold_no_words_of_their_own(package: str) -> None:
    for template in (ROOT / package / "web" / "templates").rglob("*.html"):
        assert not re.search(r"[\u4e00-\u9fff]", template.read_text("utf-8")), template.name


def test_a_missing_word_stops_the_start() -> None:
    with pytest.raises(TextError, match=r"no words for device_health\.tired"):
        Pages("gateway.web", BOARD_KEYS | {"device_health.tired"})


@pytest.mark.parametrize(
    ("chinese", "english", "complaint"),
    [
        ('a = "一"', 'a = "one"\nb = "two"', "b: "),
        ('a = "{n} 个"', 'a = "{m} pieces"', "a: "),
        ("a = 1", 'a = "one"', "a: a phrase is a string"),
    ],
)
def test_catalogues_that_disagree_stop_the_start(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chinese: str,
    english: str,
    complaint: str,
) -> None:
    text = tmp_path / "some_words" / "text"
    text.mkdir(parents=True)
    (text.parent / "__init__.py").touch()
    (text / "zh-Hans.toml").write_text(chinese, "utf-8")
    (text / "en.toml").write_text(english, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "some_words", raising=False)
    with pytest.raises(TextError, match=complaint):
        load_words(["some_words"], required=())


def test_a_key_twice_stops_the_start() -> None:
    with pytest.raises(TextError, match="twice"):
        load_words(["runtime.web", "runtime.web"], required=())


def test_enum_keys() -> None:
    assert enum_key(DeviceHealth.NOT_FITTED) == "device_health.not_fitted"


@pytest.mark.parametrize(
    ("seconds", "unit", "count"),
    [
        (0, "s", 0),
        (59, "s", 59),
        (60, "min", 1),
        (3599, "min", 59),
        (7300, "h", 2),
        (90_000, "d", 1),
    ],
)
def test_largest_unit(seconds: int, unit: str, count: int) -> None:
    assert largest_unit(seconds) == (unit, count)


def test_times_are_told_in_both_languages() -> None:
    chinese, english = (_shared(language) for language in Language)
    assert [chinese.ago(1), chinese.ago(12), chinese.span(372)] == ["刚刚", "12 秒前", "6 分钟"]
    assert [english.ago(1), english.ago(12), english.span(372)] == ["just now", "12 s ago", "6 min"]
    assert chinese.ticking()["min"] == "{n} 分钟前"


def test_clock_and_elapsed_time() -> None:
    assert clock_time(1_790_000_000_000) == "22:13:20"
    assert [elapsed(2520), elapsed(-600), elapsed(360_000)] == [
        "T + 0:42:00",
        "T − 0:10:00",
        "T + 100:00:00",
    ]


def test_script_and_python_agree_on_units() -> None:
    script = resources.files("runtime.web").joinpath("static", "live.js").read_text("utf-8")
    assert '[["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]' in script
    assert "JUST_NOW_S = 3;" in script


@pytest.mark.parametrize(
    ("package", "files"),
    [
        (
            "runtime.web",
            [
                "static/muster.css",
                "static/live.js",
                "static/icon.svg",
                "templates/base.html",
                "text/en.toml",
            ],
        ),
        (
            "terminal.web",
            ["templates/station.html", "templates/station/verdict.html", "text/zh-Hans.toml"],
        ),
        ("gateway.web", ["templates/wall.html", "templates/nodes/table.html", "text/zh-Hans.toml"]),
    ],
)
def test_files_travel_with_the_package(package: str, files: list[str]) -> None:
    for file in files:
        assert resources.files(package).joinpath(*file.split("/")).is_file()


def _shared(language: Language) -> Words:
    return load_words(["runtime.web"], required=())[language]
