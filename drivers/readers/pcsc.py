"""Contactless tags on a PC/SC reader (hw/pcsc.md): what to say to a card, and when.

The reader itself, and pcscd behind it, are `pcsc_port`'s business; here nothing blocks.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.port import Closable
from drivers.readers.base import CardTrouble, ReaderEvent, TagRead, TroubleReason
from drivers.readers.tag_sights import TagSights
from drivers.readers.tags import (
    ANSWER_BYTES,
    READ_PAGES,
    Conversation,
    Script,
    T,
    TagLost,
    data_of,
    told,
    type2_message,
    type4_message,
)

log = logging.getLogger(__name__)

LOOK_S = 5.0  # a look ends at the first change; this only bounds how long `close` can be deaf
RETRY_S = 0.5  # between attempts at a card that lies there unread
REDO_LIMIT = 3  # attempts in a row beyond the first, before the operator is asked to help
REDO_PAUSE_S = 0.1  # a hand that shakes needs a moment

GET_UID = bytes.fromhex("FF CA 00 00 00")
_UID_BYTES = range(4, 11)  # ISO/IEC 14443: 4, 7 or 10; FeliCa and ISO/IEC 15693: 8

# The ATR a reader makes up for a memory tag, which has none itself (hw/pcsc.md 3).
_STORAGE_MARK = bytes.fromhex("80 4F 0C A0 00 00 03 06")
_ISO_14443_A_PART_3 = 0x03
_TYPE_2_NAMES = frozenset(bytes.fromhex(name) for name in ("0003", "003A"))  # Ultralight, C; NTAG

# What a reader says of its own accord when a tag stops answering.
_GAVE_UP = frozenset(bytes.fromhex(status) for status in ("6300", "6400", "6401", "6F00"))


@dataclass(frozen=True, slots=True)
class SlotState:
    """What lies on a reader: the ATR of a card (empty if it does not answer), or None.

    `changes` counts cards that came and went, so that a swap between two looks shows.
    """

    atr: bytes | None
    changes: int


class Slot(Closable, Protocol):
    """One PC/SC reader, open. One caller at a time."""

    @property
    def name(self) -> str:
        """The reader's name, its serial number included where it has one."""

    async def look(self, wait_s: float) -> SlotState:
        """What lies there; waits up to `wait_s` for it to differ from the look before.

        Raises `PortGone` when the reader or the service behind it is gone.
        """

    async def converse(self, conversation: Conversation[T]) -> T:
        """Say to the card what `conversation` yields; returns what it returns.

        Raises `TagLost` when the card is gone or no longer answers, `PortBusy` when another
        program has it to itself, `PortGone` as `look`, `DeviceSilent` when it takes for ever.
        """


class PcscReader:
    """A `CardReader` on a PC/SC reader; the reader says by itself when a card comes."""

    def __init__(self, slot: Slot, *, on_ready: Callable[[str], None] = lambda _: None) -> None:
        self._slot = slot
        self._on_ready = on_ready
        self._sights = TagSights()
        self._now_s = asyncio.get_running_loop().time

    @property
    def identity(self) -> str | None:
        """The name PC/SC gives the reader."""
        return self._slot.name

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """See `CardReader.events`."""
        read: SlotState | None = None
        state = await self._slot.look(0)
        self._on_ready(self._slot.name)
        while True:
            if state.atr is None:
                self._sights.nothing(self._now_s())
            elif state != read:
                self._sights.nothing(self._now_s())  # there was a moment without this card
                sight = await self._read(state.atr)
                read = None if _is_worth_retrying(sight) else state
                event = self._sights.event(sight)
                if event is not None:
                    yield event
            is_unread = state.atr is not None and state != read
            state = await self._slot.look(RETRY_S if is_unread else LOOK_S)

    async def _read(self, atr: bytes) -> TagRead | CardTrouble:
        if not atr:
            return CardTrouble(TroubleReason.NOT_READABLE)
        for _ in range(1 + REDO_LIMIT):
            try:
                return await self._slot.converse(conversation(atr))
            except TagLost as error:
                log.debug("pcsc: %s", error)
            await asyncio.sleep(REDO_PAUSE_S)
        return CardTrouble(TroubleReason.HOLD_STILL)


def _is_worth_retrying(sight: TagRead | CardTrouble) -> bool:
    return isinstance(sight, CardTrouble) and sight.reason is TroubleReason.HOLD_STILL


def conversation(atr: bytes) -> Conversation[TagRead | CardTrouble]:
    """Ask a card with this ATR for its identifier and its message."""
    uid = data_of((yield from _ask(GET_UID)))
    if uid is None or len(uid) not in _UID_BYTES:
        return CardTrouble(TroubleReason.WRONG_CARD_TYPE)  # a contact card, most likely
    script = _script(atr)
    message = None if script is None else (yield from _through_reader(script))
    return told(uid, message)


def _script(atr: bytes) -> Script | None:
    """How to read the message of a card with this ATR; None if it cannot have one."""
    at = atr.find(_STORAGE_MARK)
    if at < 0:
        return type4_message()
    standard, name = atr[at + len(_STORAGE_MARK) :][:1], atr[at + len(_STORAGE_MARK) + 1 :][:2]
    is_type_2 = standard == bytes([_ISO_14443_A_PART_3]) and name in _TYPE_2_NAMES
    return type2_message() if is_type_2 else None


def _through_reader(script: Script) -> Conversation[bytes | None]:
    """Play a script in the APDUs of PC/SC, where the reader itself reads memory tags."""
    answer: bytes | None = None
    while True:
        try:
            command = script.send(answer)
        except StopIteration as end:
            message: bytes | None = end.value
            return message
        if command[0] == READ_PAGES:
            read = bytes.fromhex("FF B0 00") + bytes([command[1], ANSWER_BYTES])
            answer = data_of((yield from _ask(read)))
        else:
            answer = yield from _ask(command)


def _ask(apdu: bytes) -> Conversation[bytes | None]:
    answer = yield apdu
    if answer in _GAVE_UP:
        raise TagLost("a tag stopped answering")
    return answer
