"""A deck of simulated tags: a CSV file with a header line; the columns are in sim/README.md."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from sim.devices.deck import DeckError
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

    An empty `text` is a tag without a message. UTF-8, with or without a byte order mark. Raises
    `DeckError`, and `OSError` if there is no such file.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        try:
            if set(rows.fieldnames or []) != COLUMNS:
                raise DeckError(f"{path}: the first line must be uid,kind,text")
            tags = [_tag(row, f"{path} line {rows.line_num}") for row in rows]
        except (csv.Error, UnicodeDecodeError) as error:
            raise DeckError(f"{path}: not a CSV file in UTF-8: {error}") from error
    if not tags:
        raise DeckError(f"{path}: no tags")
    return tags


def _tag(row: Mapping[str | None, str | None], where: str) -> Tag:
    if None in row or None in row.values():
        raise DeckError(f"{where}: not as many cells as the first line has columns")
    cells = {name: (cell or "").strip() for name, cell in row.items()}
    kind = cells["kind"]
    if kind not in KINDS:
        raise DeckError(f"{where}: kind must be one of {', '.join(KINDS)}")
    try:
        uid = bytes.fromhex(cells["uid"])
    except ValueError as error:
        raise DeckError(f"{where}: uid is not in hex") from error
    if len(uid) != _UID_BYTES[kind]:
        raise DeckError(f"{where}: the uid of kind {kind} has {_UID_BYTES[kind]} bytes")
    message = text_record(cells["text"]) if cells["text"] else None
    try:
        return KINDS[kind](uid, message)
    except ValueError as error:
        raise DeckError(f"{where}: {error}") from error
