"""Barcode and QR scanners on a serial line, or on USB as one (hw/scanner.md)."""

import re
from collections.abc import Callable

from drivers.readers.base import CodeRead
from drivers.readers.line_framer import LineFramer
from drivers.readers.talking import Source, TalkingReader

# hw/gnss-nmea.md 1: the likeliest wrong device, and the only one whose lines would pass for codes.
_SENTENCE = re.compile(r"[$!][A-Z0-9]{5,}.*\*[0-9A-Fa-f]{2}")


class ScannerReader(TalkingReader):
    """A `CardReader` for codes."""

    def __init__(self, port: Source, *, on_ready: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(port, LineFramer(), _code, on_ready=on_ready)


def _code(text: str) -> CodeRead | None:
    return None if _SENTENCE.fullmatch(text) else CodeRead(text)
