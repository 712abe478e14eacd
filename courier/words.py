"""What the courier command says to whoever typed it, in Chinese and English (courier/text)."""

from collections.abc import Mapping

import click

from drivers.supervisor import DeviceState
from drivers.words import device_words, reason_in
from runtime.language import Lang
from runtime.web.text import Language, Words, load_words

_LANGUAGES: Mapping[Lang, Language] = {"zh": Language.CHINESE, "en": Language.ENGLISH}


def courier_words(lang: Lang) -> Words:
    """All words of the command in one language."""
    return load_words(["courier"], ())[_LANGUAGES[lang]]


class Teller:
    """Says things, and remembers whether something went wrong."""

    def __init__(self, lang: Lang) -> None:
        self.words, self._lang = courier_words(lang), lang
        self.is_well = True

    def say(self, key: str, **fields: object) -> None:
        """One sentence."""
        click.echo(self.words(key, **fields))

    def aside(self, key: str, **fields: object) -> None:
        """One sentence that is not for the pipe that takes what is on standard output."""
        click.echo(self.words(key, **fields), err=True)

    def warn(self, key: str, **fields: object) -> None:
        """One sentence about something that went wrong; the exit code will tell it too."""
        self.is_well = False
        click.echo(self.words(key, **fields), err=True)

    def tell_state(self, state: DeviceState, reason: str) -> None:
        """How the scanner does."""
        line = f"[{device_words(self._lang).of(state)}] {reason_in(self._lang, reason)}"
        click.echo(line.rstrip(), err=True)
