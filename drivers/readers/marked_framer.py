"""What framers share whose frames begin with a mark: find it, wait, try again behind it."""

from abc import ABC, abstractmethod
from typing import ClassVar


class MarkedFramer(ABC):
    """Cuts a byte stream into payloads. Finds every whole frame in any garbage.

    `damaged` counts frames that began and were not whole: wrong length, wrong sum, given up.
    """

    mark: ClassVar[bytes]
    """What every frame begins with."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self.damaged = 0

    @property
    def is_inside_frame(self) -> bool:
        """Whether a frame has begun and its end is still awaited."""
        return self._pending.startswith(self.mark)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they come; return the payloads completed by them."""
        self._pending += data
        payloads: list[bytes] = []
        while (start := self._pending.find(self.mark)) >= 0:
            del self._pending[:start]
            end = self._frame_end()
            if end is not None and len(self._pending) < end:
                return payloads
            taken = None if end is None else self._payloads(bytes(self._pending[:end]))
            if taken is None:
                self._resync()
            else:
                payloads += taken
                del self._pending[:end]
        # The stream may stop inside a mark: keep what could be its beginning.
        del self._pending[: -(len(self.mark) - 1)]
        return payloads

    def give_up(self) -> list[bytes]:
        """The rest of the frame will not come: look again behind its first byte."""
        if self.is_inside_frame:
            self._resync()
        return self.feed(b"")

    def clear(self) -> None:
        """Forget everything not yet returned."""
        self._pending.clear()

    @abstractmethod
    def _frame_end(self) -> int | None:
        """Where the frame at the front ends; beyond `_pending` if unknown; None: no such frame."""

    @abstractmethod
    def _payloads(self, frame: bytes) -> list[bytes] | None:
        """What a frame of the right length carries, perhaps nothing; None: its sum is wrong."""

    def _resync(self) -> None:
        self.damaged += 1
        del self._pending[0]
