"""Says of each transmission whether it was legal, and how much airtime a sender has left."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from enum import Enum

from sim.air.lora import LoraSettings, shares_spectrum
from sim.air.regions import Band, Region

CLEAR_BELOW_DBM = -80.0
"""Above it a channel is taken; the Chinese notice names no level, LoRaWAN's AS923 this one."""

LISTENED_WITHIN_S = 0.05  # assumed: what was clear longer ago says nothing
_ROUNDING_S = 1e-9


class Breach(Enum):
    """A rule that was broken."""

    OUT_OF_BAND = "outside every band of the region"
    TOO_STRONG = "more power than the band allows"
    TOO_LONG = "one transmission longer than the band allows"
    TOO_MUCH = "more airtime than the band or channel allows"
    NOT_LISTENED = "sent without listening first, or over somebody heard"


@dataclass(frozen=True, slots=True)
class _Sent:
    settings: LoraSettings
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class _Listened:
    settings: LoraSettings
    at_s: float
    clear: bool


class Judge:
    """Keeps the books of every sender in one region. Times of one sender must not go back."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self._books: defaultdict[str, deque[_Sent]] = defaultdict(deque)
        self._listened: dict[str, _Listened] = {}
        allowances = [band.allowance for band in region.bands if band.allowance is not None]
        self._keep_s = max((allowance.window_s for allowance in allowances), default=0.0)

    def listened(self, sender: str, settings: LoraSettings, at_s: float, *, clear: bool) -> None:
        """Note that the sender has just listened on this channel, and what it found."""
        self._listened[sender] = _Listened(settings, at_s, clear)

    def breaches(
        self, sender: str, settings: LoraSettings, airtime_s: float, start_s: float
    ) -> tuple[Breach, ...]:
        """What such a transmission would break; nothing: it would be legal."""
        band = self.region.band(settings)
        if band is None:
            return (Breach.OUT_OF_BAND,)
        broken: list[Breach] = []
        if settings.power_dbm > band.power_dbm:
            broken.append(Breach.TOO_STRONG)
        if band.longest_s is not None and airtime_s > band.longest_s:
            broken.append(Breach.TOO_LONG)
        end_s = start_s + airtime_s
        if airtime_s > self._left_s(band, sender, settings, end_s) + _ROUNDING_S:
            broken.append(Breach.TOO_MUCH)
        if band.listen_first and not self._has_listened(sender, settings, start_s):
            broken.append(Breach.NOT_LISTENED)
        return tuple(broken)

    def enter(
        self, sender: str, settings: LoraSettings, airtime_s: float, start_s: float
    ) -> tuple[Breach, ...]:
        """Book a transmission, legal or not; what it breaks."""
        broken = self.breaches(sender, settings, airtime_s, start_s)
        book = self._books[sender]
        book.append(_Sent(settings, start_s, start_s + airtime_s))
        while book[0].end_s <= start_s - self._keep_s:
            book.popleft()
        return broken

    def left_s(self, sender: str, settings: LoraSettings, at_s: float) -> float:
        """How much airtime the sender has at this moment.

        Infinite where no rule counts it, 0 out of band. A transmission of that length may
        begin now; a longer one may, too, if old airtime falls out of the window meanwhile.
        """
        band = self.region.band(settings)
        return 0.0 if band is None else max(0.0, self._left_s(band, sender, settings, at_s))

    def _left_s(self, band: Band, sender: str, settings: LoraSettings, at_s: float) -> float:
        allowance = band.allowance
        if allowance is None:
            return math.inf
        since_s = at_s - allowance.window_s
        return allowance.seconds_s - sum(
            max(0.0, min(sent.end_s, at_s) - max(sent.start_s, since_s))
            for sent in self._books[sender]
            if band.holds(sent.settings)
            and (not allowance.each_channel or shares_spectrum(sent.settings, settings))
        )

    def _has_listened(self, sender: str, settings: LoraSettings, start_s: float) -> bool:
        listened = self._listened.get(sender)
        return (
            listened is not None
            and listened.clear
            and start_s - listened.at_s <= LISTENED_WITHIN_S
            and shares_spectrum(listened.settings, settings)
        )
