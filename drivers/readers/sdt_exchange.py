"""One SDT command, one reply, on an open port: time-outs, resynchronising, silence."""

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType

from drivers.errors import DeviceSilent
from drivers.port import BytePort
from drivers.readers.sdt_frames import Command, Reply, SdtFramer, Status, command, parse_reply

log = logging.getLogger(__name__)

# hw/sdt-reader.md 5: what vendors wait for the first byte of an answer.
_ANSWER_TIMEOUT_S: Mapping[Command, float] = MappingProxyType(
    {
        Command.SAM_STATUS: 1.0,
        Command.SAM_RESET: 1.0,
        Command.SAM_ID: 0.3,
        Command.FIND: 1.0,
        Command.SELECT: 1.0,
        Command.READ: 3.0,
    }
)
WHOLE_REPLY_S = 5.0  # the same, for the last byte; the longest reply takes 2.4 s at 9600 baud
FRAME_GAP_S = 0.2  # assumed: far above a USB adapter's 16 ms latency, the only pause known
QUIET_LIMIT_S = 1.0  # how long to wait for a line to fall quiet before asking again anyway
SILENT_AFTER_S = 5.0  # without a byte; one power-on (1.5 s) and some lost exchanges fit in
# With bytes, but none that make sense: a line that damages every fourth reply still answers.
NONSENSE_LIMIT = 12

_TROUBLES = frozenset(
    {
        Status.CARD_REFUSED_READER,
        Status.READER_REFUSED_CARD,
        Status.INFO_ERROR,
        Status.WRONG_CARD_TYPE,
    }
)
_UNREAD = frozenset({Status.READ_FAILED, Status.NO_RANDOM, Status.NO_SUCH_ITEM})
_BROKEN = frozenset({Status.SELF_TEST_FAILED, Status.NOT_AUTHORISED})  # may answer anything

# A reply outside these belongs to another command or tells of a damaged one: ask again.
_EXPECTED: Mapping[Command, frozenset[Status]] = MappingProxyType(
    {
        Command.SAM_STATUS: _BROKEN | {Status.OK},
        Command.SAM_RESET: _BROKEN | {Status.OK},
        Command.SAM_ID: _BROKEN | {Status.OK},
        Command.FIND: _BROKEN | _TROUBLES | {Status.FOUND, Status.NO_CARD},
        Command.SELECT: _BROKEN | _TROUBLES | _UNREAD | {Status.OK, Status.SELECT_FAILED},
        Command.READ: _BROKEN | _TROUBLES | _UNREAD | {Status.OK},
    }
)


class SdtExchange:
    """Asks the reader and waits for its answer. Not for two tasks at once."""

    def __init__(self, port: BytePort) -> None:
        self._port = port
        self._frames = SdtFramer()
        self._now_s = asyncio.get_running_loop().time
        self._silent_since_s = self._now_s()
        self._failures = 0
        self._has_heard_bytes = False

    async def ask(self, what: Command) -> Reply | None:
        """The reply to `what`; None if it was lost, damaged, late or the answer to something else.

        After None the line has been quiet, so the next exchange starts clean. Raises `PortGone`,
        and `DeviceSilent` once nothing sensible came for long.
        """
        await self._port.write(command(what))
        reply = await self._receive(_ANSWER_TIMEOUT_S[what])
        if reply is not None and reply.status in _EXPECTED[what]:
            self._silent_since_s = self._now_s()
            self._failures = 0
            self._has_heard_bytes = False
            return reply
        log.debug("sdt: %s: no usable answer, %s", what.name, _told(reply))
        await self._until_quiet()
        self._failures += 1
        self._stop_if_silent()
        return None

    def _stop_if_silent(self) -> None:
        if not self._has_heard_bytes and self._now_s() - self._silent_since_s >= SILENT_AFTER_S:
            raise DeviceSilent("the card reader does not answer")
        if self._failures >= NONSENSE_LIMIT:
            raise DeviceSilent(
                "the card reader's answers make no sense: wrong baud rate or another device?"
            )

    async def _receive(self, timeout_s: float) -> Reply | None:
        asked_s = self._now_s()
        damaged_before = self._frames.damaged
        while True:
            inside = self._frames.is_inside_frame
            if inside:
                until_s = min(self._now_s() + FRAME_GAP_S, asked_s + WHOLE_REPLY_S)
            else:
                until_s = asked_s + timeout_s
            data = await self._read_until(until_s)
            payloads = self._frames.feed(data) if data else self._frames.give_up()
            if payloads:
                return parse_reply(payloads[0])
            if not data or self._frames.damaged > damaged_before:
                return None

    async def _until_quiet(self) -> None:
        """Drop what is still coming, but not for ever: the other end may be a talker."""
        limit_s = self._now_s() + QUIET_LIMIT_S
        while self._now_s() < limit_s and await self._read_until(self._now_s() + FRAME_GAP_S):
            pass
        self._frames.clear()

    async def _read_until(self, when_s: float) -> bytes:
        """Bytes, or none if none came in time."""
        try:
            async with asyncio.timeout_at(when_s):
                data = await self._port.read()
        except TimeoutError:
            return b""
        self._has_heard_bytes = True
        return data


def _told(reply: Reply | None) -> str:
    return "nothing whole" if reply is None else f"status {reply.sw.hex()}"
