"""Whether two bodies are the same record, of which one may have come packed (by radio) and so
rounded: docs/wire-format.md section 11, "What arrives". Pure.

A record that came by radio and by another link is one record. Nothing but what packing rounds may
differ, and only by as much as packing does; everything else is a conflict.
"""

from msgspec import structs

from protocol.codec import decode_record
from protocol.packed_entry import SECOND_MS, rounded_error_ms
from protocol.records import Credential, Stamp, TimeSource, UnknownRecord

LOW_MS, HIGH_MS = 1500, 500  # how far below and above the true one a packed `mono_ms` may be
_TRUSTED = frozenset({TimeSource.NTP, TimeSource.GNSS})


def is_same_record(one: bytes, other: bytes) -> bool:
    """Whether both bodies, held under the same number, say the same."""
    if one == other:
        return True
    first, second = decode_record(one), decode_record(other)
    if isinstance(first, UnknownRecord) or isinstance(second, UnknownRecord):
        return False  # what cannot be read travels as it is
    if type(first) is not type(second):
        return False
    like_first = structs.replace(second, at=first.at, credential=first.credential)
    return (
        like_first == first
        and _is_same_time(first.at, second.at)
        and _is_same_card(first.credential, second.credential, is_rostered=first.person is not None)
    )


def _is_same_card(one: Credential, other: Credential, *, is_rostered: bool) -> bool:
    if (one.kind, one.digest) != (other.kind, other.digest):
        return False
    is_left_out = is_rostered and "" in {one.last4, other.last4}
    return one.last4 == other.last4 or is_left_out


def _is_same_time(one: Stamp, other: Stamp) -> bool:
    return (
        one == other
        or _is_rounding(one, other)
        or _is_rounding(other, one)
        or _are_roundings(one, other)
    )


def _is_rounding(packed: Stamp, whole: Stamp) -> bool:
    """Whether the one is what packing made of the other."""
    return (
        packed.source == whole.source
        and packed.wall_ms == whole.wall_ms // SECOND_MS * SECOND_MS
        and packed.error_ms == rounded_error_ms(whole.error_ms)
        and _has_mono_of(packed, whole)
    )


def _are_roundings(one: Stamp, other: Stamp) -> bool:
    """Whether both are what packing made of a third: in two batches, so their clocks differ."""
    is_same = (one.source, one.boot, one.wall_ms, one.error_ms) == (
        other.source,
        other.boot,
        other.wall_ms,
        other.error_ms,
    )
    has_mono = one.source not in _TRUSTED
    apart_ms = abs(one.mono_ms - other.mono_ms)
    return is_same and has_mono and _is_rounded(one) and apart_ms <= LOW_MS + HIGH_MS


def _is_rounded(at: Stamp) -> bool:
    least_error_ms = max(0, at.error_ms - SECOND_MS + 1)
    return not at.wall_ms % SECOND_MS and at.error_ms == rounded_error_ms(least_error_ms)


def _has_mono_of(packed: Stamp, whole: Stamp) -> bool:
    if packed.source in _TRUSTED:
        return packed.boot == packed.mono_ms == 0
    least_ms = whole.mono_ms - LOW_MS
    return packed.boot == whole.boot and least_ms <= packed.mono_ms <= whole.mono_ms + HIGH_MS
