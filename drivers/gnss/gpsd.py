"""A receiver that gpsd reads for us and for other programs (hw/gpsd.md).

gpsd is worth its place only where several programs share one receiver: what the receiver itself
says of jamming and spoofing, and which sentence said what, is lost on the way through.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date

from drivers.errors import DeviceRefused, DeviceSilent
from drivers.gnss.base import GnssEvent
from drivers.gnss.epoch import EpochAssembler
from drivers.gnss.facts import NoFact
from drivers.gnss.gpsd_reports import (
    MAX_LINE_BYTES,
    Report,
    Sky,
    Version,
    moment,
    position_facts,
    read_line,
    sky_facts,
)
from drivers.port import BytePort

log = logging.getLogger(__name__)

PROTOCOL_MAJOR = 3
"""Since gpsd 2.91 (2009)."""
WATCH = b'?WATCH={"enable":true,"json":true};\n'
SILENT_AFTER_S = 5.0  # as for a receiver of our own
SAME_TIME_S = 1.5
"""gpsd repeats itself while an epoch grows; the same time after this long is a stopped clock."""
NO_TIME_S = 0.9
"""Without a fix gpsd reports after every sentence; once a second is enough."""
SKY_FRESH_S = 10.0


class LineSplitter:
    """Bytes in, lines without their end out; a line beyond the limit is dropped. No I/O."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, empty ones left out."""
        *ended, rest = data.split(b"\n")
        lines: list[bytes] = []
        for piece in ended:
            self._append(piece)
            if not self._too_long and (line := bytes(self._pending.rstrip(b"\r"))):
                lines.append(line)
            self._pending.clear()
            self._too_long = False
        self._append(rest)
        return lines

    def _append(self, piece: bytes) -> None:
        if self._too_long or len(self._pending) + len(piece) > MAX_LINE_BYTES:
            self._too_long = True
            self._pending.clear()
        else:
            self._pending += piece


class GpsdReceiver:
    """A `GnssReceiver` behind gpsd's port (`tcp://127.0.0.1:2947`).

    Of several receivers that gpsd has, the one that speaks first after connecting is followed.
    """

    def __init__(
        self,
        port: BytePort,
        *,
        built: date | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._monotonic = monotonic
        self._splitter = LineSplitter()
        self._assembler = EpochAssembler(built=built)
        self._device: str | None = None
        self._sky: tuple[Sky, float] | None = None
        self._taken: tuple[str | None, float] | None = None  # time and arrival of the last report

    async def events(self) -> AsyncIterator[GnssEvent]:
        """See `GnssReceiver.events`; `DeviceRefused` if gpsd speaks another protocol."""
        await self._port.write(WATCH)
        while True:
            reports = await self._reports()
            received_mono_s = self._monotonic()
            for report in reports:
                for event in self._take(report, received_mono_s):
                    yield event

    async def _reports(self) -> list[Report | Sky]:
        """Wait for at least one report of the receiver."""
        reports: list[Report | Sky] = []
        try:
            async with asyncio.timeout(SILENT_AFTER_S):
                while not reports:
                    for line in self._splitter.feed(await self._port.read()):
                        reports += self._read(line)
        except TimeoutError as error:
            raise DeviceSilent(f"gpsd heard no receiver for {SILENT_AFTER_S:g} s") from error
        return reports

    def _read(self, line: bytes) -> Sequence[Report | Sky]:
        said = read_line(line)
        if isinstance(said, Version):
            if said.proto_major != PROTOCOL_MAJOR:
                raise DeviceRefused(f"gpsd {said.release} speaks protocol {said.proto_major}")
            return ()
        if isinstance(said, NoFact):
            if said is NoFact.UNREADABLE:
                log.debug("gpsd: a line of %d bytes is no report", len(line))
            return ()
        if self._device is None:
            self._device = said.device
        return (said,) if said.device == self._device else ()

    def _take(self, report: Report | Sky, received_mono_s: float) -> Sequence[GnssEvent]:
        if isinstance(report, Sky):
            if report.satellites:
                self._sky = report, received_mono_s
            facts = sky_facts(report)
        elif self._is_news(report, received_mono_s):
            self._taken = report.time, received_mono_s
            facts = position_facts(report, self._fresh_sky(received_mono_s))
        else:
            facts = ()
        events: list[GnssEvent] = []
        for fact in facts:
            events += self._assembler.feed(fact, received_mono_s)
        return events

    def _is_news(self, report: Report, received_mono_s: float) -> bool:
        if report.mode > 1 and moment(report) is None:
            return False  # gpsd has the place and not yet the time: of which epoch, nobody knows
        if self._taken is None or report.time != self._taken[0]:
            return True
        pause_s = NO_TIME_S if report.time is None else SAME_TIME_S
        return received_mono_s - self._taken[1] >= pause_s

    def _fresh_sky(self, now_mono_s: float) -> Sky | None:
        if self._sky is None:
            return None
        sky, received_mono_s = self._sky
        return sky if now_mono_s - received_mono_s <= SKY_FRESH_S else None
