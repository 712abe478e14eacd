"""The example of docs/adding-a-driver.md: an invented scanner that checks its codes.

`02 LenHi LenLo text LRC 03`; Len, text and LRC add up to a multiple of 256.
"""

from collections.abc import Callable

from drivers.readers.base import CodeRead
from drivers.readers.framer import Damage
from drivers.readers.talking import Source, TalkingReader
from sim.devices.scanner import SimScanner
from tests.reader_kind import BAD_LINES, Kind, Promise, Thing

STX, ETX, AROUND_BYTES, LONGEST_BYTES, GAP_S = b"\x02", b"\x03", 5, 500, 0.05  # its sheet, 2


class LrcFramer:
    def __init__(self) -> None:
        self._pending, self._last_s = b"", 0.0

    @property
    def ends_at_s(self) -> float | None:
        return self._last_s + GAP_S if self._pending else None

    def feed(self, data: bytes, now_s: float) -> list[str | Damage]:
        self._pending, self._last_s, found = self._pending + data, now_s, list[str | Damage]()
        while True:
            junk, stx, rest = self._pending.partition(STX)
            found += [Damage.TORN] if junk else []
            self._pending = stx + rest
            end = AROUND_BYTES + int.from_bytes(rest[:2], "big")
            if len(self._pending) < min(end, LONGEST_BYTES):
                return found
            frame, is_possible = self._pending[:end], end <= LONGEST_BYTES
            is_whole = is_possible and frame[-1:] == ETX and sum(frame[1:-1]) % 256 == 0
            found.append(frame[3:-2].decode(errors="replace") if is_whole else Damage.TORN)
            self._pending = self._pending[end if is_whole else 1 :]

    def give_up(self, now_s: float) -> list[str | Damage]:
        if self.ends_at_s is None or now_s < self.ends_at_s:
            return []
        self._pending = self._pending[1:]  # what looked like the beginning of a frame was none
        return [Damage.TORN, *self.feed(b"", now_s)]


class LrcScanner(TalkingReader):
    def __init__(self, port: Source, *, on_ready: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(port, LrcFramer(), CodeRead, on_ready=on_ready)


class SimLrcScanner(SimScanner):
    def wire(self, code: str) -> bytes:
        checked = len(code).to_bytes(2, "big") + code.encode()
        return STX + checked + bytes([-sum(checked) % 256]) + ETX


THINGS = [Thing(code, code, (code,)) for code in ("MT-17", "MT-204", "QX-3", "QX-99", "MT-17")]
ROW = Kind(LrcScanner, SimLrcScanner, THINGS, dict.fromkeys(BAD_LINES, Promise.HONEST))
