"""Readers of machine-readable zones, on a serial line or typed like a keyboard (hw/mrz.md)."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime

from drivers.readers.base import CardRead, CardTrouble, TroubleReason
from drivers.readers.mrz_framer import MrzFramer
from drivers.readers.mrz_zone import MrzDamaged, UnknownDocument, parse_zone
from drivers.readers.talking import Source, TalkingReader
from drivers.readers.wedge import TypedText
from runtime.release import RELEASED

log = logging.getLogger(__name__)


def _today() -> date:
    """Not before the program was made: a board without a clock starts in 1970."""
    return max(datetime.now(UTC), RELEASED).date()


class MrzReader(TalkingReader):
    """A `CardReader` for passports and cards with a machine-readable zone."""

    def __init__(
        self,
        port: Source,
        *,
        on_ready: Callable[[str], None] = lambda _: None,
        today: Callable[[], date] = _today,
    ) -> None:
        super().__init__(port, MrzFramer(), self._document, on_ready=on_ready)
        self._today = today

    def _document(self, zone: str) -> CardRead | CardTrouble:
        try:
            return parse_zone(zone, self._today())
        except MrzDamaged as error:
            log.info("mrz: the check digits do not fit: %s", error)
            return CardTrouble(TroubleReason.NOT_READABLE)
        except UnknownDocument as error:
            log.info("mrz: %s", error)
            return CardTrouble(TroubleReason.UNKNOWN_LAYOUT)


class MrzWedgeReader(MrzReader):
    """The same, typed."""

    def __init__(
        self,
        port: Source,
        *,
        on_ready: Callable[[str], None] = lambda _: None,
        today: Callable[[], date] = _today,
    ) -> None:
        super().__init__(TypedText(port), on_ready=on_ready, today=today)
