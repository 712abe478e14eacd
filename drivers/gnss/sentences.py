"""Cuts a byte stream into NMEA 0183 sentences (hw/gnss-nmea.md, 1): `$`, body, `*`, two digits.

Done here and not by pynmea2's stream reader, which drops a good sentence glued to garbage.
"""

import re
from functools import reduce
from operator import xor

MAX_SENTENCE_CHARS = 120
"""Without the line end. The standard allows 80; 105 was met in a recording (hw/gnss-nmea.md, 1)."""

_CHECKSUM_CHARS = 3  # '*' and two digits
_BODY = re.compile(rb"[ -#%-)+-~]*")  # printable ASCII without '$' and '*'
_CHECKSUM = re.compile(rb"\*([0-9A-Fa-f]{2})")


class SentenceFramer:
    """Bytes in, checksummed sentences out. No I/O and no clock; holds at most one sentence."""

    def __init__(self) -> None:
        self.damaged = 0
        """Sentences begun and not finished, or finished with the wrong checksum or none."""
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Return the sentences that `data` completes: `$...*HH`, digits upper case, no line end."""
        self._pending += data
        sentences: list[str] = []
        while (start := self._pending.find(b"$")) >= 0:
            del self._pending[:start]
            body_end = self._body_end()
            complete = body_end + _CHECKSUM_CHARS
            if complete > MAX_SENTENCE_CHARS:
                self._give_up(body_end)
            elif checksum := _CHECKSUM.match(self._pending, body_end):
                body = self._pending[1:body_end]
                if reduce(xor, body, 0) == int(checksum[1], 16):
                    digits = checksum[1].decode().upper()
                    sentences.append(f"${body.decode('ascii')}*{digits}")
                    del self._pending[:complete]
                else:
                    self._give_up(body_end)
            elif self._may_go_on(body_end):
                return sentences
            else:
                self._give_up(body_end)
        self._pending.clear()
        return sentences

    def _body_end(self) -> int:
        body = _BODY.match(self._pending, 1)
        assert body is not None  # noqa: S101 - the pattern matches the empty string
        return body.end()

    def _may_go_on(self, body_end: int) -> bool:
        """Whether the bytes after the body are a checksum whose last digits are still to come."""
        rest = bytes(self._pending[body_end : body_end + _CHECKSUM_CHARS])
        return _CHECKSUM.match(rest + b"*00"[len(rest) :]) is not None

    def _give_up(self, body_end: int) -> None:
        self.damaged += 1
        del self._pending[:body_end]  # the body holds no '$', so no sentence can begin in it
