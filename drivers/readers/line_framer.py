"""Lines as scanners send them: any usual prefix or suffix, or none (hw/scanner.md 2). Pure.

A line ends with a separator or, if nothing more comes, after a pause. Separators may come first,
last or doubled: empty lines are nothing. So no setting says how a scanner ends its codes.
"""

import re
from math import inf

from drivers.readers.framer import Damage

GAP_S = 0.08  # hw/scanner.md 2: no scanner pauses this long inside a code
LINE_MAX_BYTES = 4296  # the longest alphanumeric QR code; a credential is a tenth of it

_SEPARATORS = re.compile(rb"[\r\n\t\x02\x03]")  # Enter, Tab, and the STX ETX some put around
_CONTROL = re.compile("[\x00-\x1c\x1e\x1f\x7f-\x9f]")  # noise; 1D, in between, GS1 codes hold


class LineFramer:
    """A `Framer` of lines in UTF-8.

    Once a burst has ended with a separator, so must the next: without it, its last line is torn.
    That is forgotten with the line, so a scanner set up anew is refused once and not for ever.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._last_s = -inf
        self._has_line = False  # since the last pause a separator has ended a line
        self._must_separate = False

    @property
    def ends_at_s(self) -> float | None:
        """See `Framer.ends_at_s`."""
        return self._last_s + GAP_S if self._pending else None

    def feed(self, data: bytes, now_s: float) -> list[str | Damage]:
        """See `Framer.feed`."""
        found = self.give_up(now_s)
        self._last_s = now_s
        *lines, rest = _SEPARATORS.split(self._pending + data)
        self._pending = rest[: LINE_MAX_BYTES + 1]  # enough to know that it is too long
        whole = [_text(line) for line in lines if line]
        self._has_line = self._has_line or bool(whole)
        return found + whole

    def give_up(self, now_s: float) -> list[str | Damage]:
        """See `Framer.give_up`."""
        if now_s < self._last_s + GAP_S:
            return []
        line, self._pending = self._pending, b""
        has_line, self._has_line = self._has_line, False
        if not line:
            self._must_separate = self._must_separate or has_line
            return []
        is_torn, self._must_separate = self._must_separate, False
        return [Damage.TORN if is_torn else _text(line)]


def _text(line: bytes) -> str | Damage:
    if len(line) > LINE_MAX_BYTES:
        return Damage.TOO_LONG
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return Damage.NOT_TEXT
    return Damage.NOT_TEXT if _CONTROL.search(text) else text
