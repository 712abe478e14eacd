"""Where the terminal is, and the satellites' word on the time."""

from drivers.gnss.base import Fix, GnssEvent
from runtime.clock import SystemClock

NMEA_TIME_ERROR_MS = 500  # a sentence ends 70 to 250 ms after the second it names (hw/gnss-nmea.md)
STALE_AFTER_S = 10.0
MICRODEGREES = 1_000_000


class Position:
    """Keeps the last good fix; never replaced by something worse."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._fix: Fix | None = None
        self.refused_times = 0
        """Times that lay before one already reached: a rolled-over or replayed receiver."""

    def take(self, event: GnssEvent) -> None:
        """Take what the receiver says."""
        if not isinstance(event, Fix):
            return
        self._fix = event
        if event.utc is not None:
            utc_ms = int(event.utc.timestamp() * 1000)
            received_ms = int(event.received_mono_s * 1000)
            if not self._clock.discipline(utc_ms, received_ms, NMEA_TIME_ERROR_MS):
                self.refused_times += 1

    def microdegrees(self) -> tuple[int, int] | None:
        """(latitude, longitude) in millionths of a degree, WGS-84; `None` without a fresh fix."""
        fix = self._fix
        if fix is None or self._clock.monotonic_s() - fix.received_mono_s > STALE_AFTER_S:
            return None
        return round(fix.latitude_deg * MICRODEGREES), round(fix.longitude_deg * MICRODEGREES)
