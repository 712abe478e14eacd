"""Specimens of the 256-byte text block of the four identity documents (hw/sdt-reader.md 6).

Written beside the parser and not out of it: the parser keeps four fields and drops the rest, a
specimen fills them all.
"""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from types import MappingProxyType

TEXT_BLOCK_BYTES = 256
TYPE_AT = 248
_SPACE = " ".encode("utf-16-le")
_NO_TYPE = "?"  # what no layout has: the original could be a part of somebody's data
_AREA, _BORN = "110101", "19000101"  # nobody who is alive was born then
_FOREIGN_AREA = "911000"
_DATES = ((188, "20200101"), (204, "20400101"))

# ISO 7064 MOD 11-2 (hw/sdt-reader.md 7).
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
SPECIMENS_MAX = 999
"""A recording with more cards than this has specimens that stand for several."""

_RESIDENT: Sequence[tuple[int, str]] = (
    *((0, "样本"), (30, "1"), (32, "01"), (36, _BORN), (52, "样本地址")),
    *((122, "{resident}"), (158, "样本机关"), *_DATES),
)
_LAYOUTS: Mapping[str, Sequence[tuple[int, str]]] = MappingProxyType(
    {
        " ": _RESIDENT,
        "J": tuple(field for field in _RESIDENT if field[0] != 32),
        "I": (
            *((0, "SPECIMEN"), (120, "1"), (122, "{foreign_2017}"), (152, "UTO")),
            *((158, "样本"), *_DATES, (220, _BORN), (236, "01"), (240, "0000")),
        ),
        "Y": (
            *((0, "样本"), (30, "1"), (32, "00"), (36, _BORN), (52, "SPECIMEN")),
            *((122, "{foreign_2023}"), *_DATES, (242, "UTO")),
        ),
    }
)


def specimen_text(original: bytes, number: int) -> bytes:
    """A text block of the same size and layout that holds nothing of the original but its type.

    `number` from 1 tells one specimen from another. A block of another size becomes spaces; so
    does one of a layout nobody knows, and its type, unless a lone capital, a question mark.
    """
    if len(original) != TEXT_BLOCK_BYTES:
        return (_SPACE * len(original))[: len(original)]
    block = bytearray(_SPACE * (TEXT_BLOCK_BYTES // 2))
    letter = original[TYPE_AT : TYPE_AT + 2].decode("utf-16-le", errors="replace")
    for offset, text in _LAYOUTS.get(letter, ()):
        data = text.format_map(_numbers(number)).encode("utf-16-le")
        block[offset : offset + len(data)] = data
    shown = letter if letter in {" ", *ascii_uppercase} else _NO_TYPE
    block[TYPE_AT : TYPE_AT + 2] = shown.encode("utf-16-le")
    return bytes(block)


def _numbers(number: int) -> Mapping[str, str]:
    order = (number - 1) % SPECIMENS_MAX + 1
    return {
        "resident": _checked(f"{_AREA}{_BORN}{order:03d}"),
        "foreign_2017": f"UTO{_AREA}{order:06d}",
        "foreign_2023": _checked(f"{_FOREIGN_AREA}{_BORN}{order:03d}"),
    }


def _checked(first_17: str) -> str:
    total = sum(w * int(digit) for w, digit in zip(_WEIGHTS, first_17, strict=True))
    return first_17 + _CHECK_DIGITS[total % 11]
