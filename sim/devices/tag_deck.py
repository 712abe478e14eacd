"""A deck of simulated tags: a CSV file with a header line; the columns are in sim/README.md."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from sim.devices.deck import DeckError, read_rows
from sim.devices.tag import (
    NTAG213,
    NTAG215,
    NTAG216,
    ClassicTag,
    NtagTag,
    PhoneTag,
    Tag,
    Type4Tag,
    text_record,
)

COLUMNS = frozenset({"uid", "kind", "text"})

_Make = Callable[[bytes, bytes | None], Tag]
KINDS: Mapping[str, _Make] = MappingProxyType(
    {
        "ntag213": lambda uid, message: NtagTag(uid, message, NTAG213),
        "ntag215": lambda uid, message: NtagTag(uid, message, NTAG215),
        "ntag216": lambda uid, message: NtagTag(uid, message, NTAG216),
        "type4": Type4Tag,
        "phone": lambda _uid, message: PhoneTag(message),
        "classic": lambda uid, _message: ClassicTag(uid),
    }
)
_UID_BYTES = {"ntag213": 7, "ntag215": 7, "ntag216": 7, "type4": 7, "phone": 0, "classic": 4}


def read_tags(path: Path) -> list[Tag]:
    """Read tags from a CSV file with the columns `uid` (hex), `kind` and `text`.

    An empty `text` is a tag without a message. Raises `DeckError`, and `OSError` if there is no
    such file.
    """
    return [
        _tag(cells, where) for where, cells in read_rows(path, known=COLUMNS, required=("kind",))
    ]


def _tag(cells: Mapping[str, str], where: str) -> Tag:
    kind, text = cells["kind"], cells.get("text")
    if kind not in KINDS:
        raise DeckError(f"{where}: kind must be one of {', '.join(KINDS)}")
    try:
        uid = bytes.fromhex(cells.get("uid", ""))
    except ValueError as error:
        raise DeckError(f"{where}: uid is not in hex") from error
    if len(uid) != _UID_BYTES[kind]:
        raise DeckError(f"{where}: the uid of kind {kind} has {_UID_BYTES[kind]} bytes")
    try:
        return KINDS[kind](uid, None if text is None else text_record(text))
    except ValueError as error:
        raise DeckError(f"{where}: {error}") from error
