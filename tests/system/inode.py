"""The cached version of one file or folder, page by page, and how pages become durable."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 4096  # of the kernel's page cache


@dataclass(slots=True, eq=False)
class Inode:
    """A file or folder as the cache has it; a page that is not there is zeros."""

    mode: int
    size: int = 0
    pages: dict[int, bytearray] = field(default_factory=dict)
    dirty: set[int] = field(default_factory=set)
    mtime_ns: int = field(default_factory=time.time_ns)
    durable: Path | None = None
    """Where the durable version is; `None` while no durable name leads to it."""

    def read(self, size: int, offset: int) -> bytes:
        """At most `size` bytes from `offset`; fewer at the end of the file."""
        end = min(offset + size, self.size)
        found = bytearray()
        while offset < end:
            number, start = divmod(offset, PAGE_BYTES)
            stop = min(PAGE_BYTES, start + end - offset)
            page = self.pages.get(number)
            found += bytes(stop - start) if page is None else page[start:stop]
            offset += stop - start
        return bytes(found)

    def write(self, data: bytes, offset: int) -> None:
        """Change the cached pages and mark them dirty."""
        written = 0
        while written < len(data):
            number, start = divmod(offset + written, PAGE_BYTES)
            piece = data[written : written + PAGE_BYTES - start]
            page = self.pages.setdefault(number, bytearray(PAGE_BYTES))
            page[start : start + len(piece)] = piece
            self.dirty.add(number)
            written += len(piece)
        self.size = max(self.size, offset + len(data))
        self.mtime_ns = time.time_ns()

    def truncate(self, length: int) -> None:
        """Forget the cached bytes behind `length`."""
        last, kept = divmod(length, PAGE_BYTES)
        for number in [number for number in self.pages if number >= last + (kept > 0)]:
            del self.pages[number]
        self.dirty &= self.pages.keys()
        if last in self.pages:
            self.pages[last][kept:] = bytes(PAGE_BYTES - kept)
        self.size = length
        self.mtime_ns = time.time_ns()

    def new_pages(self, size: int, offset: int) -> int:
        """How many more pages a write of `size` bytes at `offset` needs."""
        touched = range(offset // PAGE_BYTES, -(-(offset + size) // PAGE_BYTES))
        return sum(number not in self.pages for number in touched)

    def save(self, numbers: Sequence[int]) -> None:
        """Make some pages durable, if a durable name leads here."""
        if self.durable is None or not numbers:
            return
        with self.durable.open("r+b") as file:
            for number in numbers:
                start = number * PAGE_BYTES
                file.seek(start)
                file.write(self.read(PAGE_BYTES, start))


def load_inode(path: Path) -> Inode:
    """A durable file or folder, with nothing dirty."""
    inode = Inode(path.stat().st_mode, durable=path)
    if path.is_file():
        inode.write(path.read_bytes(), 0)
        inode.dirty.clear()
    return inode
