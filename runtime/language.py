"""In which language a command speaks to whoever typed it."""

from collections.abc import Mapping
from typing import Literal

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")


def language(environment: Mapping[str, str]) -> Lang:
    """The language of the operator's locale: Chinese or, for all others, English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].startswith("zh") else "en"
    return "en"
