"""Recordings of what went over a device's cable, masked before they reach the disk.

JSON Lines in UTF-8, the first line names the kind of device:

    {"muster_recording": 1, "kind": "sdt"}
    {"t_s": 0.0, "from": "host", "hex": "aaaaaa9669000311ffed"}
    {"t_s": 0.004, "from": "device", "hex": "aaaaaa9669000400009094"}

`t_s` counts from the start of the recording and never goes back; a line is what one read or write
moved. `drivers.masks` says what is masked, and how.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from os import O_CREAT, O_EXCL, O_WRONLY
from os import open as open_descriptor
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

import msgspec
from msgspec import Meta, Struct

from drivers.masks.base import Mask, masks_of
from drivers.port import BytePort

VERSION: Final = 1
QUIET_S = 0.2
"""What was begun and not finished for so long will not be: our drivers give up sooner."""
PRIVATE = 0o600

Source = Literal["host", "device"]
LineT = TypeVar("LineT", bound=Struct)


class RecordingError(ValueError):
    """A file that is no recording; says which line and why."""


class Entry(Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """What one read or write moved."""

    t_s: Annotated[float, Meta(ge=0)]
    source: Source
    hex: Annotated[str, Meta(pattern="^([0-9a-f]{2})+$")]

    @property
    def data(self) -> bytes:
        """The bytes."""
        return bytes.fromhex(self.hex)


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    muster_recording: Literal[1]
    kind: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One whole recording."""

    kind: str
    entries: Sequence[Entry] = field(repr=False)


def looks_like_recording(path: Path) -> bool:
    """Whether a file begins as recordings do. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(1) == b"{"


def read_recording(path: Path) -> Recording:
    """Read a recording whole. Raises `RecordingError`, and `OSError` if it cannot be read."""
    lines = path.read_bytes().splitlines()
    if not lines:
        raise RecordingError(f"{path}: nothing recorded")
    header = _decoded(lines[0], _Header, f"{path} line 1")
    entries = [
        _decoded(line, Entry, f"{path} line {number}") for number, line in enumerate(lines[1:], 2)
    ]
    for number, (before, after) in enumerate(pairwise(entries), 3):
        if after.t_s < before.t_s:
            raise RecordingError(f"{path} line {number}: the time goes back")
    return Recording(header.kind, entries)


def _decoded(line: bytes, shape: type[LineT], where: str) -> LineT:
    try:
        return msgspec.json.decode(line, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{where}: {error}") from error


@dataclass(slots=True)
class _Piece:
    """What one read or write moved, until its mask has decided about all of it."""

    t_s: float
    source: Source
    size_bytes: int
    masked: bytearray = field(default_factory=bytearray, repr=False)


class Recorder:
    """Writes a recording as its bytes come, in the order of their times; a context manager.

    `now_s` never goes back. Raises `FileExistsError` for a path that is taken,
    `DriverConfigError` for a kind without a mask.
    """

    def __init__(self, path: Path, kind: str, now_s: Callable[[], float]) -> None:
        masks = masks_of(kind)
        self._masks: dict[Source, Mask] = {"host": masks.host, "device": masks.device}
        self._now_s = now_s
        self._started_s = now_s()
        self._heard_s: dict[Source, float] = {}
        self._pieces: deque[_Piece] = deque()
        descriptor = open_descriptor(path, O_WRONLY | O_CREAT | O_EXCL, PRIVATE)
        self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115, PTH123  # closed below
        self._write(_Header(VERSION, kind))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def take(self, source: Source, data: bytes) -> None:
        """Note what just came from one end of the cable."""
        t_s = self._now_s() - self._started_s
        self._end_what_is_quiet(t_s)
        self._heard_s[source] = t_s
        if data:
            self._pieces.append(_Piece(t_s, source, len(data)))
            self._decided(source, self._masks[source].feed(data))

    def close(self) -> None:
        """Write what is still undecided, blank where it must be, and close the file."""
        with ExitStack() as stack:
            stack.callback(self._file.close)
            for source in self._masks:
                self._decided(source, self._masks[source].end())

    def _end_what_is_quiet(self, t_s: float) -> None:
        for source, heard_s in self._heard_s.items():
            if t_s - heard_s >= QUIET_S:
                self._decided(source, self._masks[source].end())

    def _decided(self, source: Source, masked: bytes) -> None:
        for piece in self._pieces:
            if not masked:
                break
            if piece.source == source:
                room = piece.size_bytes - len(piece.masked)
                piece.masked += masked[:room]
                masked = masked[room:]
        while self._pieces and len(self._pieces[0].masked) == self._pieces[0].size_bytes:
            piece = self._pieces.popleft()
            self._write(Entry(round(piece.t_s, 6), piece.source, piece.masked.hex()))

    def _write(self, line: Struct) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")


class RecordingPort:
    """A `BytePort` whose traffic is recorded. The recorder belongs to the caller."""

    def __init__(self, port: BytePort, recorder: Recorder) -> None:
        self._port, self._recorder = port, recorder

    async def read(self) -> bytes:
        """See `BytePort.read`."""
        data = await self._port.read()
        self._recorder.take("device", data)
        return data

    async def write(self, data: bytes) -> None:
        """See `BytePort.write`."""
        self._recorder.take("host", data)  # first: the answer may be read before this returns
        await self._port.write(data)

    async def close(self) -> None:
        """See `BytePort.close`."""
        await self._port.close()
