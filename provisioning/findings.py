"""What `muster doctor` finds, in both languages."""

from dataclasses import dataclass
from enum import IntEnum

from runtime.language import Lang


class Mark(IntEnum):
    """How bad it is, mildest first."""

    GOOD = 0
    LOOK = 1
    BAD = 2


@dataclass(frozen=True)
class Text:
    """One sentence in both languages."""

    zh: str
    en: str

    def of(self, lang: Lang) -> str:
        """The sentence in one language."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it stands and, unless it is good, what to do."""

    mark: Mark
    what: Text
    fix: Text | None = None


_SIGNS = {
    Mark.GOOD: Text("✔ 正常", "✔ ok     "),
    Mark.LOOK: Text("! 注意", "! look   "),
    Mark.BAD: Text("✖ 故障", "✖ broken "),
}
_INDENT = {"zh": "         ", "en": "           "}


def good(zh: str, en: str) -> Finding:
    """Nothing to do."""
    return Finding(Mark.GOOD, Text(zh, en))


def look(what: Text, fix: Text) -> Finding:
    """Works, or may work; the operator should know."""
    return Finding(Mark.LOOK, what, fix)


def bad(what: Text, fix: Text) -> Finding:
    """Does not work before it is mended."""
    return Finding(Mark.BAD, what, fix)


def render(finding: Finding, lang: Lang) -> str:
    """Mark, word and sentence; the remedy on a line of its own."""
    line = f"{_SIGNS[finding.mark].of(lang)}  {finding.what.of(lang)}"
    return line if finding.fix is None else f"{line}\n{_INDENT[lang]}→ {finding.fix.of(lang)}"
