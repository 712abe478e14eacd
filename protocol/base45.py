"""Base45 (RFC 9285): bytes as characters that a QR code packs tightly and every scanner can type.

Of several texts one could think of for the same bytes only one is accepted.
"""

from protocol.errors import Malformed

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_BASE = len(ALPHABET)
_PAIR_CHARS = 3  # two bytes
_SINGLE_CHARS = 2  # the last byte of an odd number


def encode_base45(data: bytes) -> str:
    """Two bytes become three characters, a last single byte two."""
    groups = (data[start : start + 2] for start in range(0, len(data), 2))
    return "".join(
        _digits(int.from_bytes(group, "big"), _PAIR_CHARS if len(group) == 2 else _SINGLE_CHARS)
        for group in groups
    )


def decode_base45(text: str) -> bytes:
    """Undo `encode_base45`. Raises `Malformed` for anything it cannot have made."""
    groups = (text[start : start + _PAIR_CHARS] for start in range(0, len(text), _PAIR_CHARS))
    return b"".join(map(_bytes, groups))


def _digits(number: int, count: int) -> str:
    characters = []
    for _ in range(count):
        number, digit = divmod(number, _BASE)
        characters.append(ALPHABET[digit])
    return "".join(characters)


def _bytes(group: str) -> bytes:
    size_bytes = len(group) - 1
    number = 0
    for character in reversed(group):
        value = _VALUES.get(character)
        if value is None:
            raise Malformed("a character that is not of Base45")
        number = number * _BASE + value
    if size_bytes == 0 or number >> 8 * size_bytes:
        raise Malformed("not the Base45 of any bytes")
    return number.to_bytes(size_bytes, "big")
