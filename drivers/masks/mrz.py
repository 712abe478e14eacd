"""Mask of machine-readable zones: a specimen of the same form, its check digits as good as before.

Kept are the type of the document, the fillers and so the shape of names and numbers. Every date
of birth becomes 1 January 1980, every expiry 1 January 2040. A check digit that was right is made
right for the specimen, one that was wrong stays wrong: a misread zone stays one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from types import MappingProxyType

from drivers.masks.base import Masks, Numbers, Unchanged
from drivers.masks.text import LINE_MAX_BYTES, numbered, specimen_line

_SEPARATORS = re.compile(rb"([\r\n\t\x02\x03]+)")
_ZONE_LINE = re.compile(rb"[A-Z0-9<]+")
_LINES = {30: 3, 36: 2, 44: 2}
_UNBROKEN = {length * count for length, count in _LINES.items()}
_FILLER = "<"
_BIRTH, _EXPIRY = "800101", "400101"
_WEIGHTS = (7, 3, 1)
_TYPE_CHARS = 2


@dataclass(frozen=True, slots=True)
class _Form:
    """Where things lie in a zone whose lines are joined (hw/mrz.md 1). Check digits are behind."""

    number: slice
    birth: slice
    expiry: slice
    optional: slice
    optional_is_checked: bool
    overall: tuple[slice, ...]
    overall_at: int


_FORMS: Mapping[int, _Form] = MappingProxyType(
    {
        90: _Form(
            slice(5, 14),
            slice(30, 36),
            slice(38, 44),
            slice(15, 30),
            False,
            (slice(5, 30), slice(30, 37), slice(38, 45), slice(48, 59)),
            59,
        ),
        72: _Form(
            slice(36, 45),
            slice(49, 55),
            slice(57, 63),
            slice(64, 71),
            False,
            (slice(36, 46), slice(49, 56), slice(57, 71)),
            71,
        ),
        88: _Form(
            slice(44, 53),
            slice(57, 63),
            slice(65, 71),
            slice(72, 86),
            True,
            (slice(44, 54), slice(57, 64), slice(65, 87)),
            87,
        ),
    }
)


def mrz_masks() -> Masks:
    """Masks for one recording of a reader of machine-readable zones."""
    return Masks(host=Unchanged(), device=MrzMask())


class MrzMask:
    """A `Mask` of zones, their lines separated or not; other lines are masked as a scanner's."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._block: list[bytes] = []  # lines of a zone, and the separators between them
        self._numbers = Numbers()

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        self._pending += data
        *parts, rest = _SEPARATORS.split(bytes(self._pending))
        masked = b"".join(self._take(part) for part in parts)
        while len(rest) > LINE_MAX_BYTES:
            masked += self._take(rest[:LINE_MAX_BYTES])
            rest = rest[LINE_MAX_BYTES:]
        self._pending = bytearray(rest)
        return masked

    def end(self) -> bytes:
        """See `Mask.end`."""
        rest, self._pending = bytes(self._pending), bytearray()
        return self._take(rest) + self._give_up()

    def _take(self, part: bytes) -> bytes:
        if not part:
            return b""
        if not self._block and _SEPARATORS.fullmatch(part):
            return part
        if _SEPARATORS.fullmatch(part):
            self._block.append(part)
            return b""
        if not _ZONE_LINE.fullmatch(part) or len(part) not in {*_LINES, *_UNBROKEN}:
            return self._give_up() + specimen_line(part, self._numbers.of(part))
        given_up = b""
        if self._block and len(self._block[0]) != len(part):
            given_up = self._give_up()
        self._block.append(part)
        lines = self._block[::2]
        if len(part) not in _UNBROKEN and len(lines) < _LINES[len(part)]:
            return given_up
        return given_up + self._zone(lines)

    def _zone(self, lines: list[bytes]) -> bytes:
        """The block as that of the specimen zone."""
        zone = b"".join(lines)
        specimen = specimen_zone(zone.decode(), self._numbers.of(zone)).encode()
        masked, at = b"", 0
        for part in self._block:
            if _SEPARATORS.fullmatch(part):
                masked += part
            else:
                masked += specimen[at : at + len(part)]
                at += len(part)
        self._block.clear()
        return masked

    def _give_up(self) -> bytes:
        """What was begun is no zone: its lines are masked each by itself."""
        block, self._block = self._block, []
        return b"".join(
            part if _SEPARATORS.fullmatch(part) else specimen_line(part, self._numbers.of(part))
            for part in block
        )


def specimen_zone(zone: str, number: int) -> str:
    """A zone of the same form (90, 72 or 88 characters) that holds nothing of the original."""
    form = _FORMS[len(zone)]
    specimen = list(numbered(zone, 0))
    specimen[:_TYPE_CHARS] = zone[:_TYPE_CHARS]
    specimen[form.number] = numbered(zone[form.number], number)
    for field, day in ((form.birth, _BIRTH), (form.expiry, _EXPIRY)):
        if zone[field].isdigit():
            specimen[field] = day
    for covered, at in _checks(zone, form):
        was_right = check_digit("".join(zone[part] for part in covered)) == zone[at]
        digit = check_digit("".join("".join(specimen[part]) for part in covered))
        if zone[at].isdigit():
            specimen[at] = digit if was_right else str((int(digit) + 1) % 10)
    return "".join(specimen)


def _checks(zone: str, form: _Form) -> list[tuple[tuple[slice, ...], int]]:
    """What each check digit covers and where it is; the overall one, which covers others, last."""
    checks: list[tuple[tuple[slice, ...], int]] = [
        ((form.birth,), form.birth.stop),
        ((form.expiry,), form.expiry.stop),
    ]
    if form.optional_is_checked:
        checks.append(((form.optional,), form.optional.stop))
    if zone[form.number.stop] == _FILLER and not form.optional_is_checked:
        goes_on = len(zone[form.optional].partition(_FILLER)[0])  # a number of more than nine
        last = form.optional.start + max(goes_on - 1, 0)
        checks.append(((form.number, slice(form.optional.start, last)), last))
    else:
        checks.append(((form.number,), form.number.stop))
    return [*checks, (form.overall, form.overall_at)]


def check_digit(text: str) -> str:
    """ICAO Doc 9303: weights 7, 3, 1; letters count from 10, a filler is 0."""
    values = (0 if character == _FILLER else int(character, 36) for character in text)
    return str(sum(w * value for w, value in zip(cycle(_WEIGHTS), values, strict=False)) % 10)
