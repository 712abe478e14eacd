"""Where the terminal is, and the satellites' word on the time, as far as both are believed."""

import logging
from datetime import UTC, datetime

from drivers.gnss.base import Fix, GnssEvent
from drivers.gnss.chrony import ChronySocket
from drivers.gnss.place import Position as Site
from drivers.gnss.rules import ClockFacts, TimeMark
from drivers.gnss.trust import GnssQuality, GnssTrust, Trust
from runtime.clock import SystemClock
from terminal.settings import GnssSettings

log = logging.getLogger(__name__)

NMEA_TIME_ERROR_MS = 500  # a sentence ends 70 to 250 ms after the second it names (hw/gnss-nmea.md)
MICRODEGREES = 1_000_000


class Position:
    """Keeps the last good fix; nothing suspect ever replaces it or sets a clock."""

    def __init__(self, clock: SystemClock, settings: GnssSettings | None = None) -> None:
        self._clock = clock
        self._trust = _trust(settings)
        self._chrony: ChronySocket | None = None
        if settings is not None and settings.chrony_socket is not None:
            self._chrony = ChronySocket(settings.chrony_socket, monotonic_s=clock.monotonic_s)
        self.last_good: Fix | None = None
        """Kept however old it is; `quality` says whether it still holds."""

    @property
    def quality(self) -> GnssQuality:
        """How far position and time are believed now, and which rules speak against them."""
        return self._trust.quality(self._clock.monotonic_s())

    def take(self, event: GnssEvent) -> None:
        """Take what the receiver says."""
        judgement = self._trust.take(event, self._clock_facts())
        for rule in judgement.raised:
            log.warning("satellite receiver suspect: %s", rule.value, extra={"rule": rule.name})
        for rule in judgement.settled:
            log.info("satellite receiver: no longer so: %s", rule.value, extra={"rule": rule.name})
        if judgement.position is not None:
            self.last_good = judgement.position
        if judgement.time is not None:
            self._set_clocks(judgement.time)

    def microdegrees(self) -> tuple[int, int] | None:
        """(latitude, longitude) in millionths of a degree, WGS-84; `None` unless trusted now."""
        fix = self.last_good
        if fix is None or self.quality.position is not Trust.TRUSTED:
            return None
        return round(fix.latitude_deg * MICRODEGREES), round(fix.longitude_deg * MICRODEGREES)

    def close(self) -> None:
        """Free what was opened."""
        if self._chrony is not None:
            self._chrony.close()

    def _clock_facts(self) -> ClockFacts:
        earliest_ms, latest_ms = self._clock.possible_ms
        return ClockFacts(
            datetime.fromtimestamp(earliest_ms / 1000, UTC),
            datetime.fromtimestamp(latest_ms / 1000, UTC),
        )

    def _set_clocks(self, mark: TimeMark) -> None:
        utc_ms, received_ms = int(mark.utc.timestamp() * 1000), int(mark.mono_s * 1000)
        self._clock.discipline(utc_ms, received_ms, NMEA_TIME_ERROR_MS)
        if self._chrony is not None:
            self._chrony.give(mark.utc, mark.mono_s)


def _trust(settings: GnssSettings | None) -> GnssTrust:
    if settings is None:
        return GnssTrust()
    site = None if settings.fixed_site is None else Site(*settings.fixed_site)
    return GnssTrust(max_speed_mps=settings.max_speed_mps, site=site)
