"""Files that are either the old content or the new, never half of one."""

import os
from pathlib import Path

SECRET_MODE = 0o600
PLAIN_MODE = 0o644


def write_atomic(path: Path, data: bytes, *, mode: int = PLAIN_MODE) -> None:
    """Replace a file: temporary file, fsync, rename, fsync of the folder. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        _write_new(temporary, data, mode)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # on a full disk half a file is in the way
        raise
    sync_folder(path.parent)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)  # one left by a power cut would keep its own, wider mode
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable: a renamed file exists only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
