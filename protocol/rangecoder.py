"""A range coder: symbols of known frequency to bytes and back, to within a bit of the ideal.

Whole numbers only, so every machine makes the same bytes. An encoder and a decoder have the same
method `code`; whoever describes data with it describes both ways at once.
"""

from typing import Protocol

from protocol.errors import Malformed

MAX_TOTAL = 1 << 16  # of frequencies; the range never falls so low that this costs anything

_RANGE_BITS = 56
_BYTE_BITS = 8
_LOWEST_RANGE = 1 << (_RANGE_BITS - _BYTE_BITS)
_WINDOW_BYTES = _RANGE_BITS // _BYTE_BITS


class Coder(Protocol):
    """One symbol at a time; both ends make the same calls in the same order."""

    def code(self, start: int, size: int, total: int) -> None:
        """Narrow the range to the symbol that owns `size` (at least 1) of `total` from `start`."""

    def at(self, total: int) -> int | None:
        """Which of `total` the next symbol lies on; `None` for an encoder, who is told."""


class Encoder:
    """Collects symbols. One big whole number holds what is known so far: it carries by itself."""

    def __init__(self) -> None:
        self._low = 0
        self._range = 1 << _RANGE_BITS
        self._shifted_bytes = 0

    def at(self, _total: int) -> None:
        """Nothing: an encoder is told."""
        return None  # noqa: RET501  # the contract's answer, not the end of a procedure

    def code(self, start: int, size: int, total: int) -> None:
        """See `Coder`."""
        part = self._range // total
        self._low += part * start
        self._range = part * size
        while self._range <= _LOWEST_RANGE:
            self._low <<= _BYTE_BITS
            self._range <<= _BYTE_BITS
            self._shifted_bytes += 1

    def finish(self) -> bytes:
        """The shortest bytes that lie in the range; the decoder reads zeros behind them.

        More symbols may follow, and `finish` again.
        """
        for dropped in range(_RANGE_BITS, -1, -_BYTE_BITS):
            size_bytes = self._shifted_bytes + (_RANGE_BITS - dropped) // _BYTE_BITS
            number = -(-self._low >> dropped)  # upwards
            if number << dropped < self._low + self._range:
                return number.to_bytes(size_bytes, "big")
        raise AssertionError("a range is never empty")


class Decoder:
    """Reads symbols. Raises `Malformed` as soon as more was read than any encoder would leave out.

    Any bytes decode to symbols of some kind, so work is bounded by whoever asks for them.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._range = 1 << _RANGE_BITS
        self._code = int.from_bytes(data[:_WINDOW_BYTES].ljust(_WINDOW_BYTES, b"\0"), "big")
        self._read_bytes = _WINDOW_BYTES

    def at(self, total: int) -> int:
        """See `Coder`."""
        return min(self._code // (self._range // total), total - 1)

    def code(self, start: int, size: int, total: int) -> None:
        """See `Coder`."""
        part = self._range // total
        self._code -= part * start
        self._range = part * size
        if self._code >= self._range:
            raise Malformed("no symbol has these bytes")
        while self._range <= _LOWEST_RANGE:
            place = self._read_bytes
            following = self._data[place] if place < len(self._data) else 0
            self._code = self._code << _BYTE_BITS | following
            self._range <<= _BYTE_BITS
            self._read_bytes += 1
        if self._read_bytes > len(self._data) + _WINDOW_BYTES:
            raise Malformed("cut short")

    def finish(self) -> None:
        """Raises `Malformed` if bytes are left that no encoder would have written."""
        if len(self._data) > self._read_bytes:
            raise Malformed("bytes behind the last symbol")
