"""A reader on a device that talks by itself and is never asked: scanners, keyboards, MRZ readers.

What is theirs alone is a framer and the meaning of a text. Here is the rest: when a text is over,
what was already reported, and when the device at the other end is not what it should be.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from hashlib import sha256
from math import nextafter
from types import MappingProxyType
from typing import Protocol

from drivers.errors import OtherDevice
from drivers.readers.base import CardTrouble, ReaderEvent, TroubleReason
from drivers.readers.framer import Damage, Framer
from drivers.readers.repeats import Repeats

log = logging.getLogger(__name__)

# A scanner is silent until something is presented. Whatever never is silent is no scanner; until
# then it is not called ready, so that reopening it slows down (drivers/supervisor.py).
QUIET_S = 1.0
# Both assumed. A receiver sends two sentences a second at least; a queue of people is a tenth.
STRANGE_LIMIT, FRESH_LIMIT = 10, 30
WINDOW_S = 10.0

_REASONS: Mapping[Damage, TroubleReason] = MappingProxyType(
    {
        Damage.TORN: TroubleReason.HOLD_STILL,
        Damage.NOT_TEXT: TroubleReason.NOT_READABLE,
        Damage.TOO_LONG: TroubleReason.NOT_READABLE,
    }
)


class Source(Protocol):
    """The half of a `drivers.port.BytePort` that such a reader needs."""

    async def read(self) -> bytes:
        """See `BytePort.read`."""


Meaning = Callable[[str], ReaderEvent | None]
"""What a text tells; None for one that no device of this kind would send."""


class TalkingReader:
    """A `CardReader` that listens. `on_ready` is called once the line has been quiet."""

    identity: str | None = None  # such devices have none that they would tell by themselves

    def __init__(
        self, port: Source, framer: Framer, meaning: Meaning, *, on_ready: Callable[[str], None]
    ) -> None:
        self._port, self._framer, self._meaning = port, framer, meaning
        self._on_ready = on_ready
        self._repeats = Repeats()
        self._strange: deque[float] = deque(maxlen=STRANGE_LIMIT)
        self._fresh: deque[float] = deque(maxlen=FRESH_LIMIT)
        self._now_s = asyncio.get_running_loop().time

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """See `CardReader.events`."""
        ready_at_s: float | None = self._now_s() + QUIET_S
        while True:
            due_s = _earliest(ready_at_s, self._framer.ends_at_s)
            data, now_s = await self._next(due_s)
            if data:
                texts = self._framer.feed(data, now_s)
                if ready_at_s is not None:
                    ready_at_s = now_s + QUIET_S
            else:
                texts = self._framer.give_up(now_s)
                if ready_at_s is not None and now_s >= ready_at_s:
                    ready_at_s = None
                    self._on_ready("waits for something to be presented")
            for text in texts:
                event = self._event(text, now_s)
                if event is not None:
                    yield event

    def _event(self, text: str | Damage, now_s: float) -> ReaderEvent | None:
        """What the operator has not been told yet."""
        event = CardTrouble(_REASONS[text]) if isinstance(text, Damage) else self._meaning(text)
        if event is None or isinstance(text, Damage):
            self._strange.append(now_s)
            log.debug("what came is nothing that is read here: %s", event)
            if _too_many(self._strange):
                raise OtherDevice(
                    "what comes is nothing to read: another device, or its baud rate?"
                )
        else:
            self._strange.clear()
        if event is None or not self._repeats.is_new(_hash(event, text), now_s):
            return None
        self._fresh.append(now_s)
        if _too_many(self._fresh):
            raise OtherDevice("more comes than anybody can present: another device?")
        return event

    async def _next(self, due_s: float | None) -> tuple[bytes, float]:
        """Bytes and when they came; none, at `due_s` or later, if none came by then."""
        data = await self._read_by(due_s)
        if data or due_s is None:
            return data, self._now_s()
        # The bytes may have been there in time and the event loop not: look once more.
        if data := await self._read_by(self._now_s()):
            return data, nextafter(due_s, 0.0)
        return b"", max(self._now_s(), due_s)  # a timer may fire a tick early

    async def _read_by(self, when_s: float | None) -> bytes:
        try:
            async with asyncio.timeout_at(when_s):
                return await self._port.read()
        except TimeoutError:
            return b""


def _earliest(*times_s: float | None) -> float | None:
    return min((time_s for time_s in times_s if time_s is not None), default=None)


def _too_many(times_s: deque[float]) -> bool:
    return len(times_s) == times_s.maxlen and times_s[-1] - times_s[0] <= WINDOW_S


def _hash(event: ReaderEvent, text: str | Damage) -> bytes:
    """A trouble is the same whatever caused it; anything else is its text."""
    if isinstance(event, CardTrouble) or isinstance(text, Damage):
        return repr(event).encode()
    return sha256(text.encode()).digest()
