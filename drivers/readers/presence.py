"""Has this document been reported already? Pure: bytes and times in, a decision out."""

from drivers.readers.base import TroubleReason

# Counted from the first miss, so that it takes two: a find often misses a card that is still there
# once after a good read (hw/sdt-reader.md 5).
REMOVED_AFTER_S = 1.0


class Presence:
    """Remembers what lies on the reader, so that one presentation is reported once."""

    def __init__(self) -> None:
        self._card: bytes | None = None
        self._trouble: TroubleReason | None = None
        self._missing_since_s: float | None = None
        self._doubts = 0  # troubles in a row that may be about a card already read

    def sighted(self) -> None:
        """Note that some card is there, whichever it is."""
        self._missing_since_s = None

    def card_is_new(self, content_hash: bytes) -> bool:
        """Note a card, told apart by a hash of its content; True if it is to be reported."""
        self._missing_since_s, self._doubts = None, 0
        if content_hash == self._card:
            return False
        self._card, self._trouble = content_hash, None
        return True

    def trouble_is_new(self, reason: TroubleReason, *, is_certain: bool) -> bool:
        """Note a trouble; True if it is to be reported.

        An uncertain one right after a good read is most likely the same card lying badly, so it
        takes two in a row.
        """
        self._missing_since_s = None
        self._doubts = 0 if is_certain else self._doubts + 1
        if reason == self._trouble or (self._doubts == 1 and self._card is not None):
            return False
        self._trouble = reason
        return True

    def miss(self, now_s: float) -> None:
        """Note that no card was found at `now_s` on a clock that never goes back."""
        if self._missing_since_s is None:
            self._missing_since_s = now_s
        if now_s - self._missing_since_s >= REMOVED_AFTER_S:
            self._card = self._trouble = None
