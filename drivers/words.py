"""What is said about devices to people, in Chinese and English (drivers/text/*.toml)."""

from collections.abc import Mapping
from functools import cache

from drivers.gnss.base import NoFixReason
from drivers.power.gauge import Charge
from drivers.readers.base import DocumentKind, TroubleReason
from drivers.readers.sdt_frames import MEANINGS, Status
from drivers.supervisor import DeviceState
from runtime.language import Lang
from runtime.web.text import Language, Words, keys_of, load_words

TO_DO = "to_do."
TROUBLE = "card."
_LANGUAGES: Mapping[Lang, Language] = {"zh": Language.CHINESE, "en": Language.ENGLISH}


def device_words(lang: Lang) -> Words:
    """All words about devices in one language."""
    return _all_words()[_LANGUAGES[lang]]


def reason_in(lang: Lang, reason: str) -> str:
    """A driver's reason for a state; what its ID card reader says in it comes in `lang`."""
    words = device_words(lang)
    for status, meaning in MEANINGS.items():
        if reason.startswith(meaning) or f": {meaning}" in reason:
            return reason.replace(meaning, words.of(status))
    return reason


def charge_line(lang: Lang, charge: Charge) -> str:
    """A gauge's reading."""
    words = device_words(lang)
    parts = [words("charge.percent", percent=f"{charge.percent:.0f}")]
    if charge.volts is not None:
        parts.append(f"{charge.volts:.2f} V")
    for key, value in (("charging", charge.is_charging), ("mains", charge.is_on_mains)):
        if value is not None:
            parts.append(words(f"charge.{key}" if value else f"charge.no_{key}"))
    return words("charge.comma").join([*parts, charge.source])


@cache
def _all_words() -> Mapping[Language, Words]:
    needed = (
        keys_of(DeviceState)
        | keys_of(DeviceState, TO_DO)
        | keys_of(TroubleReason, TROUBLE)
        | keys_of(Status)
        | keys_of(NoFixReason)
        | keys_of(DocumentKind)
    )
    return load_words(["drivers"], needed)
