"""Simulated USB keyboard, as a scanner pretends to be one: text in, kernel input events out.

Written from hw/wedge.md, never from drivers/, so that the two can disagree. What comes out is what
a reader of /dev/input/event* gets on a 64-bit machine: 24 bytes an event. Modelled: the US layout,
shift, Enter for both CR and LF, control characters with Ctrl, all else as Alt and its number
on the keypad, one report for each press and release. Not modelled: lock keys, lights, repeated
keys, scan codes, and everything the kernel does with a keyboard that is not grabbed.
"""

import asyncio
import struct

from sim.devices.line import DeviceLine

REPORT_S = 0.004  # a full-speed scanner; slow ones take 8 to 16 ms
SWITCHED_ON_S = 1_800_000_000  # what its kernel's clock says when the event loop's says 0

_EVENT = struct.Struct("<qqHHi")
_EV_SYN, _EV_KEY, _SYN_REPORT = 0, 1, 0
_ENTER, _TAB, _SPACE = 28, 15, 57
_LEFT_CTRL, _LEFT_SHIFT, _LEFT_ALT = 29, 42, 56
_KEYPAD = dict(zip("7894561230", (71, 72, 73, 75, 76, 77, 79, 80, 81, 82), strict=True))
_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
)

Key = tuple[int, ...]
"""A key and, before it, those held down meanwhile."""


def _keys() -> dict[str, Key]:
    keys: dict[str, Key] = {"\r": (_ENTER,), "\n": (_ENTER,), "\t": (_TAB,), " ": (_SPACE,)}
    for first, plain, shifted in _ROWS:
        for code, (lower, upper) in enumerate(zip(plain, shifted, strict=True), start=first):
            keys[lower], keys[upper] = (code,), (_LEFT_SHIFT, code)
    for character in map(chr, range(1, 0x20)):
        keys.setdefault(character, (_LEFT_CTRL, keys[chr(ord(character) | 0x40).lower()][-1]))
    return keys


_KEYS = _keys()


class KeyboardLine:
    """A `DeviceLine` that types what a device writes as text; the events go to `line`."""

    def __init__(self, line: DeviceLine) -> None:
        self._line = line

    async def read(self) -> bytes:
        """See `DeviceLine.read`."""
        return await self._line.read()

    async def write(self, data: bytes) -> None:
        """Type `data`, UTF-8; returns when the last key has been let go."""
        for character in data.decode():
            if character in _KEYS:
                await self._press(_KEYS[character])
            else:
                await self._type_number(character)

    async def _press(self, keys: Key) -> None:
        for key in keys:
            await self._report(key, 1)
        for key in reversed(keys):
            await self._report(key, 0)

    async def _type_number(self, character: str) -> None:
        """Alt and the number of the character, as scanners do for want of a key."""
        await self._report(_LEFT_ALT, 1)
        for digit in str(int.from_bytes(character.encode("gb18030"), "big")):
            await self._press((_KEYPAD[digit],))
        await self._report(_LEFT_ALT, 0)

    async def _report(self, key: int, value: int) -> None:
        await asyncio.sleep(REPORT_S)
        await self._line.write(self._event(_EV_KEY, key, value) + self._event(_EV_SYN, _SYN_REPORT))

    def _event(self, kind: int, code: int, value: int = 0) -> bytes:
        microseconds = round(asyncio.get_running_loop().time() * 1_000_000)
        seconds, rest = divmod(microseconds, 1_000_000)
        return _EVENT.pack(SWITCHED_ON_S + seconds, rest, kind, code, value)
