"""Codes that come in: lines of standard input, or a scanner on a port; in any order, repeated."""

import asyncio
from collections.abc import Iterable

from courier.words import Teller
from drivers.device import Device, Role, use_device
from drivers.readers.base import CodeRead
from drivers.registry import READERS
from protocol.errors import ProtocolError
from protocol.fragments import Gatherer, parse_fragment

SCANNER = "scanner"


class CodeTaker:
    """Takes texts until a set of codes is complete, and tells how far it is."""

    def __init__(self, teller: Teller) -> None:
        self._gatherer, self._teller = Gatherer(), teller
        self.whole: bytes | None = None

    def take(self, text: str) -> bool:
        """Take one text; returns whether that was the last one needed."""
        try:
            fragment = parse_fragment(text)
        except ProtocolError:
            self._teller.say("code.strange")
            return False
        self.whole = self._gatherer.take(fragment)
        held = fragment.total if self.whole is not None else self._gatherer.held(fragment)
        self._teller.say("code.progress", held=held, total=fragment.total)
        return self.whole is not None


def from_lines(lines: Iterable[str], teller: Teller) -> bytes | None:
    """What the codes on these lines are together; `None` if some are missing at the end."""
    taker = CodeTaker(teller)
    for line in lines:
        if line.strip() and taker.take(line):
            break
    return taker.whole


async def from_scanner(url: str, teller: Teller) -> bytes | None:
    """What a scanner on a port reads. Ends when it is complete, or with Ctrl-C.

    Raises `DriverConfigError` for a port that is none.
    """
    taker, is_complete = CodeTaker(teller), asyncio.Event()

    def take(event: object) -> None:
        if isinstance(event, CodeRead) and not is_complete.is_set() and taker.take(event.text):
            is_complete.set()

    device = Device(Role.READER, SCANNER, READERS[SCANNER], url)
    using = asyncio.create_task(use_device(device, take, teller.tell_state))
    waiting = asyncio.create_task(is_complete.wait())
    try:
        await asyncio.wait((using, waiting), return_when=asyncio.FIRST_COMPLETED)
        if using.done():
            using.result()
    finally:
        using.cancel()
        waiting.cancel()
        await asyncio.gather(using, waiting, return_exceptions=True)
    return taker.whole
