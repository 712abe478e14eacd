"""What a UART hears when the other end sends at another rate: the bits, sampled at the wrong times.

Pure. 8N1. Not modelled: clock errors, oversampling and its majority vote, what came just before.
"""

BITS_PER_BYTE = 10  # start bit, eight data bits, stop bit
_MIDDLE = 0.5  # of a bit: where a receiver looks
_DATA_BITS = range(1, 9)


def heard_at(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """The bytes a receiver at `heard_baud` takes from `data` sent without a pause at `sent_baud`.

    The line is idle before and after. A byte without its stop bit counts, as it does for a Linux
    serial port with its usual settings.
    """
    if sent_baud == heard_baud:
        return data
    line = _Line(data)
    ratio = sent_baud / heard_baud  # sender's bits that go by in one of the receiver's
    heard = bytearray()
    start = line.next_fall(0.0)
    while start is not None:
        resume = start + (BITS_PER_BYTE - _MIDDLE) * ratio
        if line.level(start + _MIDDLE * ratio):
            resume = start + _MIDDLE * ratio  # too short for a start bit: a glitch
        else:
            heard.append(
                sum(line.level(start + (bit + _MIDDLE) * ratio) << (bit - 1) for bit in _DATA_BITS)
            )
        start = line.next_fall(resume)
    return bytes(heard)


class _Line:
    """The level over time, in bits of the sender; 1 is idle."""

    def __init__(self, data: bytes) -> None:
        levels = [1]
        for value in data:
            levels += [0, *(value >> bit & 1 for bit in range(8)), 1]
        self._levels = levels
        self._falls = [
            at for at in range(1, len(levels)) if levels[at - 1] == 1 and levels[at] == 0
        ]
        self._next = 0

    def level(self, at: float) -> int:
        return self._levels[int(at)] if at < len(self._levels) else 1

    def next_fall(self, after: float) -> float | None:
        """When the line next goes from idle to start, not before `after`; calls only go forward."""
        while self._next < len(self._falls) and self._falls[self._next] < after:
            self._next += 1
        return float(self._falls[self._next]) if self._next < len(self._falls) else None
