"""The resident-ID card reader (SDT protocol over its security module, SAM).

Find, select, read; again and again, as the module wants it before every card
(hw/sdt-reader.md 5). What the module says is turned into events; what the card says is never
logged.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType

from drivers.errors import DeviceRefused, DeviceUnauthorised
from drivers.port import BytePort
from drivers.readers.base import CardTrouble, ReaderEvent, TroubleReason
from drivers.readers.presence import Presence
from drivers.readers.resident_card import UnknownLayout, parse_text_block
from drivers.readers.sdt_exchange import SdtExchange
from drivers.readers.sdt_frames import (
    Command,
    Reply,
    Status,
    sam_identity,
    text_block,
)

log = logging.getLogger(__name__)

POLL_S = 0.5  # hw/sdt-reader.md 5
REDO_LIMIT = 3  # find, select and read again, this often, before the operator is asked to help
ID_TRIES = 3  # the first answers are wrong now and then
RF_BYTES = 0x50  # hw/sdt-reader.md 3: what other drivers set once, before the first card
SETTLE_S = 1.5  # power-on or reset to the first sensible answer

_REASONS: Mapping[Status | None, TroubleReason] = MappingProxyType(
    {
        Status.READ_FAILED: TroubleReason.HOLD_STILL,
        Status.NO_RANDOM: TroubleReason.HOLD_STILL,
        Status.SELECT_FAILED: TroubleReason.NOT_READABLE,
        Status.NO_SUCH_ITEM: TroubleReason.NOT_READABLE,
        Status.CARD_REFUSED_READER: TroubleReason.CARD_REFUSED_READER,
        Status.READER_REFUSED_CARD: TroubleReason.POSSIBLY_FORGED,
        Status.INFO_ERROR: TroubleReason.INFO_ERROR,
        Status.WRONG_CARD_TYPE: TroubleReason.WRONG_CARD_TYPE,
    }
)
_WORTH_REDOING = frozenset({TroubleReason.HOLD_STILL, TroubleReason.NOT_READABLE})
_BROKEN = frozenset({Status.SELF_TEST_FAILED, Status.NOT_AUTHORISED})


class _Nothing(Enum):
    ABSENT = auto()  # the reader says: no card
    UNKNOWN = auto()  # the reader said nothing sensible


class SdtReader:
    """A `CardReader` on an SDT serial line.

    `on_ready` is told a few words about the reader once it answers. Each presentation of a card
    is one event; a card counts as removed as `presence` says.
    """

    def __init__(
        self,
        port: BytePort,
        *,
        poll_s: float = POLL_S,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._exchange = SdtExchange(port)
        self._poll_s = poll_s
        self._on_ready = on_ready
        self._presence = Presence()
        self._was_reset = False
        self._identity: str | None = None
        self._now_s = asyncio.get_running_loop().time

    @property
    def identity(self) -> str | None:
        """The security module's serial number, once known."""
        return self._identity

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """See `CardReader.events`."""
        while await self._ask(Command.SAM_STATUS) is None:
            pass  # bounded: `ask` raises once the reader was silent for long
        await self._ask(Command.SET_RF_BYTES, bytes([RF_BYTES]))
        await self._learn_identity()
        self._on_ready(f"SAM {self._identity or 'of unknown number'}")
        while True:
            event = self._event(await self._look())
            if event is not None:
                yield event
            await asyncio.sleep(self._poll_s)

    async def _learn_identity(self) -> None:
        for _ in range(ID_TRIES):
            reply = await self._ask(Command.SAM_ID)
            if reply is not None and (identity := sam_identity(reply.data)) is not None:
                self._identity = identity
                return
        log.warning("sdt: the reader does not tell its number")

    def _event(self, sight: bytes | CardTrouble | _Nothing) -> ReaderEvent | None:
        """What the operator has not been told yet."""
        if sight is _Nothing.ABSENT:
            self._presence.miss(self._now_s())
            return None
        if isinstance(sight, CardTrouble):
            certain = sight.reason not in _WORTH_REDOING
            if not self._presence.trouble_is_new(sight.reason, is_certain=certain):
                return None
            said = Reply(sight.sw, b"").words if sight.sw else "no whole answer about it"
            log.info("sdt: a card was not read, %s: %s", sight.reason.value, said)
            return sight
        if isinstance(sight, bytes) and self._presence.card_is_new(hashlib.sha256(sight).digest()):
            return _parsed(sight)
        return None

    async def _look(self) -> bytes | CardTrouble | _Nothing:
        """One card's text block, or why there is none, after all redoing."""
        met: CardTrouble | None = None
        sight: bytes | CardTrouble | _Nothing = _Nothing.UNKNOWN
        for _ in range(1 + REDO_LIMIT):
            sight = await self._try_once()
            if isinstance(sight, bytes):
                return sight
            if isinstance(sight, CardTrouble):
                if sight.reason not in _WORTH_REDOING:
                    return sight
                met = sight
            elif sight is _Nothing.ABSENT and met is None:
                return sight
        if met is not None and sight is _Nothing.ABSENT:
            return CardTrouble(TroubleReason.HOLD_STILL, met.sw)  # whatever it was, it was lifted
        return met or sight

    async def _try_once(self) -> bytes | CardTrouble | _Nothing:
        found = await self._ask(Command.FIND)
        if found is None:
            return _Nothing.UNKNOWN
        if found.status is Status.NO_CARD:
            return _Nothing.ABSENT
        if found.status is not Status.FOUND:
            return _trouble(found)
        self._presence.sighted()
        selected = await self._ask(Command.SELECT)
        if selected is None or selected.status is not Status.OK:
            return _trouble(selected)
        read = await self._ask(Command.READ)
        if read is None or read.status is not Status.OK:
            return _trouble(read)
        text = text_block(read.data)
        return _trouble(None) if text is None else text

    async def _ask(self, what: Command, data: bytes = b"") -> Reply | None:
        reply = await self._exchange.ask(what, data)
        if reply is None or reply.status not in _BROKEN:
            return reply
        if self._was_reset:
            unauthorised = reply.status is Status.NOT_AUTHORISED
            raise (DeviceUnauthorised if unauthorised else DeviceRefused)(reply.words)
        log.warning("sdt: %s; resetting it", reply.words)
        self._was_reset = True
        await self._exchange.ask(Command.SAM_RESET)
        await asyncio.sleep(SETTLE_S)
        return await self._ask(what, data)


def _trouble(reply: Reply | None) -> CardTrouble:
    """A reply that is lost or does not add up is one more reason to hold the card still."""
    if reply is None:
        return CardTrouble(TroubleReason.HOLD_STILL)
    return CardTrouble(_REASONS.get(reply.status, TroubleReason.HOLD_STILL), reply.sw)


def _parsed(text: bytes) -> ReaderEvent:
    try:
        return parse_text_block(text)
    except UnknownLayout as error:
        log.warning("sdt: %s", error)
        return CardTrouble(TroubleReason.UNKNOWN_LAYOUT)
