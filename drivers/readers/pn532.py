"""Contactless tags on a PN532 at a serial line, 115200 baud (hw/pn532.md).

Look for a tag, read what it holds, switch the field off; again and again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto

from drivers.errors import OtherDevice
from drivers.port import BytePort
from drivers.readers.base import CardTrouble, ReaderEvent, TagRead, TroubleReason
from drivers.readers.pn532_exchange import TRIES, Pn532Exchange
from drivers.readers.pn532_frames import WAKE_UP, Command, Target, exchanged, parse_target
from drivers.readers.tag_sights import TagSights
from drivers.readers.tags import Script, TagLost, play, told, type2_message, type4_message

log = logging.getLogger(__name__)

POLL_S = 0.25  # hw/pn532.md 5
REDO_LIMIT = 3  # find and read again, this often, before the operator is asked to help

_CHIP = 0x32  # the first byte of the firmware's number: a PN532
_NORMAL_MODE = bytes.fromhex("01 14 01")  # no security module; 1 s for it; the IRQ pin is used
# Item 5: retries for peers (unused), for changing speed, and to find a tag. The last is 255, for
# ever, unless it is set.
_FEW_RETRIES = bytes.fromhex("05 FF 01 02")
_FIELD_OFF = bytes.fromhex("01 00")
_ONE_TAG_TYPE_A = bytes.fromhex("01 00")
_TARGET = b"\x01"  # the number of the only one
_SPEAKS_TYPE_4 = 0x20  # in SEL_RES
_SPEAKS_TYPE_2 = 0x00  # the whole of it


class _Nothing(Enum):
    ABSENT = auto()  # the PN532 says: no tag
    UNKNOWN = auto()  # it said nothing sensible


class Pn532Reader:
    """A `CardReader` on a PN532's serial line.

    `on_ready` is told the firmware once the PN532 answers. A tag that stays is found at every
    poll and read once.
    """

    def __init__(
        self,
        port: BytePort,
        *,
        poll_s: float = POLL_S,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._exchange = Pn532Exchange(port)
        self._poll_s = poll_s
        self._on_ready = on_ready
        self._sights = TagSights()
        self._lying: tuple[Target, TagRead] | None = None
        self._identity: str | None = None
        self._now_s = asyncio.get_running_loop().time

    @property
    def identity(self) -> str | None:
        """Chip and firmware; a PN532 has no serial number."""
        return self._identity

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """See `CardReader.events`."""
        await self._set_up()
        while True:
            sight = await self._look()
            event: ReaderEvent | None = None
            if sight is _Nothing.ABSENT:
                self._sights.nothing(self._now_s())
                self._lying = None
            elif not isinstance(sight, _Nothing):
                event = self._sights.event(sight)
            if event is not None:
                yield event
            await asyncio.sleep(self._poll_s)

    async def _set_up(self) -> None:
        mode = Command.SAM_CONFIGURATION, _NORMAL_MODE
        while await self._exchange.ask(*mode, prefix=WAKE_UP) is None:
            pass  # bounded: `ask` raises once the other end was silent for long
        firmware = await self._exchange.insist(Command.FIRMWARE)
        if not firmware or firmware[0] != _CHIP or len(firmware) < 3:
            raise OtherDevice("what answers is no PN532")
        self._identity = f"PN532 {firmware[1]}.{firmware[2]}"
        if await self._exchange.insist(Command.RF_CONFIGURATION, _FEW_RETRIES) is None:
            raise OtherDevice("what answers takes no configuration of a PN532's")
        self._on_ready(self._identity)

    async def _look(self) -> TagRead | CardTrouble | _Nothing:
        """What lies there, after all redoing."""
        met: CardTrouble | None = None
        for _ in range(1 + REDO_LIMIT):
            answer = await self._search()
            if answer is None:
                return met or _Nothing.UNKNOWN
            target = parse_target(answer)
            if target is None:
                return met or _Nothing.ABSENT
            sight = await self._read(target)
            await self._switch_field_off()
            if sight is not None:
                return sight
            met = CardTrouble(TroubleReason.HOLD_STILL)
        return met or _Nothing.UNKNOWN

    async def _search(self) -> bytes | None:
        """The answer to a search; None if all were lost, each of which may have found a tag."""
        for _ in range(TRIES):
            answer = await self._exchange.ask(Command.LIST_TARGET, _ONE_TAG_TYPE_A)
            if answer is not None:
                return answer
            await self._switch_field_off()
        return None

    async def _switch_field_off(self) -> None:
        """A tag that was found is sure to answer another search only after its power was off."""
        await self._exchange.insist(Command.RF_CONFIGURATION, _FIELD_OFF)

    async def _read(self, target: Target) -> TagRead | CardTrouble | None:
        """What a tag tells; None if it stopped telling."""
        if self._lying is not None and self._lying[0] == target:
            return self._lying[1]
        script = _script(target)
        try:
            message = None if script is None else await play(script, self._say)
        except TagLost as error:
            log.debug("pn532: %s", error)
            return None
        sight = told(target.uid, message)
        self._lying = (target, sight) if isinstance(sight, TagRead) else None
        return sight

    async def _say(self, command: bytes) -> bytes:
        answer = await self._exchange.insist(Command.EXCHANGE, _TARGET + command)
        words = None if answer is None else exchanged(answer)
        if words is None:
            raise TagLost("a tag stopped answering")
        return words


def _script(target: Target) -> Script | None:
    """How to read this tag's message; None if it cannot have one."""
    if target.sel_res & _SPEAKS_TYPE_4:
        return type4_message()
    return type2_message() if target.sel_res == _SPEAKS_TYPE_2 else None
