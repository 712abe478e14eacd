"""The words of the pages: one TOML catalogue per package and language.

A key is a dotted path (`idle.word`), a phrase a `str.format` template with named fields. A
catalogue that lacks a key another language has, or other fields in a phrase, stops the start.
"""

import re
import string
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, StrEnum
from importlib import resources

from runtime.web.when import JUST_NOW_S, largest_unit


class Language(StrEnum):
    """A language of the pages; the first is the default."""

    CHINESE = "zh-Hans"
    ENGLISH = "en"

    @property
    def other(self) -> "Language":
        """The language the switch leads to."""
        return Language.ENGLISH if self is Language.CHINESE else Language.CHINESE


class TextError(ValueError):
    """The catalogues do not fit each other or the pages; a programming error found at start."""


class Words:
    """All phrases of one language."""

    def __init__(self, language: Language, phrases: Mapping[str, str]) -> None:
        self.language = language
        self._phrases = dict(phrases)

    @property
    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._phrases)

    def __call__(self, key: str, **fields: object) -> str:
        """The phrase for `key` with its fields filled in; plain text, not HTML."""
        return self._phrases[key].format(**fields)

    def of(self, member: Enum, prefix: str = "", **fields: object) -> str:
        """The word for a member of an enum; `keys_of` lists the keys."""
        return self(prefix + enum_key(member), **fields)

    def span(self, seconds: int) -> str:
        """A length of time: `6 分钟`."""
        unit, count = largest_unit(seconds)
        return self(f"span.{unit}", n=count)

    def ago(self, seconds: int) -> str:
        """How long since: `12 秒前`."""
        if seconds < JUST_NOW_S:
            return self("ago.now")
        unit, count = largest_unit(seconds)
        return self(f"ago.{unit}", n=count)

    def ticking(self) -> dict[str, str]:
        """The phrases of `ago` with the number open, for the page to count on by itself."""
        return {unit: self(f"ago.{unit}", n="{n}") for unit in ("s", "min", "h", "d")} | {
            "now": self("ago.now")
        }


def enum_key(member: Enum) -> str:
    """`DeviceHealth.NOT_FITTED` -> `device_health.not_fitted`."""
    group = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(member).__name__).lower()
    return f"{group}.{member.name.lower()}"


def keys_of(shape: type[Enum], prefix: str = "") -> set[str]:
    """The keys that `Words.of` needs for every member of an enum."""
    return {prefix + enum_key(member) for member in shape}


def load_words(packages: Sequence[str], required: Iterable[str]) -> dict[Language, Words]:
    """Read `text/<language>.toml` of every package. Raises `TextError`."""
    catalogues = {language: _load(packages, language) for language in Language}
    fields = {
        language: {key: _fields(phrase) for key, phrase in phrases.items()}
        for language, phrases in catalogues.items()
    }
    first, *others = Language
    for language in others:
        for key in fields[first].keys() | fields[language].keys():
            if fields[first].get(key) != fields[language].get(key):
                raise TextError(f"{key}: {first} and {language} do not agree")
    missing = sorted(set(required) - fields[first].keys())
    if missing:
        raise TextError(f"no words for {', '.join(missing)}")
    return {language: Words(language, phrases) for language, phrases in catalogues.items()}


def _load(packages: Sequence[str], language: Language) -> dict[str, str]:
    phrases: dict[str, str] = {}
    for package in packages:
        source = resources.files(package).joinpath("text", f"{language}.toml").read_text("utf-8")
        for key, phrase in _flatten(tomllib.loads(source), ""):
            if key in phrases:
                raise TextError(f"{key}: twice in {language}")
            phrases[key] = phrase
    return phrases


def _flatten(table: Mapping[str, object], prefix: str) -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            yield f"{prefix}{key}", value
        else:
            raise TextError(f"{prefix}{key}: a phrase is a string")


def _fields(phrase: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None)
