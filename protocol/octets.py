"""Numbers in as few bytes as they need: unsigned LEB128, the low seven bits first."""

from protocol.errors import Malformed

MAX_NUMBER_BITS = 63
_MORE = 0x80


def pack_number(value: int) -> bytes:
    """A number of at most `MAX_NUMBER_BITS` bits, one byte for each seven of them."""
    octets = bytearray()
    while value >= _MORE:
        octets.append(value % _MORE | _MORE)
        value >>= 7
    octets.append(value)
    return bytes(octets)


class Octets:
    """Reads bytes from the front. Every call raises `Malformed` where there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self.at + count
        if end > len(self._data):
            raise Malformed("cut short")
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def whole(self, count: int) -> int:
        """A number of `count` bytes, the most significant first."""
        return int.from_bytes(self.take(count), "big")

    def number(self) -> int:
        """What `pack_number` wrote; a second way to write a number is refused."""
        value = shift = 0
        while True:
            octet = self.whole(1)
            value |= (octet % _MORE) << shift
            if octet < _MORE:
                if (shift and not octet) or shift + octet.bit_length() > MAX_NUMBER_BITS:
                    raise Malformed("a number in more bytes than it needs, or too large")
                return value
            shift += 7
            if shift > MAX_NUMBER_BITS:
                raise Malformed("a number too large")

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self.at)

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self._data)
