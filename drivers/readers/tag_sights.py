"""From what a reader sees, look by look, to what its caller is told. Pure, with time passed in."""

import hashlib

from drivers.readers.base import CardTrouble, ReaderEvent, TagRead, TroubleReason
from drivers.readers.presence import Presence

_UNCERTAIN = frozenset({TroubleReason.HOLD_STILL, TroubleReason.NOT_READABLE})


class TagSights:
    """Turns sights of tags into one event for each presentation."""

    def __init__(self) -> None:
        self._presence = Presence()

    def nothing(self, now_s: float) -> None:
        """Note that no tag is there, or was not until just now."""
        self._presence.miss(now_s)

    def event(self, sight: TagRead | CardTrouble) -> ReaderEvent | None:
        """Note a tag that was read or could not be; what the caller has not been told yet."""
        if isinstance(sight, CardTrouble):
            certain = sight.reason not in _UNCERTAIN
            is_new = self._presence.trouble_is_new(sight.reason, is_certain=certain)
        else:
            told_by = sight.uid or (sight.text or "").encode()
            is_new = self._presence.card_is_new(hashlib.sha256(told_by).digest())
        return sight if is_new else None
