"""What a scanner types: kernel input events -> characters (hw/wedge.md 2 and 3). Pure.

The layout is the US one and ours: the keyboard layout of the machine plays no part.
"""

import struct
from collections.abc import Iterable, Mapping
from types import MappingProxyType

EVENT = struct.Struct("<qqHHi")  # seconds, microseconds, type, code, value; 64-bit little-endian
UNTYPEABLE = b"\0"
"""Stands for what cannot be told: text with it in is damaged."""

_EV_SYN, _EV_KEY = 0, 1
_SYN_REPORT, _SYN_DROPPED = 0, 3
_PRESSED, _REPEATED = 1, 2  # 0: released
_TYPE_MAX, _CODE_MAX = 0x1F, 0x2FF
_SECONDS_MAX = 1 << 40  # far beyond any clock: garbage
_MICROSECONDS = 1_000_000

_SHIFT = frozenset({42, 54})
_CONTROL = frozenset({29, 97})
_OTHER_MODIFIERS = frozenset({56, 100, 125, 126})  # Alt, AltGr, Meta
_MODIFIERS = _SHIFT | _CONTROL | _OTHER_MODIFIERS
_CAPS_LOCK = 58
_NOT_ON_US_KEYBOARDS = frozenset({86, 89, 124})  # whoever sends these has another layout
_CONTROL_MASK = 0x1F  # Ctrl and a letter is a control character: Ctrl-] is GS, 1D


def _row(first_code: int, characters: str) -> Iterable[tuple[int, str]]:
    return enumerate(characters, start=first_code)


_KEYPAD: Mapping[int, str] = MappingProxyType(
    {55: "*", **dict(_row(71, "789-456+1230.")), 96: "\r", 98: "/", 117: "="}
)
_PLAIN: Mapping[int, str] = MappingProxyType(
    {
        **dict(_row(2, "1234567890-=")),
        15: "\t",
        **dict(_row(16, "qwertyuiop[]\r")),
        **dict(_row(30, "asdfghjkl;'`")),
        **dict(_row(43, "\\zxcvbnm,./")),
        57: " ",
        **_KEYPAD,
    }
)
_SHIFTED: Mapping[int, str] = MappingProxyType(
    {
        **dict(_row(2, "!@#$%^&*()_+")),
        15: "\t",
        **dict(_row(16, "QWERTYUIOP{}\r")),
        **dict(_row(30, 'ASDFGHJKL:"~')),
        **dict(_row(43, "|ZXCVBNM<>?")),
        57: " ",
        **_KEYPAD,
    }
)


def is_possible(seconds: int, microseconds: int, kind: int, code: int, value: int) -> bool:
    """Whether these fields of an `EVENT` can be one; anything else is garbage."""
    return (
        0 <= seconds < _SECONDS_MAX
        and 0 <= microseconds < _MICROSECONDS
        and kind <= _TYPE_MAX
        and code <= _CODE_MAX
        and (kind != _EV_KEY or 0 <= value <= _REPEATED)
    )


class KeyDecoder:
    """Turns input events, in any pieces, into the bytes that were typed; ASCII only.

    What it cannot tell becomes `UNTYPEABLE`: keys with Alt, as scanners type characters that no
    keyboard has; keys of other layouts; events the kernel dropped; bytes that are no events.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._held: set[int] = set()
        self._is_caps = False
        self._has_dropped = False
        self._is_lost = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they come; return what they type."""
        self._pending += data
        typed = bytearray()
        at = 0
        while at + EVENT.size <= len(self._pending):
            event = EVENT.unpack_from(self._pending, at)
            if is_possible(*event):
                self._is_lost = False
                typed += self._take(*event[2:])
                at += EVENT.size
                continue
            if not self._is_lost:
                typed += UNTYPEABLE
                self._is_lost = True
                self._held.clear()
            at += 1
        self._pending = self._pending[at:]
        return bytes(typed)

    def _take(self, kind: int, code: int, value: int) -> bytes:
        if kind == _EV_SYN:
            return self._synchronise(code)
        if kind != _EV_KEY or self._has_dropped:
            return b""
        if code in _MODIFIERS:
            if value == _PRESSED:
                self._held.add(code)
            elif value != _REPEATED:
                self._held.discard(code)
            return b""
        return self._typed(code) if value == _PRESSED else b""

    def _synchronise(self, code: int) -> bytes:
        if code == _SYN_DROPPED:
            self._has_dropped = True
            self._held.clear()
            return UNTYPEABLE
        if code == _SYN_REPORT:
            self._has_dropped = False  # what lay before it is not to be trusted
        return b""

    def _typed(self, code: int) -> bytes:
        if code == _CAPS_LOCK:
            self._is_caps = not self._is_caps
            return b""
        if code in _NOT_ON_US_KEYBOARDS:
            return UNTYPEABLE
        character = (_SHIFTED if self._held & _SHIFT else _PLAIN).get(code)
        if character is None:
            return b""  # lights and function keys are no text
        if self._held & _OTHER_MODIFIERS:
            return UNTYPEABLE
        if self._held & _CONTROL:
            return bytes([ord(character) & _CONTROL_MASK])
        if self._is_caps and character.isalpha():
            character = character.swapcase()
        return character.encode()
