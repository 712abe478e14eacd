"""Scanners that pretend to be a keyboard (hw/wedge.md): the same codes, typed."""

from collections.abc import Callable

from drivers.readers.key_events import KeyDecoder
from drivers.readers.scanner import ScannerReader
from drivers.readers.talking import Source


class TypedText:
    """What is typed on a port that carries raw input events, as a port that carries text."""

    def __init__(self, events: Source) -> None:
        self._events = events
        self._keys = KeyDecoder()

    async def read(self) -> bytes:
        """See `drivers.port.BytePort.read`."""
        while not (typed := self._keys.feed(await self._events.read())):
            pass  # keys let go of, lights: not a character among them
        return typed


class WedgeReader(ScannerReader):
    """A `CardReader` for codes that are typed."""

    def __init__(self, port: Source, *, on_ready: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(TypedText(port), on_ready=on_ready)
