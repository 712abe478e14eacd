"""A USB stick: FAT, no rights, times to two seconds, pulled at any moment, full or worn out.

Nothing here goes by a file's time, and a file counts as written once it was read back from the
stick itself.
"""

import errno
import os
from pathlib import Path

from runtime.files import sync_folder

PART_SUFFIX = ".part"  # being written, or left by a stick that was pulled
_PATIENT = {errno.EINVAL, errno.ENOTSUP}  # what a file system says that cannot sync a folder
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StickError(Exception):
    """The stick does not hold what was to be written; whatever waited waits on."""


class StickFull(StickError):
    """There is no room for this file."""


class StickUnwritable(StickError):
    """Pulled, write-protected or broken; `args[0]` is the system's word for it."""


def write_to_stick(path: Path, data: bytes) -> None:
    """Write a file and read it back from the stick. Raises `StickError`; then it is not there."""
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        _write(part, data)
        part.replace(path)
        _sync(path.parent)
        is_there = _read_back(path) == data
    except OSError as error:
        _remove(part)
        if error.errno in _FULL:
            raise StickFull(path.name) from error
        raise StickUnwritable(error.strerror or str(error)) from error
    if not is_there:
        _remove(path)
        raise StickUnwritable("it does not keep what is written to it")


def read_limited(path: Path, limit_bytes: int) -> bytes:
    """A file's content, cut one byte beyond the limit. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(limit_bytes + 1)


def remove_from_stick(path: Path) -> bool:
    """Take a file away; returns whether it is gone."""
    return _remove(path)


def is_same_disk(stick: Path, folder: Path) -> bool:
    """Whether `stick` lies on the disk of `folder`: then, as a rule, nothing is mounted there."""
    return stick.stat().st_dev == folder.stat().st_dev


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read_back(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        # What was synced is dropped from memory: what is read now comes from the stick.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return file.read()


def _sync(folder: Path) -> None:
    try:
        sync_folder(folder)
    except OSError as error:
        if error.errno not in _PATIENT:
            raise


def _remove(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError:
        return False
    return True
