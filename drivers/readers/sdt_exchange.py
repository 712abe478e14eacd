"""One SDT command, one reply, on an open port: time-outs, resynchronising, silence."""

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType

from drivers.errors import DeviceSilent, OtherDevice
from drivers.port import BytePort
from drivers.readers.sdt_frames import Command, Reply, SdtFramer, Status, command, parse_reply
from drivers.readers.sdt_heard import Sample

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
        Command.SET_RF_BYTES: 1.0,
    }
)
WHOLE_REPLY_S = 5.0  # the same, for the last byte; the longest reply takes 2.4 s at 9600 baud
FRAME_GAP_S = 0.2  # assumed: far above a USB adapter's 16 ms latency, the only pause known
QUIET_LIMIT_S = 1.0  # how long to wait for a line to fall quiet before asking again anyway
SILENT_AFTER_S = 5.0  # without a byte; one power-on (1.5 s) and some lost exchanges fit in
# With bytes, but none that make sense: a line that damages every fourth reply still answers.
NONSENSE_LIMIT = 12
# The same where the line does not fall quiet either: a reader says nothing unless it is asked.
RESTLESS_LIMIT = 3
# Longer than what any reader says to these, shorter than what it says to others (28 bytes of
# management number, 16 of module number): an answer to something else is not taken for ours.
_SHORT_REPLY_BYTES = 15

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
        # Not every firmware knows it; one that does not says so and works all the same.
        Command.SET_RF_BYTES: _BROKEN
        | {Status.OK, Status.COMMAND, Status.LENGTH, Status.UNRECOGNISED},
    }
)
_LONG_REPLIES = frozenset({Command.SAM_ID, Command.READ})


class SdtExchange:
    """Asks the reader and waits for its answer. Not for two tasks at once."""

    def __init__(self, port: BytePort) -> None:
        self._port = port
        self._frames = SdtFramer()
        self._now_s = asyncio.get_running_loop().time
        self._heard = Sample()
        self._latest: Reply | None = None  # whole, but no answer to what was asked
        self._begin_again()

    async def ask(self, what: Command, data: bytes = b"") -> Reply | None:
        """The reply to `what`; None if it was lost, damaged, late or the answer to something else.

        After None the line has been quiet, so the next exchange starts clean. Raises `PortGone`,
        and `DeviceSilent` once nothing sensible came for long: `OtherDevice` where what came
        tells that it is not from a reader.
        """
        await self._port.write(command(what, data))
        reply = await self._receive(_ANSWER_TIMEOUT_S[what])
        if reply is not None and _answers(reply, what):
            self._begin_again()
            return reply
        log.debug("sdt: %s: no usable answer: %s", what.name, reply.words if reply else "none")
        is_quiet = await self._until_quiet()
        self._failures += 1
        self._restless += not is_quiet
        self._latest = reply
        self._stop_if_hopeless()
        return None

    def _begin_again(self) -> None:
        """A sensible answer came, or nothing was asked yet."""
        self._silent_since_s = self._now_s()
        self._failures = self._restless = 0
        self._latest = None
        self._heard.clear()

    def _stop_if_hopeless(self) -> None:
        where = "on the line"
        if not self._heard and self._now_s() - self._silent_since_s >= SILENT_AFTER_S:
            raise self._heard.verdict(where)
        if self._failures < NONSENSE_LIMIT and self._restless < RESTLESS_LIMIT:
            return
        if self._latest is not None:
            raise DeviceSilent(f"the ID card reader answers only this: {self._latest.words}")
        if self._restless >= RESTLESS_LIMIT and not self._heard.is_telling:
            raise OtherDevice(f"no ID card reader {where}: another device? It never falls quiet")
        raise self._heard.verdict(where)

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

    async def _until_quiet(self) -> bool:
        """Drop what is still coming, but not for ever; whether the line fell quiet."""
        limit_s = self._now_s() + QUIET_LIMIT_S
        is_quiet = False
        while not is_quiet and self._now_s() < limit_s:
            is_quiet = not await self._read_until(self._now_s() + FRAME_GAP_S)
        self._frames.clear()
        return is_quiet

    async def _read_until(self, when_s: float) -> bytes:
        """Bytes, or none if none came in time."""
        try:
            async with asyncio.timeout_at(when_s):
                data = await self._port.read()
        except TimeoutError:
            return b""
        self._heard.add(data)
        return data


def _answers(reply: Reply, what: Command) -> bool:
    is_of_its_length = what in _LONG_REPLIES or len(reply.data) <= _SHORT_REPLY_BYTES
    return reply.status in _EXPECTED[what] and is_of_its_length
