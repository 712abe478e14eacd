"""What a range coder codes by: evenly spread numbers, symbols that learn, gaps that learn.

Every function and method takes a value and returns it: an encoder codes the value given, a decoder
ignores it and returns the one read. Both have learnt the same afterwards.
"""

from collections.abc import Container, Sequence

from protocol.errors import Malformed
from protocol.rangecoder import MAX_TOTAL, Coder

_DIGIT_BITS = 16
_PLACES = 64  # widths of a number: 0 to 63 bits
_MOST_WEIGHT = MAX_TOTAL >> 1  # of all symbols, before the past counts half


def uniform(coder: Coder, total: int, value: int = 0) -> int:
    """One of `total` (at least 1) equally likely numbers from 0; raises `Malformed`."""
    if total <= MAX_TOTAL:
        place = coder.at(total)
        found = value if place is None else place
        coder.code(found, 1, total)
        return found
    low = uniform(coder, MAX_TOTAL, value % MAX_TOTAL)
    high = uniform(coder, -(-total // MAX_TOTAL), value // MAX_TOTAL)
    if (found := high * MAX_TOTAL + low) >= total:
        raise Malformed("a number out of bounds")
    return found


def bits(coder: Coder, count: int, value: int = 0) -> int:
    """A number of `count` bits, all equally likely."""
    found = 0
    for shift in range(0, count, _DIGIT_BITS):
        width = min(_DIGIT_BITS, count - shift)
        digit = value >> shift & ((1 << width) - 1)
        found |= uniform(coder, 1 << width, digit) << shift
    return found


def number(coder: Coder, value: int = 0) -> int:
    """A number from 0 of which only the size is unknown: its width, then its lower bits."""
    width = uniform(coder, _PLACES, value.bit_length())
    if width <= 1:
        return width
    top = 1 << (width - 1)
    return top | bits(coder, width - 1, value & (top - 1))


def raw(coder: Coder, count: int, value: bytes = b"") -> bytes:
    """That many bytes, as they are."""
    return bits(coder, 8 * count, int.from_bytes(value, "big")).to_bytes(count, "big")


class Symbols:
    """A small alphabet. A symbol seen `step` more weighs that much more from then on."""

    def __init__(self, weights: Sequence[int], step: int) -> None:
        self._weights = list(weights)
        self._step = step

    def code(self, coder: Coder, value: int = 0, among: Container[int] | None = None) -> int:
        """One symbol; with `among`, of those only. At least one must be possible."""
        weights = [
            weight if among is None or symbol in among else 0
            for symbol, weight in enumerate(self._weights)
        ]
        total = sum(weights)
        place = coder.at(total)
        found = value if place is None else _owner(weights, place)
        coder.code(sum(weights[:found]), weights[found], total)
        self._learn(found)
        return found

    def _learn(self, symbol: int) -> None:
        self._weights[symbol] += self._step
        if sum(self._weights) > _MOST_WEIGHT:
            self._weights = [(weight + 1) // 2 for weight in self._weights]


def _owner(weights: Sequence[int], place: int) -> int:
    for symbol, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return symbol
    raise AssertionError("a place below the total has an owner")


class Gaps:
    """Numbers from 0 that fall off geometrically, about a mean that is learnt: waiting times.

    The binary digits of a geometric number are independent, so each is coded by its own chance.
    Far above the mean a number takes another form, for real waiting times have long tails.
    """

    _FAR_DIGITS = 4  # 16 times the mean and above are far: 1 in 10^7 of truly geometric numbers
    _ONE = 1 << 32
    _MEMORY = 128  # numbers; then the past counts half

    def __init__(self, mean: int) -> None:
        self._sum, self._count = mean, 1
        self._far = Symbols([60, 1], 30)

    def code(self, coder: Coder, value: int = 0) -> int:
        """One number, up to 63 bits."""
        digits = (self._sum // self._count).bit_length() + self._FAR_DIGITS
        limit = 1 << digits
        if self._far.code(coder, int(value >= limit)):
            found = limit + number(coder, max(0, value - limit))
        else:
            found = self._near(coder, digits, value)
        self._learn(min(found, limit))
        return found

    def _near(self, coder: Coder, digits: int, value: int) -> int:
        ratio = (self._sum * self._ONE) // (self._sum + self._count)
        found = 0
        for digit in range(digits):
            ones = max(1, ratio * MAX_TOTAL // (self._ONE + ratio))
            place = coder.at(MAX_TOTAL)
            one = value >> digit & 1 if place is None else int(place < ones)
            coder.code(*((0, ones) if one else (ones, MAX_TOTAL - ones)), MAX_TOTAL)
            found |= one << digit
            ratio = ratio * ratio // self._ONE
        return found

    def _learn(self, found: int) -> None:
        self._sum += found
        self._count += 1
        if self._count > self._MEMORY:
            self._sum, self._count = self._sum // 2, self._count // 2
