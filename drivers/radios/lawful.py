"""A radio that keeps the law of its band: it books airtime, then sends, or says when it may."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import AirtimeSpent, DriverConfigError, TransientDriverError
from drivers.port import Closable
from drivers.radios.base import Heard, Radio
from drivers.radios.law import HOUR_S, LEAST_FRAME_BYTES, Band, Budget, longest_frame_bytes
from drivers.radios.ledger import AirtimeLedger, Booking
from drivers.radios.opening import OnReady, check_law, open_radio
from drivers.radios.site import RadioSettings

RATIONED_FRAME_BYTES, RATIONED_FRAME_S = 115, 0.62  # alike at SF9; docs/benchmarks.md
"""Where airtime is rationed, terminals speak in slots as long as the longest frame, most of which
stay half empty: no frame is longer than both of these."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How much airtime was used within the window that ends now; `allowed_s` None: no such rule."""

    used_s: float
    allowed_s: float | None
    window_s: float


class LawfulRadio:
    """A `Radio` that stays within `band`. Nobody sends past it.

    The band is the one `check_law` gave for the radio's settings. Raises `DriverConfigError` when
    no frame of any use is short enough.
    """

    def __init__(self, radio: Radio, band: Band, ledger: AirtimeLedger) -> None:
        self._radio, self._ledger = radio, ledger
        self.band = band
        self._longest_bytes = _longest_bytes(radio, band)
        if self._longest_bytes < LEAST_FRAME_BYTES:
            raise DriverConfigError(f"{band}: no frame is short enough at this rate")
        self._turn = asyncio.Lock()

    @property
    def identity(self) -> str | None:
        """See `Radio.identity`."""
        return self._radio.identity

    @property
    def max_frame_bytes(self) -> int:
        """See `Radio.max_frame_bytes`: what the law allows of it, and is of use under that law."""
        return self._longest_bytes

    def airtime_s(self, frame_bytes: int) -> float:
        """See `Radio.airtime_s`."""
        self._check_length(frame_bytes)
        return self._radio.airtime_s(frame_bytes)

    @property
    def lag_s(self) -> float:
        """See `Radio.lag_s`."""
        return self._radio.lag_s

    @property
    def gap_s(self) -> float:
        """See `Radio.gap_s`."""
        return self._radio.gap_s

    def free_at_s(self, frame_bytes: int) -> float:
        """When a frame of that length may be sent, by the event loop's time; now, if it may."""
        airtime_s = self.airtime_s(frame_bytes)
        if self.band.budget is None:
            return asyncio.get_running_loop().time()
        return self._ledger.free_at_s(self.band.budget, airtime_s)

    @property
    def spent(self) -> Spent:
        """What the status shows."""
        budget = self.band.budget
        if budget is None:
            return Spent(self._ledger.spent_s(HOUR_S), None, HOUR_S)
        return Spent(self._ledger.spent_s(budget.window_s), budget.airtime_s, budget.window_s)

    async def send(self, frame: bytes) -> None:
        """See `Radio.send`; raises `AirtimeSpent` instead of sending what the law does not allow.

        Also `TransientDriverError` when the ledger cannot be written: nothing was sent.
        """
        airtime_s = self.airtime_s(len(frame))
        async with self._turn:
            self._check_budget(self.band.budget, airtime_s)
            booking = self._ledger.book(airtime_s)
            is_over = False
            try:
                await self._save(booking)
                await self._radio.send(frame)
                is_over = True
            finally:
                self._ledger.ended(booking, surely=is_over)

    def heard(self) -> AsyncIterator[Heard]:
        """See `Radio.heard`."""
        return self._radio.heard()

    def _check_budget(self, budget: Budget | None, airtime_s: float) -> None:
        if budget is None:
            return
        free_at_s = self._ledger.free_at_s(budget, airtime_s)
        wait_s = free_at_s - asyncio.get_running_loop().time()
        if wait_s > 0:
            raise AirtimeSpent(free_at_s, wait_s)

    async def _save(self, booking: Booking) -> None:
        try:
            await asyncio.to_thread(self._ledger.save, booking)
        except sqlite3.Error as error:
            raise TransientDriverError(f"the airtime ledger cannot be written: {error}") from error

    def _check_length(self, frame_bytes: int) -> None:
        if not 1 <= frame_bytes <= self._longest_bytes:
            raise ValueError(f"a frame of {frame_bytes} bytes: 1 to {self._longest_bytes}")


def _longest_bytes(radio: Radio, band: Band) -> int:
    lawful_bytes = longest_frame_bytes(radio, band)
    if band.budget is None:
        return lawful_bytes
    fast = range(RATIONED_FRAME_BYTES + 1, lawful_bytes + 1)
    useful = (size for size in fast if radio.airtime_s(size) <= RATIONED_FRAME_S)
    return max(useful, default=min(lawful_bytes, RATIONED_FRAME_BYTES))


@asynccontextmanager
async def open_lawful_radio(
    settings: RadioSettings,
    port: Closable,
    *,
    folder: Path,
    ledger: AirtimeLedger,
    on_ready: OnReady = lambda _: None,
) -> AsyncIterator[LawfulRadio]:
    """As `open_radio`, under the law of the settings' region. Raises as it and `check_law` do."""
    band = check_law(settings, folder)
    async with open_radio(settings, port, folder=folder, on_ready=on_ready) as radio:
        yield LawfulRadio(radio, band, ledger)
