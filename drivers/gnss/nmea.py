"""Any receiver that talks NMEA 0183: GPS, BeiDou and the others (hw/gnss-nmea.md).

We only listen: nothing is written to the receiver, its own default of 1 Hz is what we want. What a
u-blox says of jamming and spoofing, in packets between the sentences, is listened to as well.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date

from drivers.errors import DeviceSilent
from drivers.gnss.base import GnssEvent
from drivers.gnss.epoch import EpochAssembler
from drivers.gnss.facts import NoFact, read_fact
from drivers.gnss.sentences import SentenceFramer
from drivers.gnss.ubx import UbxFramer, read_report
from drivers.port import BytePort

log = logging.getLogger(__name__)

SILENT_AFTER_S = 5.0
"""A receiver of 1 Hz has then missed five epochs; the slowest recorded one sends every 2 s."""


@dataclass(slots=True)
class SentenceCounts:
    """What came over the line since the port was opened."""

    accepted: int = 0
    """Whole, with the right checksum; the next two are among them."""
    unknown: int = 0
    """Of a type nobody but its maker knows."""
    unreadable: int = 0
    """Of a known type, with a field that is none."""
    damaged: int = 0
    """Torn, too long, or with the wrong checksum or none; a `$` in binary noise counts as torn."""
    packets: int = 0
    """Binary packets of u-blox, whole."""


class NmeaReceiver:
    """A `GnssReceiver`. `built` is the day this software was built (see `correct_rollover`)."""

    def __init__(
        self,
        port: BytePort,
        *,
        built: date | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = SentenceCounts()
        self._port = port
        self._monotonic = monotonic
        self._framer = SentenceFramer()
        self._packets = UbxFramer()
        self._assembler = EpochAssembler(built=built)

    async def events(self) -> AsyncIterator[GnssEvent]:
        """See `GnssReceiver.events`."""
        while True:
            sentences = await self._sentences()
            received_mono_s = self._monotonic()
            for sentence in sentences:
                for event in self._take(sentence, received_mono_s):
                    yield event

    async def _sentences(self) -> list[str]:
        """Wait for at least one valid sentence."""
        sentences: list[str] = []
        try:
            async with asyncio.timeout(SILENT_AFTER_S):
                while not sentences:
                    data = await self._port.read()
                    self._take_packets(data)
                    sentences = self._framer.feed(data)
        except TimeoutError as error:
            raise DeviceSilent(f"no NMEA sentence for {SILENT_AFTER_S:g} s") from error
        finally:
            self._count_damaged()
        return sentences

    def _take_packets(self, data: bytes) -> None:
        for frame in self._packets.feed(data):
            self.counts.packets += 1
            report = read_report(frame)
            if report is not None:
                self._assembler.feed(report, self._monotonic())

    def _count_damaged(self) -> None:
        if self._framer.damaged > self.counts.damaged:
            log.debug("gnss: %d sentences damaged so far", self._framer.damaged)
        self.counts.damaged = self._framer.damaged

    def _take(self, sentence: str, received_mono_s: float) -> Sequence[GnssEvent]:
        self.counts.accepted += 1
        fact = read_fact(sentence)
        if isinstance(fact, NoFact):
            self.counts.unknown += fact is NoFact.UNKNOWN
            self.counts.unreadable += fact is NoFact.UNREADABLE
            return ()
        return self._assembler.feed(fact, received_mono_s)
