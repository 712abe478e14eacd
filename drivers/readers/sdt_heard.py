"""What is it that talks on a port where an ID card reader should be? Pure: bytes in, words out.

Only the kind of device is told, never what it said: it may have been somebody's code.
"""

import re

from drivers.errors import DeviceSilent, OtherDevice
from drivers.readers.sdt_frames import PREAMBLE, Command, command

SAMPLE_BYTES = 512  # half a second of the slowest line: enough for a whole sentence
_SENTENCE = re.compile(rb"\$[A-Z]{2,3}[A-Z]{3},[\x20-\x7e]*\*[0-9A-F]{2}")  # hw/gnss-nmea.md
_TEXT = frozenset(b"\r\n\t") | frozenset(range(0x20, 0x7F))
_TEXT_SHARE = 0.95  # of the bytes; a first one may be cut in two by opening the port
_FRAME_HEAD_BYTES = 9  # preamble, length and command: what an echo is told by


class Sample:
    """The latest bytes that came in without being an answer."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> None:
        """Take more; only the latest are kept."""
        self._bytes += data
        del self._bytes[:-SAMPLE_BYTES]

    def clear(self) -> None:
        """Forget all."""
        self._bytes.clear()

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def has_frames(self) -> bool:
        """Whether some of it begins as a reader's answers do."""
        return PREAMBLE in self._bytes and not self._is_echo

    @property
    def is_telling(self) -> bool:
        """Whether it says which kind of device it is."""
        return self.has_frames or self._kind is not None

    def verdict(self, where: str) -> DeviceSilent:
        """The error to raise; `where` says which port, or at which speed."""
        if not self._bytes:
            return DeviceSilent(f"no ID card reader answers {where}")
        if self.has_frames:
            return DeviceSilent(
                f"the ID card reader's answers arrive damaged {where}: check cable and plug"
            )
        kind = self._kind or "bytes that make no sense: a wrong baud rate?"
        return OtherDevice(f"no ID card reader {where}: another device? There are {kind}")

    @property
    def _is_echo(self) -> bool:
        return any(command(what)[:_FRAME_HEAD_BYTES] in self._bytes for what in Command)

    @property
    def _kind(self) -> str | None:
        if self._is_echo:
            return "our own commands coming back"
        if _SENTENCE.search(self._bytes):
            return "sentences of a satellite receiver"
        texts = sum(value in _TEXT for value in self._bytes)
        if texts and texts >= _TEXT_SHARE * len(self._bytes):
            return "lines of text, as from a scanner or a modem"
        return None
