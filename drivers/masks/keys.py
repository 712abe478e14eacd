"""Mask of devices that are keyboards: the kernel's input events, what is typed a specimen.

What the keys type goes through the mask of the same text on a serial line, and the keys of the
specimen take their place. Shift and all keys that type nothing personal stay. The raw codes that
come along with key events become zero, for they say the same.
"""

import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drivers.masks.base import Mask, Masks, Unchanged
from drivers.masks.mrz import MrzMask
from drivers.masks.text import LineMask

_EVENT = struct.Struct("<qqHHi")  # seconds, microseconds, type, code, value (hw/wedge.md 2)
_EV_SYN, _EV_KEY = 0, 1
_PRESSED, _REPEATED = 1, 2  # 0: released
_TYPE_MAX, _CODE_MAX = 0x1F, 0x2FF
_SECONDS_MAX, _MICROSECONDS = 1 << 40, 1_000_000
_BLANK = b"\xff"  # in place of a byte that belongs to no event: makes none with its neighbours
_HELD_MAX = 4096  # events; a code of 600 characters has four and more for each

# linux/input-event-codes.h: keys in the order of what they type
_ROW = dict(zip("1234567890", range(2, 12), strict=True))
_PAD = dict(zip("7894561230", (71, 72, 73, 75, 76, 77, 79, 80, 81, 82), strict=True))
_LETTERS = {
    **dict(zip("QWERTYUIOP", range(16, 26), strict=True)),
    **dict(zip("ASDFGHJKL", range(30, 39), strict=True)),
    **dict(zip("ZXCVBNM", range(44, 51), strict=True)),
}
_PERSONAL: Mapping[int, Mapping[str, int]] = MappingProxyType(
    {code: keys for keys in (_ROW, _PAD, _LETTERS) for code in keys.values()}
)
"""Code of a key -> the keys of its class, by what they type."""
_CHARACTERS = {
    code: character for keys in (_ROW, _PAD, _LETTERS) for character, code in keys.items()
}
_SEPARATORS = {28: "\r", 96: "\r", 15: "\t"}  # Enter, Enter of the keypad, Tab
_COMMA = {51: "<"}  # with Shift; without it a comma, which stays as well
_OTHERS = dict.fromkeys((12, 13, 26, 27, 39, 40, 41, 43, 52, 53, 55, 57, 74, 78, 83, 98, 117), ".")
_TYPED = {**_CHARACTERS, **_SEPARATORS, **_COMMA, **_OTHERS}


def key_masks() -> Masks:
    """Masks for one recording of a scanner that types."""
    return Masks(host=Unchanged(), device=KeyMask(LineMask()))


def mrz_key_masks() -> Masks:
    """Masks for one recording of a reader of machine-readable zones that types."""
    return Masks(host=Unchanged(), device=KeyMask(MrzMask()))


@dataclass(frozen=True, slots=True)
class _Told:
    """An event, or a byte that is part of none."""

    data: bytes
    types: bool = False


class KeyMask:
    """A `Mask` of events; `text` masks what they type."""

    def __init__(self, text: Mask) -> None:
        self._text = text
        self._pending = bytearray()
        self._held: deque[_Told] = deque()
        self._specimen: deque[str] = deque()  # of what the first of `_held` type
        self._lying: dict[int, int] = {}  # key that is down -> key that is told to be

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        self._pending += data
        at = 0
        while at + _EVENT.size <= len(self._pending):
            event = bytes(self._pending[at : at + _EVENT.size])
            if _is_possible(*_EVENT.unpack(event)):
                self._take(event)
                at += _EVENT.size
            else:
                self._held.append(_Told(_BLANK))
                at += 1
        del self._pending[:at]
        if len(self._held) > _HELD_MAX:
            self._specimen += self._text.end().decode()
        return self._decided()

    def end(self) -> bytes:
        """See `Mask.end`."""
        self._specimen += self._text.end().decode()
        torn, self._pending = len(self._pending), bytearray()
        return self._decided() + torn * _BLANK

    def _take(self, event: bytes) -> None:
        _, _, kind, code, value = _EVENT.unpack(event)
        character = _TYPED.get(code) if (kind, value) == (_EV_KEY, _PRESSED) else None
        self._held.append(_Told(event, types=character is not None))
        if character is not None:
            self._specimen += self._text.feed(character.encode()).decode()

    def _decided(self) -> bytes:
        """Everything up to the first key whose specimen is not decided."""
        masked = bytearray()
        while self._held and not (self._held[0].types and not self._specimen):
            told = self._held.popleft()
            if len(told.data) < _EVENT.size:
                masked += told.data
            else:
                masked += self._event(told)
        return bytes(masked)

    def _event(self, told: _Told) -> bytes:
        seconds, microseconds, kind, code, value = _EVENT.unpack(told.data)
        character = self._specimen.popleft() if told.types else ""
        if kind == _EV_KEY and code in _PERSONAL:
            keys = _PERSONAL[code]
            if character:
                self._lying[code] = keys[character]
            code = self._lying.get(code, next(iter(keys.values())))
        elif kind not in {_EV_SYN, _EV_KEY}:
            code = value = 0
        return _EVENT.pack(seconds, microseconds, kind, code, value)


def _is_possible(seconds: int, microseconds: int, kind: int, code: int, value: int) -> bool:
    """Bytes of another device than a keyboard could say anything in these fields."""
    return (
        0 <= seconds < _SECONDS_MAX
        and 0 <= microseconds < _MICROSECONDS
        and kind <= _TYPE_MAX
        and code <= _CODE_MAX
        and (kind != _EV_KEY or 0 <= value <= _REPEATED)
    )
