"""Has what was just pushed been reported already? Pure: bytes and times in, a decision out.

The sibling of `presence`, for devices that never say that nothing is there.
"""

# hw/scanner.md 3: a scanner that looks by itself reads the code before it again after 0.5 to 1 s.
HELD_S = 1.5


class Repeats:
    """Tells a thing held before the device from one that is presented again.

    A thing pushed again within `HELD_S` of its last time is the same presentation, also if others
    came in between: two codes in view of one scanner take turns. A different one is new at once.
    """

    def __init__(self) -> None:
        self._last_s: dict[bytes, float] = {}

    def is_new(self, content_hash: bytes, now_s: float) -> bool:
        """Note a thing, told apart by a hash of its content; True if it is to be reported."""
        self._last_s = {
            seen: last_s for seen, last_s in self._last_s.items() if now_s - last_s < HELD_S
        }
        is_new = content_hash not in self._last_s
        self._last_s[content_hash] = now_s
        return is_new
