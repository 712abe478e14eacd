"""A FUSE folder that forgets what was not fsynced, and whose disk can fill up or fail.

    python -m tests.system.powerfs BACKING MOUNT [--keep 0.5] [--seed 1] [--capacity-bytes N]

Reads see the cache. BACKING holds what is durable, and after a power cut it is all there is:

- *Data* becomes durable at an fsync or fdatasync of its file. At a cut each dirty 4 KiB page is
  kept with probability `keep`, in any order: a torn, re-ordered cache. 0 forgets them all.
- *Names, sizes set by truncate, permissions of a new file* go through a journal, as on ext4: any
  fsync, of any file or folder, commits every change before it, in order. At a cut the journal is
  kept up to a random place: each change survives with probability `keep` if the one before did.
  Committing a name commits no data: a file renamed before its fsync comes back empty.

Commands are values of the extended attribute `user.power` of the mount's root, so they run inside
libfuse's single thread between two operations and need no lock (Python's signal handlers would
not run there at all). `setfattr -n user.power -v COMMAND MOUNT`, where COMMAND is

    cut               the power goes now; whoever uses the mount gets I/O errors from here on
    cut-before N      ... just before the N-th following operation that changes or syncs anything
    capacity BYTES    the size of the disk; a write that needs more pages gets ENOSPC
    fill              the capacity becomes what is used already
    fail-fsync N      the N-th following fsync and all later ones give EIO and sync nothing; as on
                      Linux, what they should have synced counts as clean from then on
    heal              fsyncs work again; they do not make up for those that failed

Not modelled: links, renaming a folder, tearing inside a page, older contents of a page that was
rewritten since its fsync, the kernel's write-back after some seconds (other than by `keep`), a cut
in the middle of an fsync, times and ownership.
"""

import argparse
import errno
import os
import random
import stat
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

import mfusepy

from tests.system.inode import PAGE_BYTES, Inode, load_inode

DEFAULT_CAPACITY_BYTES: Final = 64 * 1024 * 1024
CONTROL_ATTRIBUTE: Final = "user.power"
CUT_EXIT_CODE: Final = 86  # tells a power cut from a crash of this program
READY_LINE: Final = "ready"
ROOT: Final = "/"


