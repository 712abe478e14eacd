"""The courier files on a stick: found, read, told about, and made room for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from courier.words import Teller
from protocol.courier import (
    DOWN_SUFFIX,
    MAX_FILE_BYTES,
    UP_SUFFIX,
    CourierFile,
    CourierHead,
    Direction,
    unpack_courier,
)
from protocol.errors import ProtocolError, Unsupported
from runtime.stick import (
    StickError,
    StickFull,
    is_same_disk,
    read_limited,
    remove_from_stick,
    write_to_stick,
)

_SUFFIXES = {Direction.UP: UP_SUFFIX, Direction.DOWN: DOWN_SUFFIX}


@dataclass(frozen=True, slots=True)
class Carried:
    """A file of the own county that a stick or codes brought."""

    name: str
    file: CourierFile
    path: Path | None
    """Where it is, if it is on a stick."""


def is_stick(stick: Path, data: Path, teller: Teller) -> bool:
    """Whether there is a stick at all; says so if it looks like none.

    `data` is the node's own folder, which is not on a stick.
    """
    if not stick.is_dir():
        teller.warn("stick.none", stick=stick)
        return False
    if data.exists() and is_same_disk(stick, data):
        teller.aside("stick.same_disk", stick=stick)
    return True


def put(stick: Path, head: CourierHead, data: bytes, teller: Teller) -> bool:
    """Write a file; returns whether it is there. What is wrong was said."""
    try:
        write_to_stick(stick / head.name, data)
    except StickFull:
        teller.warn("stick.full")
    except StickError as error:
        teller.warn("stick.unwritable", reason=error)
    else:
        return True
    return False


def carried_on(stick: Path, direction: Direction, county: str, teller: Teller) -> Iterator[Carried]:
    """What is on a stick for whoever stands at the end of this direction."""
    for path in files_on(stick, direction):
        try:
            data = read_limited(path, MAX_FILE_BYTES)
        except OSError as error:
            teller.warn("stick.unreadable", name=path.name, reason=error.strerror)
            continue
        found = understood(path.name, data, direction, county, teller)
        if found is not None:
            yield Carried(path.name, found, path)


def files_on(stick: Path, direction: Direction) -> Sequence[Path]:
    """The files that are called so. Other systems leave some of their own, with a dot in front."""
    return sorted(
        path
        for path in stick.iterdir()
        if path.name.lower().endswith(_SUFFIXES[direction]) and not path.name.startswith(".")
    )


def understood(
    name: str, data: bytes, direction: Direction, county: str, teller: Teller
) -> CourierFile | None:
    """The file in `data`, if it is one of this county; what is wrong was said."""
    try:
        file = unpack_courier(data)
    except Unsupported:
        teller.warn("file.newer", name=name)
        return None
    except ProtocolError:
        teller.warn("file.strange", name=name)
        return None
    if file.head.county != county:
        teller.warn("file.other_county", name=name, county=file.head.county)
        return None
    if file.head.direction is not direction:
        teller.warn("file.strange", name=name)
        return None
    if not file.is_whole:
        teller.warn("file.torn", name=name, whole=len(file.messages))
    return file


def clear(stick: Path, direction: Direction, is_done: Callable[[str], bool]) -> int:
    """Take away the files of whose names `is_done` is true; returns how many went."""
    return sum(remove_from_stick(path) for path in files_on(stick, direction) if is_done(path.name))
