"""One PN532 command, one answer, on an open port: time-outs, resynchronising, silence."""

import asyncio
import logging

from drivers.errors import DeviceSilent, OtherDevice
from drivers.port import BytePort
from drivers.readers.pn532_frames import ABORT, Command, Pn532Framer, answer_to, frame

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 1.0  # assumed: a chip card may ask for time; a search takes 0.1 s at most
FRAME_GAP_S = 0.1  # assumed: far above a USB adapter's 16 ms latency, the only pause known
QUIET_S = 0.05  # after an abort nothing more comes; three times that latency
QUIET_LIMIT_S = 1.0  # how long to wait for a line to fall quiet before asking again anyway
SILENT_AFTER_S = 5.0  # without a byte; some lost exchanges fit in
NONSENSE_LIMIT = 12  # failures in a row with bytes, none of which make sense
TRIES = 4  # of a command that may be repeated: any but a search, which may have found a tag


class Pn532Exchange:
    """Asks the PN532 and waits for its answer. Not for two tasks at once."""

    def __init__(self, port: BytePort) -> None:
        self._port = port
        self._frames = Pn532Framer()
        self._now_s = asyncio.get_running_loop().time
        self._silent_since_s = self._now_s()
        self._failures = 0
        self._has_heard_bytes = False

    async def insist(self, command: Command, data: bytes = b"") -> bytes | None:
        """The data of the answer to `command`, repeated if need be; None if all were lost.

        Raises `PortGone`, `DeviceSilent` once nothing came for long, and `OtherDevice` once only
        nonsense did.
        """
        for _ in range(TRIES):
            answer = await self.ask(command, data)
            if answer is not None:
                return answer
        return None

    async def ask(
        self, command: Command, data: bytes = b"", *, prefix: bytes = b""
    ) -> bytes | None:
        """The same without repeating; `prefix` goes before the frame.

        After None the line has been quiet, so the next exchange starts clean.
        """
        await self._port.write(prefix + frame(command, data))
        answer = await self._receive(command)
        if answer is not None:
            self._silent_since_s = self._now_s()
            self._failures = 0
            self._has_heard_bytes = False
            return answer
        log.debug("pn532: %s: no usable answer", command.name)
        await self._port.write(ABORT)
        await self._until_quiet()
        self._failures += 1
        self._stop_if_silent()
        return None

    def _stop_if_silent(self) -> None:
        if not self._has_heard_bytes and self._now_s() - self._silent_since_s >= SILENT_AFTER_S:
            raise DeviceSilent("the PN532 does not answer")
        if self._failures >= NONSENSE_LIMIT:
            raise OtherDevice("the answers make no sense: wrong baud rate or no PN532?")

    async def _receive(self, command: Command) -> bytes | None:
        """The answer's data. An ACK is not waited for: the answer says all that it says."""
        until_s = self._now_s() + ANSWER_TIMEOUT_S
        damaged_before = self._frames.damaged
        while True:
            has_begun = self._frames.is_inside_frame or self._frames.damaged > damaged_before
            limit_s = min(self._now_s() + FRAME_GAP_S, until_s) if has_begun else until_s
            data = await self._read_until(limit_s)
            bodies = self._frames.feed(data) if data else self._frames.give_up()
            if bodies:
                return answer_to(command, bodies[0])
            if not data:
                return None

    async def _until_quiet(self) -> None:
        """Drop what is still coming, but not for ever: the other end may be a talker."""
        limit_s = self._now_s() + QUIET_LIMIT_S
        while self._now_s() < limit_s and await self._read_until(self._now_s() + QUIET_S):
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