class PowerDisk:
    """The operations libfuse calls, named as mfusepy wants them; raises `OSError` with the errno.

    Not a subclass of `mfusepy.Operations`, which is untyped and adds only defaults. An open
    file that has lost its name has no path in libfuse: what is open is found by its handle.
    """

    use_ns = True  # mfusepy: times are integers

    def __init__(self, backing: Path, *, keep: float, seed: int, capacity_bytes: int) -> None:
        self._backing = backing
        self._keep = keep
        self._random = random.Random(seed)
        self._capacity_pages = capacity_bytes // PAGE_BYTES
        self._journal: list[Callable[[], None]] = []
        self._handles: dict[int, Inode] = {}
        self._last_handle = 0
        self._changes_left: int | None = None
        self._fsyncs_left: int | None = None
        self._names = {ROOT: load_inode(backing)}
        for path in sorted(backing.rglob("*")):
            self._names[f"/{path.relative_to(backing)}"] = load_inode(path)

    # What is looked at.

    def init(self, _path: str) -> None:
        """Tell the parent process that the mount answers."""
        print(READY_LINE, flush=True)

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, int]:
        """`stat` of a name, or of an open file that has none any more."""
        inode = self._handles[fh] if path is None and fh is not None else self._find(path)
        return {
            "st_mode": inode.mode,
            "st_nlink": 2 if stat.S_ISDIR(inode.mode) else 1,
            "st_uid": os.getuid(),
            "st_gid": os.getgid(),
            "st_size": inode.size,
            "st_blocks": len(inode.pages) * PAGE_BYTES // 512,
            "st_mtime": inode.mtime_ns,
            "st_ctime": inode.mtime_ns,
            "st_atime": inode.mtime_ns,
        }

    def readdir(self, path: str, _fh: int) -> list[str]:
        """The names in a folder."""
        return [".", "..", *self._children(path)]

    def statfs(self, _path: str) -> dict[str, int]:
        """How large the disk is and what is left."""
        free = self._free_pages()
        return {
            "f_bsize": PAGE_BYTES,
            "f_frsize": PAGE_BYTES,
            "f_blocks": self._capacity_pages,
            "f_bfree": free,
            "f_bavail": free,
            "f_namemax": 255,
        }

    def open(self, path: str, flags: int) -> int:
        """A handle; the kernel leaves O_TRUNC to us."""
        inode = self._find(path)
        if flags & os.O_TRUNC:
            self.truncate(path, 0)
        return self._handle(inode)

    def read(self, _path: str | None, size: int, offset: int, fh: int) -> bytes:
        """What the cache holds, durable or not."""
        return self._handles[fh].read(size, offset)

    def release(self, _path: str | None, fh: int) -> None:
        """Close a handle; this syncs nothing."""
        del self._handles[fh]

    # What changes the cache, and the journal with it.

    def create(self, path: str, mode: int) -> int:
        """A new empty file."""
        self._changing()
        inode = self._names[path] = Inode(stat.S_IFREG | mode)
        self._journal.append(partial(self._create_durably, path, inode))
        return self._handle(inode)

    def mkdir(self, path: str, mode: int) -> None:
        """A new empty folder."""
        self._changing()
        inode = self._names[path] = Inode(stat.S_IFDIR | mode)
        self._journal.append(partial(self._create_durably, path, inode))

    def unlink(self, path: str) -> None:
        """Take a file's name away; who has it open keeps it."""
        self._changing()
        self._find(path)
        self._journal.append(partial(self._remove_durably, self._names.pop(path)))

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        if self._children(path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        self.unlink(path)

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing the one that had the name."""
        self._changing()
        inode = self._find(old)
        if stat.S_ISDIR(inode.mode):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        replaced = self._names.get(new)
        self._names[new] = self._names.pop(old)
        self._journal.append(partial(self._rename_durably, inode, replaced, new))

    def truncate(self, path: str | None, length: int, _fh: int | None = None) -> None:
        """Set a file's size."""
        self._changing()
        inode = self._find(path)
        inode.truncate(length)
        self._journal.append(partial(self._truncate_durably, inode, length))

    def write(self, _path: str | None, data: bytes, offset: int, fh: int) -> int:
        """Write all of `data` into the cache, or nothing if the disk is too full for it."""
        self._changing()
        inode = self._handles[fh]
        if inode.new_pages(len(data), offset) > self._free_pages():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        inode.write(data, offset)
        return len(data)

    def chmod(self, path: str, mode: int) -> None:
        """Change permissions, in the cache only."""
        inode = self._find(path)
        inode.mode = stat.S_IFMT(inode.mode) | stat.S_IMODE(mode)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """Set the time of change, in the cache only."""
        self._find(path).mtime_ns = time.time_ns() if times is None else times[1]

    # What makes durable.

    def fsync(self, _path: str | None, _datasync: int, fh: int) -> None:
        """Commit the journal and the data of this file."""
        inode = self._handles[fh]
        try:
            self._syncing()
        except OSError:
            inode.dirty.clear()
            raise
        self._commit()
        inode.save(sorted(inode.dirty))
        inode.dirty.clear()
        if inode.durable is not None:
            os.truncate(inode.durable, inode.size)

    def fsyncdir(self, _path: str, _datasync: int, _fh: int) -> None:
        """Commit the journal."""
        self._syncing()
        self._commit()

    # The hand at the plug.

    def setxattr(self, path: str, name: str, value: bytes, _options: int) -> None:
        """Obey a command; see the module's docstring."""
        if (path, name) != (ROOT, CONTROL_ATTRIBUTE):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        match value.decode().split():
            case ["cut"]:
                self.cut()
            case ["cut-before", number]:
                self._changes_left = int(number)
            case ["fail-fsync", number]:
                self._fsyncs_left = int(number)
            case ["heal"]:
                self._fsyncs_left = None
            case ["capacity", size_bytes]:
                self._capacity_pages = int(size_bytes) // PAGE_BYTES
            case ["fill"]:
                self._capacity_pages = self._used_pages()
            case _:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def cut(self) -> None:
        """Keep what chance keeps and end this process on the spot."""
        while self._journal and self._survives():
            self._journal.pop(0)()
        for inode in self._inodes():
            inode.save([number for number in sorted(inode.dirty) if self._survives()])
        os._exit(CUT_EXIT_CODE)

    def _survives(self) -> bool:
        return self._random.random() < self._keep

    def _changing(self) -> None:
        if self._changes_left is not None:
            self._changes_left -= 1
            if self._changes_left <= 0:
                self.cut()

    def _syncing(self) -> None:
        self._changing()
        if self._fsyncs_left is not None:
            self._fsyncs_left -= 1
            if self._fsyncs_left <= 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    # The journal's changes, as they happen to the backing folder.

    def _commit(self) -> None:
        for change in self._journal:
            change()
        self._journal.clear()

    def _create_durably(self, path: str, inode: Inode) -> None:
        inode.durable = self._durable(path)
        if stat.S_ISDIR(inode.mode):
            inode.durable.mkdir(mode=stat.S_IMODE(inode.mode))
        else:
            inode.durable.touch(mode=stat.S_IMODE(inode.mode))

    def _remove_durably(self, inode: Inode) -> None:
        if inode.durable is not None:
            inode.durable.rmdir() if stat.S_ISDIR(inode.mode) else inode.durable.unlink()
        inode.durable = None

    def _rename_durably(self, inode: Inode, replaced: Inode | None, new: str) -> None:
        if inode.durable is not None:
            inode.durable = inode.durable.replace(self._durable(new))
        if replaced is not None:
            replaced.durable = None

    def _truncate_durably(self, inode: Inode, length: int) -> None:
        if inode.durable is not None:
            os.truncate(inode.durable, length)

    def _durable(self, path: str) -> Path:
        return self._backing / path.lstrip("/")

    # Names, handles, space.

    def _find(self, path: str | None) -> Inode:
        inode = None if path is None else self._names.get(path)
        if inode is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return inode

    def _children(self, folder: str) -> list[str]:
        paths = (PurePosixPath(path) for path in self._names if path != ROOT)
        return [path.name for path in paths if path.parent == PurePosixPath(folder)]

    def _handle(self, inode: Inode) -> int:
        self._last_handle += 1
        self._handles[self._last_handle] = inode
        return self._last_handle

    def _inodes(self) -> list[Inode]:
        """Everything that takes space, each once, in a repeatable order."""
        return list(dict.fromkeys([*self._names.values(), *self._handles.values()]))

    def _used_pages(self) -> int:
        return sum(len(inode.pages) for inode in self._inodes())

    def _free_pages(self) -> int:
        return max(0, self._capacity_pages - self._used_pages())


def main() -> None:
    """Mount, and serve until unmounted or cut."""
    parser = argparse.ArgumentParser(description="a folder that forgets what was not fsynced")
    parser.add_argument("backing", type=Path)
    parser.add_argument("mount", type=Path)
    parser.add_argument("--keep", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--capacity-bytes", type=int, default=DEFAULT_CAPACITY_BYTES)
    chosen = parser.parse_args()
    os.umask(0)  # the kernel has applied the caller's umask already
    disk = PowerDisk(
        chosen.backing,
        keep=chosen.keep,
        seed=chosen.seed,
        capacity_bytes=chosen.capacity_bytes,
    )
    options: dict[str, Any] = {
        "foreground": True,
        "nothreads": True,  # what makes every operation atomic
        "hard_remove": True,  # an open file may lose its name without a hidden stand-in
        "attr_timeout": 0,
        "entry_timeout": 0,
    }
    mfusepy.FUSE(disk, str(chosen.mount), **options)


if __name__ == "__main__":
    main()
