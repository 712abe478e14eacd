"""Mask of scanners that are keyboards: the kernel's input events, every typed code a specimen.

As in `drivers.masks.text`: a key that types a digit stays one, a letter a letter; Shift and all
other keys stay. The raw codes that come along with key events become zero, for they say the same.
"""

import struct
from collections.abc import Sequence

from drivers.masks.base import Masks, Numbers, Unchanged

_EVENT = struct.Struct("<qqHHi")  # seconds, microseconds, type, code, value (hw/wedge.md 2)
_EV_SYN, _EV_KEY = 0, 1
_PRESSED, _REPEATED = 1, 2  # 0: released
_ENDS = frozenset({15, 28, 96})  # Tab, Enter, Enter of the keypad
# linux/input-event-codes.h, each in the order in which a specimen counts
_DIGITS = (11, 2, 3, 4, 5, 6, 7, 8, 9, 10)
_KEYPAD = (82, 79, 80, 81, 75, 76, 77, 71, 72, 73)
_LETTERS = (
    *(30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50),
    *(49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44),
)
_CLASSES = (_DIGITS, _KEYPAD, _LETTERS)
_TYPE_MAX, _CODE_MAX = 0x1F, 0x2FF
_SECONDS_MAX, _MICROSECONDS = 1 << 40, 1_000_000
_HELD_MAX_BYTES = 65_536  # a code of 600 characters: four events and more for each


def key_masks() -> Masks:
    """Masks for one recording of a scanner that types."""
    return Masks(host=Unchanged(), device=KeyMask())


class KeyMask:
    """A `Mask` of whole events, as the kernel hands them out; bytes that are none become zeros."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._held: list[tuple[int, int, int, int, int]] = []  # the events of one code
        self._numbers = Numbers()

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        self._pending += data
        whole = len(self._pending) - len(self._pending) % _EVENT.size
        events = _EVENT.iter_unpack(bytes(self._pending[:whole]))
        del self._pending[:whole]
        masked = b""
        for event in events:
            self._held.append(event)
            is_end = event[2:] in {(_EV_KEY, code, _PRESSED) for code in _ENDS}
            if is_end or len(self._held) * _EVENT.size >= _HELD_MAX_BYTES:
                masked += self._code()
        return masked

    def end(self) -> bytes:
        """See `Mask.end`."""
        torn, self._pending = len(self._pending), bytearray()
        return self._code() + bytes(torn)

    def _code(self) -> bytes:
        """The events held, of the specimen of what they type."""
        events, self._held = self._held, []
        pressed = [event[3] for event in events if _types(*event[2:])]
        specimens = iter(_specimens(pressed, self._numbers.of(repr(pressed).encode())))
        lying: dict[int, int] = {}  # key as it was -> key as it is told
        masked = b""
        for seconds, microseconds, kind, code, value in events:
            if not _is_possible(seconds, microseconds, kind, code, value):
                masked += bytes(_EVENT.size)
                continue
            told, told_value = code, value
            if _types(kind, code, value):
                told = lying[code] = next(specimens)
            elif kind == _EV_KEY and (order := _order(code)) is not None:
                told = lying.get(code, order[0])
            elif kind not in {_EV_SYN, _EV_KEY}:
                told = told_value = 0
            masked += _EVENT.pack(seconds, microseconds, kind, told, told_value)
        return masked


def _specimens(pressed: Sequence[int], number: int) -> Sequence[int]:
    """The keys of a specimen: the first of each class, `number` counted up from the right."""
    specimens = list(pressed)
    for at in range(len(pressed) - 1, -1, -1):
        order = _order(pressed[at])
        if order is not None:
            number, digit = divmod(number, len(order))
            specimens[at] = order[digit]
    return specimens


def _types(kind: int, code: int, value: int) -> bool:
    return kind == _EV_KEY and value == _PRESSED and _order(code) is not None


def _order(code: int) -> Sequence[int] | None:
    return next((order for order in _CLASSES if code in order), None)


def _is_possible(seconds: int, microseconds: int, kind: int, code: int, value: int) -> bool:
    """Bytes of another device than a keyboard could say anything in these fields."""
    return (
        0 <= seconds < _SECONDS_MAX
        and 0 <= microseconds < _MICROSECONDS
        and kind <= _TYPE_MAX
        and code <= _CODE_MAX
        and (kind != _EV_KEY or 0 <= value <= _REPEATED)
    )
